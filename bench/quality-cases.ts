/**
 * What `bench/quality.ts` measures on: degraded pictures, what should come out, and with which prompt.
 */
import { join } from 'node:path';
import { holdBackLayers, holdBackScenes, listHazePairs, listPictures } from '../src/data/dataset.ts';
import { degrade } from '../src/data/degradations/composite.ts';
import { depthOf, recoverTransmission, transmissionOf } from '../src/data/degradations/haze.ts';
import { addGaussianNoise, quantise } from '../src/data/degradations/noise.ts';
import type { Plane } from '../src/data/degradations/plane.ts';
import { addRain } from '../src/data/degradations/rain.ts';
import { heldOutPrompts } from '../src/data/held-out-prompts.ts';
import { readPlane, readRaster } from '../src/data/picture-store.ts';
import { gaussianField } from '../src/data/random.ts';
import type { Raster } from '../src/data/raster.ts';
import { DEGRADATIONS, type Degradation } from '../src/models/model.ts';

export const TASKS = ['noise', 'rain', 'haze', 'clean', 'controller', 'subsets'] as const;
export type QualityTask = (typeof TASKS)[number];

export interface QualityCase {
  readonly degraded: Raster;
  readonly target: Raster;
  readonly prompt: string;
  /** What the controller should name. */
  readonly truth?: Degradation | 'clean';
}

type Cases = AsyncIterable<QualityCase>;

const HELD_BACK = 20;
const SEED = 2026;

const noiseField = ({ width, height }: Raster, index: number) =>
  gaussianField({ seed: SEED, stream: index, x0: 0, y0: 0, width, height, channels: 3, imageWidth: width });

const noisy = (clear: Raster, sigma: number, index: number) => addGaussianNoise(clear, sigma, noiseField(clear, index));

/** The layer in the orientation and size of the picture: transposed and cut where it must be. */
function fitted(layer: Plane, { width, height }: Raster): Plane {
  const turned = layer.width > layer.height !== width > height;
  const [w, h] = turned ? [layer.height, layer.width] : [layer.width, layer.height];
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x % w, y % h];
      data[y * width + x] = layer.data[turned ? u * layer.width + v : v * layer.width + u] ?? 0;
    }
  }
  return { width, height, data };
}

async function heldLayers(data: string): Promise<readonly string[]> {
  return holdBackLayers(await listPictures(join(data, 'rain-layers'), 'rain-layers'), HELD_BACK).heldBack;
}
async function heldScenes(data: string) {
  return holdBackScenes(await listHazePairs(join(data, 'haze')), HELD_BACK).heldBack;
}
const photos = (data: string) => listPictures(join(data, 'validation'), 'validation');

async function* noiseCases(data: string, folder: string, sigma: number, truth?: Degradation): Cases {
  for (const [index, file] of (await listPictures(join(data, folder), folder)).entries()) {
    const target = await readRaster(file);
    yield { degraded: noisy(target, sigma, index), target, prompt: '', ...(truth && { truth }) };
  }
}

async function* rainCases(data: string): Cases {
  const files = await photos(data);
  for (const [index, layer] of (await heldLayers(data)).entries()) {
    const target = await readRaster(files[index % files.length] ?? '');
    const degraded = quantise(addRain(target, fitted(await readPlane(layer), target)));
    yield { degraded, target, prompt: '', truth: 'rain' };
  }
}

async function* hazeCases(data: string): Cases {
  for (const { hazy, clear } of await heldScenes(data)) {
    yield { degraded: await readRaster(hazy), target: await readRaster(clear), prompt: '', truth: 'haze' };
  }
}

async function* cleanCases(data: string): Cases {
  for (const file of await photos(data)) {
    const target = await readRaster(file);
    yield { degraded: target, target, prompt: '', truth: 'clean' };
  }
}

/** Haze of another strength over a held-back scene, held-back rain and noise; each pair and all three; every proper subset. */
async function* subsetCases(data: string, present: readonly Degradation[]): Cases {
  const scenes = await heldScenes(data);
  const layers = await heldLayers(data);
  for (let index = 0; index < 6; index++) {
    const scene = scenes[(3 * index) % scenes.length];
    const layer = layers[(2 * index + 1) % layers.length];
    if (!scene || !layer) continue;
    const clear = await readRaster(scene.clear);
    const transmission = transmissionOf(
      depthOf(recoverTransmission(await readRaster(scene.hazy), clear, scene.airlight), scene.beta),
      scene.beta,
    );
    const airlight = [scene.airlight, scene.airlight, scene.airlight] as const;
    const degradations = {
      ...(present.includes('haze') && { haze: { kind: 'synthetic' as const, transmission, airlight } }),
      ...(present.includes('rain') && { rain: fitted(await readPlane(layer), clear) }),
      ...(present.includes('noise') && { noise: { sigma: 25, field: noiseField(clear, index) } }),
    };
    for (let bits = 1; bits < 2 ** present.length - 1; bits++) {
      const names = present.filter((_, i) => bits & (1 << i));
      const asked = Object.fromEntries(DEGRADATIONS.map((name) => [name, names.includes(name)])) as Record<
        Degradation,
        boolean
      >;
      const prompts = heldOutPrompts(asked);
      const { input, target } = degrade(clear, degradations, asked);
      yield { degraded: input, target, prompt: prompts[index % prompts.length] ?? '' };
    }
  }
}

/** The cases of a task by the name of their row. */
export function cases(task: QualityTask, data: string): Record<string, Cases> {
  switch (task) {
    case 'noise':
      return Object.fromEntries(
        [15, 25, 50].map((sigma) => [`noise ${sigma}, Kodak`, noiseCases(data, 'test/kodak24', sigma)]),
      );
    case 'rain':
      return { 'rain, held-back layers': rainCases(data) };
    case 'haze':
      return { 'haze, held-back scenes': hazeCases(data) };
    case 'clean':
      return { 'clean photos': cleanCases(data) };
    case 'controller':
      return Object.fromEntries(
        [15, 25, 50].map((sigma) => [`names noise ${sigma}`, noiseCases(data, 'validation', sigma, 'noise')]),
      );
    case 'subsets':
      return {
        'haze + rain': subsetCases(data, ['haze', 'rain']),
        'haze + noise': subsetCases(data, ['haze', 'noise']),
        'rain + noise': subsetCases(data, ['rain', 'noise']),
        'haze + rain + noise': subsetCases(data, ['haze', 'rain', 'noise']),
      };
  }
}
