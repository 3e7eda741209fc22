/**
 * Rain in training data: genuine streak layers, generated ones, and heavy rain.
 *
 * @module
 */
import { z } from 'zod';
import type { Random } from '../../random/random.ts';
import { share } from '../schema.ts';
import { cutWindow, drawWindow } from '../window.ts';
import { drawHeavyRain } from './heavy-rain.ts';
import type { Plane } from './plane.ts';
import { drawStreakStyle, generateStreaks, measureRain, mixLayers, scaleLayer, streaks } from './rain.ts';
import type { DegradationRecord, DrawContext } from './record.ts';

const options = z
  .strictObject({
    /** Share of heavy rain: several generated layers, sheets and mist. */
    heavy: share.default(0),
    /** Share of the other rain that the streak generator draws; all of it where there is no folder of layers. */
    generated: share.default(0.25),
  })
  .prefault({});

type Options = z.output<typeof options>;

export const rain: DegradationRecord<Options> = {
  options,
  weight: 0.2,
  async draw(random, { heavy, generated }, context) {
    const { side } = context;
    if (random.uniform() < heavy) return { effects: [drawHeavyRain(random, side)] };
    if (context.pictures.counts.rainLayers === 0 || random.uniform() < generated) {
      return { effects: [streaks(generateStreaks(random, side, side, drawStreakStyle(random)), 'generated streaks')] };
    }
    const layer = await genuineLayer(random, context);
    const mixed = random.uniform() < 0.2 ? mixLayers(layer, await genuineLayer(random, context)) : layer;
    const rained = random.uniform() < 0.5 ? mixed : scaleLayer(mixed, random.uniform(0.6, 1.5));
    return { effects: [streaks(rained, 'a genuine layer')] };
  },
  measure: measureRain,
  genuine: (section) => ({ ...section, generated: 0, heavy: 0 }),
};

async function genuineLayer(random: Random, { pictures, side }: DrawContext): Promise<Plane> {
  const layer = await pictures.rainLayer(random.int(pictures.counts.rainLayers));
  const scale = random.uniform() < 0.5 ? 1 : random.uniform(0.75, 1.35);
  return { width: side, height: side, data: cutWindow(layer, drawWindow(random, layer, side, scale)) };
}
