/**
 * Noise in training data: white, through a camera, or a chain of what happens in practice; mostly inside a file.
 *
 * @module
 */
import { z } from 'zod';
import type { Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { range, share, weight } from '../schema.ts';
import { type CameraRange, develop, drawShot } from './camera.ts';
import { countsTo, drawSaved, savedEffect } from './compression.ts';
import { normals, pickWeighted } from './fields.ts';
import { drawChain, estimateNoise, measureNoise, whiteNoise } from './noise.ts';
import type { DegradationRecord, DrawContext, Drawn, Effect } from './record.ts';

const options = z
  .strictObject({
    /** How often each kind is drawn, relative to the others. */
    kinds: z
      .strictObject({ white: weight.default(1), camera: weight.default(0), chain: weight.default(0) })
      .prefault({})
      .refine((kinds) => Object.values(kinds).some((value) => value > 0), {
        message: 'expected at least one kind with a weight above 0',
      }),
    /** Sigma of white noise, 8-bit units; drawn uniformly. */
    sigma: range(0, 100).default([0, 55]),
    /** Standard deviation of each link of a chain, 8-bit units; drawn log-uniformly. */
    chain: range(0.5, 100).default([1, 40]),
    camera: z
      .strictObject({
        /** Variance of the sensor's noise per unit of light; drawn log-uniformly. */
        shot: range(1e-6, 0.1).default([1e-4, 1.2e-2]),
        /** Least side that a converter leaves, as a share. */
        reduction: z.number().min(0.25).max(1).default(0.5),
      })
      .prefault({}),
    /** Share of camera and chain noise that lies in a JPEG file. */
    saved: share.default(0.7),
    /** Quality of those files, drawn uniformly. */
    quality: range(1, 100).default([70, 98]),
  })
  .prefault({});

type Options = z.output<typeof options>;

export const noise: DegradationRecord<Options> = {
  options,
  weight: 0.28,
  draw(random, section, context) {
    const kind = pickWeighted(random, section.kinds);
    const weaker = context.companion ? COMPANION : 1;
    if (kind === 'white') {
      const sigma = random.uniform(...section.sigma) * weaker;
      return { effects: [whiteNoise(sigma, normals(random.uint32(), 3 * context.side ** 2))] };
    }
    const { effects, side = context.side } =
      kind === 'camera'
        ? drawCamera(random, section.camera, context)
        : { effects: [drawChain(random, section.chain, context.side, weaker)] };
    if (random.uniform() >= section.saved) return { effects, side };
    const saved = drawSaved(random, section.quality);
    return { effects: [...effects, savedEffect(saved, countsTo('noise', saved.quality, context))], side };
  },
  measure: measureNoise,
  estimate: estimateNoise,
};

/** Noise that comes with darkness is that much weaker: in the dark the strongest would leave nothing to be seen. */
const COMPANION = 0.3;

/** Larger pictures than this do not fit into most training photos. */
const MOST_SIDE = 320;

function drawCamera(random: Random, range: CameraRange, { side }: DrawContext): Drawn {
  const least = Math.min(1, Math.max(range.reduction, side / MOST_SIDE));
  const drawn = drawShot(random, { ...range, reduction: least });
  const source = Math.round(side / drawn.reduction);
  const shot = { ...drawn, reduction: side / source };
  let last: { before: Raster; clean: Raster } | undefined;
  const clean = (before: Raster): Raster => {
    if (last?.before !== before) last = { before, clean: develop(before, shot, false) };
    return last.clean;
  };
  const words = [
    `shot ${shot.shot.toExponential(1)}`,
    shot.demosaicing,
    ...Object.entries(shot.smoothing).map(([what, passes]) => (passes > 0 ? `${what} smoothed ${passes} x` : '')),
  ];
  if (shot.sharpening > 0) words.push(`sharpened ${shot.sharpening.toFixed(1)}`);
  if (shot.reduction < 1) words.push(`reduced to ${Math.round(100 * shot.reduction)} %`);
  const effect: Effect = {
    of: 'noise',
    place: 50,
    drawn: `camera noise, ${words.filter((word) => word !== '').join(', ')}`,
    apply: (before) => develop(before, shot, true),
    without: clean,
  };
  return { effects: [effect], side: source };
}
