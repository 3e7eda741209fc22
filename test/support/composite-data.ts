/**
 * Held-back data for composites of degradations, and a look-up from a degraded picture to what happened to it.
 *
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { type DegradedPair, degrade } from '../../src/data/degradations/composite.ts';
import { measure } from '../../src/data/degradations/index.ts';
import type { DegradationSet } from '../../src/data/degradations/record.ts';
import { combinationsOf } from '../../src/degradations/combinations.ts';
import { FIRST_DEGRADATIONS } from '../../src/degradations/index.ts';
import { compositeSources } from '../../src/evaluate/experiments/composites.ts';
import type { CompositeConfig } from '../../src/evaluate/experiments/config.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import type { Raster } from '../../src/image/raster.ts';
import { fingerprint } from './known-systems.ts';
import { patternPicture } from './pictures.ts';

/** Of composites in the folder that {@link writeComposites} writes: two pictures of each combination. */
export const composites: CompositeConfig = {
  clean: 'clean',
  layers: 'layers',
  haze: 'haze',
  heldBack: 2,
  pictures: 2,
  centre: 64,
};

async function save(path: string, side: number, change: (value: number) => number): Promise<void> {
  const picture = patternPicture(side, side);
  await mkdir(join(path, '..'), { recursive: true });
  const data = Uint8Array.from(picture.data, change);
  await writeFile(path, await encodeImage({ ...picture, data }, { format: 'png' }));
}

/** Three clean photos, three rain layers and three scenes with haze. */
export async function writeComposites(folder: string): Promise<void> {
  await mkdir(join(folder, 'layers'), { recursive: true });
  for (const i of [1, 2, 3]) {
    await save(join(folder, 'clean', `photo${i}.png`), 64 + 8 * i, (value) => 40 + value / 2);
    const layer = Buffer.from(Uint8Array.from({ length: 64 * 48 }, (_, k) => (k % (7 + i) === 0 ? 60 : 0)));
    await sharp(layer, { raw: { width: 64, height: 48, channels: 1 } })
      .png()
      .toFile(join(folder, 'layers', `${i}.png`));
    await save(join(folder, 'haze/clear', `000${i}.png`), 72 + 8 * i, (value) => value);
    // I = J t + A (1 - t) with t = 0.6 and A = 0.9.
    await save(join(folder, 'haze/hazy', `000${i}_0.9_0.1.png`), 72 + 8 * i, (value) => 0.6 * value + 0.4 * 0.9 * 255);
  }
}

/** What the composites are made of: the experiments are the paper's. */
export type Name = (typeof FIRST_DEGRADATIONS)[number];

/** A degraded picture of an experiment, and what it is made of. */
export interface KnownComposite {
  readonly present: readonly Name[];
  readonly index: number;
  readonly sigma: number;
  /** Its input, and what a request to remove `asked` should give. */
  pairFor(asked: DegradationSet): DegradedPair;
}

const setKey = (names: DegradationSet): string => FIRST_DEGRADATIONS.filter((name) => names.has(name)).join();

/** Every composite by the 8-bit values of its degraded picture; noise of each sigma. */
export async function knownComposites(folder: string, sigmas: readonly number[], seed: number) {
  const sources = await compositeSources(composites, folder);
  const known = new Map<string, KnownComposite>();
  for (const present of combinationsOf(FIRST_DEGRADATIONS))
    for (const sigma of present.includes('noise') ? sigmas : [0])
      for (let index = 0; index < sources.count; index++) {
        const { clear, effects } = await sources.make(index, present, sigma, seed);
        const pairs = new Map<string, DegradedPair>();
        for (const names of combinationsOf(FIRST_DEGRADATIONS)) {
          const asked: DegradationSet = new Set(names);
          pairs.set(setKey(asked), await degrade(clear, effects, asked, measure));
        }
        const pairFor = (asked: DegradationSet) => pairs.get(setKey(asked)) as DegradedPair;
        known.set(fingerprint(pairFor(new Set(FIRST_DEGRADATIONS)).input), { present, index, sigma, pairFor });
      }
  const find = (picture: Raster): KnownComposite => {
    const found = known.get(fingerprint(picture));
    if (!found) throw new Error('expected a picture of the experiment, received another');
    return found;
  };
  return { all: [...known.values()], find };
}
