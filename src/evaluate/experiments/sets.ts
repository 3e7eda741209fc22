/**
 * The test sets of experiments, described in configurations: pairs and clean pictures as they come, and the held-back part
 * of the data that the bundled model was trained on.
 *
 * @module
 */
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { holdBackLayers, holdBackScenes, listHazePairs, listPictures } from '../../data/dataset.ts';
import { compressJpeg } from '../../data/degradations/compression.ts';
import { addGaussianNoise, quantise } from '../../data/degradations/noise.ts';
import type { Plane } from '../../data/degradations/plane.ts';
import { addRain } from '../../data/degradations/rain.ts';
import { readPlane } from '../../data/picture-store.ts';
import { CROPS, crop, cutCentre } from '../resize.ts';
import { casesFor } from '../sets/cases.ts';
import type { TaskName } from '../sets/layout.ts';
import { type EvaluationCase, fitTarget, type LoadedCase, noiseField, readPicture } from '../sets/pictures.ts';

const folder = z.string().min(1);
const common = {
  /** Row of the tables. */
  name: z.string().min(1),
  /** Only every second picture in natural order, where thresholds were set by the others. */
  half: z.enum(['even', 'odd']).optional(),
  /** Only the first pictures, of those. */
  limit: z.int().min(1).optional(),
  /** Only the middle of each picture, this many pixels wide and high. */
  centre: z.int().min(16).optional(),
  crop: z.enum(CROPS).default('none'),
};

/** Folders are relative to the experiment's data folder. */
export const setSchema = z.discriminatedUnion('kind', [
  /** Clean pictures with noise added. */
  z.strictObject({ kind: z.literal('noise'), ...common, clean: folder, sigma: z.number().positive().max(255) }),
  /** Held-back streak layers over clean pictures: min(255, picture + layer). */
  z.strictObject({
    kind: z.literal('rain-layers'),
    ...common,
    clean: folder,
    layers: folder,
    heldBack: z.int().min(1).default(20),
  }),
  /** Held-back scenes in RESIDE's naming, `hazy/` and `clear/`. */
  z.strictObject({ kind: z.literal('haze-pairs'), ...common, folder, heldBack: z.int().min(1).default(20) }),
  /** A data set in any layout that `clearword evaluate --data` knows. */
  z.strictObject({
    kind: z.literal('data'),
    ...common,
    folder,
    task: z.enum(['denoise', 'derain', 'dehaze', 'any']).default('any'),
    sigma: z.number().positive().max(255).optional(),
  }),
  /** Pictures that need no restoring: what does it change about them? */
  z.strictObject({ kind: z.literal('clean'), ...common, clean: folder }),
  /** Clean pictures, or noisy ones, as they come out of a JPEG file of the given quality. */
  z.strictObject({
    kind: z.literal('jpeg'),
    ...common,
    clean: folder,
    quality: z.int().min(1).max(100),
    sigma: z.number().positive().max(255).optional(),
  }),
]);

export type SetConfig = z.infer<typeof setSchema>;

export interface OpenSet {
  readonly name: string;
  readonly task: TaskName;
  readonly cases: readonly EvaluationCase[];
}

/**
 * The layer at the size of the picture, repeated beyond its edges. It is never turned, whatever the picture's orientation:
 * rain falls down.
 */
export function fittedLayer(layer: Plane, { width, height }: { width: number; height: number }): Plane {
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data[y * width + x] = layer.data[(y % layer.height) * layer.width + (x % layer.width)] ?? 0;
  return { width, height, data };
}

const stem = (path: string) => basename(path).replace(/\.[^.]+$/, '');

/** One case per file of a set of clean pictures. */
function each(
  files: readonly string[],
  describe: (file: string, index: number) => Omit<EvaluationCase, 'id' | 'target'>,
): EvaluationCase[] {
  return files.map((file, index) => ({ id: stem(file), target: file, ...describe(file, index) }));
}

interface Cases {
  readonly task: TaskName;
  readonly cases: readonly EvaluationCase[];
}

/** Where the pictures of a set are, and what its noise is drawn from. */
interface Place {
  at(path: string): string;
  pictures(path: string): Promise<readonly string[]>;
  readonly seed: number;
}

type SetOf<Kind extends SetConfig['kind']> = Extract<SetConfig, { kind: Kind }>;

/** How the cases of each kind of set are made. */
const OPENERS: { readonly [Kind in SetConfig['kind']]: (config: SetOf<Kind>, place: Place) => Promise<Cases> } = {
  async noise({ clean, sigma }, { pictures, seed }) {
    const cases = each(await pictures(clean), (file, index) => ({
      input: `${file} + noise ${sigma}`,
      async load(signal) {
        const target = await readPicture(file, signal);
        return { input: addGaussianNoise(target, sigma, noiseField(target, seed, index)), target };
      },
    }));
    return { task: 'denoise', cases };
  },

  async 'rain-layers'(config, { pictures }) {
    const files = await pictures(config.clean);
    const layers = holdBackLayers(await pictures(config.layers), config.heldBack).heldBack;
    const cases = layers.map((layer, index): EvaluationCase => {
      const target = files[index % files.length] as string;
      return {
        id: `${stem(target)}, layer ${stem(layer)}`,
        input: `${target} + ${layer}`,
        target,
        async load(signal) {
          const clean = await readPicture(target, signal);
          return { input: quantise(addRain(clean, fittedLayer(await readPlane(layer), clean))), target: clean };
        },
      };
    });
    return { task: 'derain', cases };
  },

  async 'haze-pairs'({ folder, heldBack }, { at }) {
    const pairs = holdBackScenes(await listHazePairs(at(folder)), heldBack).heldBack;
    const cases = pairs.map(
      ({ hazy, clear }): EvaluationCase => ({
        id: stem(hazy),
        input: hazy,
        target: clear,
        async load(signal) {
          const input = await readPicture(hazy, signal);
          return { input, target: fitTarget(input, await readPicture(clear, signal), { input: hazy, target: clear }) };
        },
      }),
    );
    return { task: 'dehaze', cases };
  },

  async data({ task, sigma, folder }, { at, seed }) {
    const { cases } = await casesFor({ data: at(folder), task, sigma, crop: 'none', seed });
    return { task, cases };
  },

  async clean({ clean }, { pictures }) {
    const cases = each(await pictures(clean), (file) => ({
      input: file,
      async load(signal) {
        const target = await readPicture(file, signal);
        return { input: target, target };
      },
    }));
    return { task: 'any', cases };
  },

  async jpeg({ clean, quality, sigma }, { pictures, seed }) {
    const cases = each(await pictures(clean), (file, index) => ({
      input: `${file}${sigma === undefined ? '' : ` + noise ${sigma}`}, JPEG ${quality}`,
      async load(signal) {
        const target = await readPicture(file, signal);
        const noisy = sigma === undefined ? target : addGaussianNoise(target, sigma, noiseField(target, seed, index));
        return { input: await compressJpeg(noisy, quality, true), target };
      },
    }));
    return { task: sigma === undefined ? 'any' : 'denoise', cases };
  },
};

function casesOf<Kind extends SetConfig['kind']>(kind: Kind, config: SetOf<Kind>, place: Place): Promise<Cases> {
  return OPENERS[kind](config, place);
}

/** The cases of a set, cut as its configuration says after they are degraded. Errors: DATA_INVALID. */
export async function openSet(config: SetConfig, root: string, seed: number): Promise<OpenSet> {
  const at = (path: string) => resolve(root, path);
  const pictures = (path: string) => listPictures(at(path), `set ${config.name}`);
  const { task, cases } = await casesOf(config.kind, config, { at, pictures, seed });
  const cut = ({ input, target }: LoadedCase): LoadedCase => {
    const part = (picture: LoadedCase['input']) => {
      const cropped = crop(picture, config.crop);
      return config.centre === undefined ? cropped : cutCentre(cropped, config.centre, config.centre);
    };
    return { input: part(input), target: part(target) };
  };
  const chosen = cases
    .filter((_, i) => config.half === undefined || (config.half === 'odd') === (i % 2 === 1))
    .slice(0, config.limit)
    .map((entry): EvaluationCase => ({ ...entry, load: async (signal) => cut(await entry.load(signal)) }));
  return { name: config.name, task, cases: chosen };
}
