/**
 * Pictures with chosen degradations, made of held-back data: for prompts that ask for a part of them, and for the
 * controller, which has to tell them apart.
 *
 * @module
 */
import { resolve } from 'node:path';
import { type HazePair, holdBackLayers, holdBackScenes, listHazePairs, listPictures } from '../../data/dataset.ts';
import { recoverTransmission, scattering } from '../../data/degradations/haze.ts';
import { whiteNoise } from '../../data/degradations/noise.ts';
import type { Plane } from '../../data/degradations/plane.ts';
import { streaks } from '../../data/degradations/rain.ts';
import type { Effect } from '../../data/degradations/record.ts';
import { readPlane } from '../../data/picture-store.ts';
import type { Raster } from '../../image/raster.ts';
import { cut } from '../resize.ts';
import { noiseField, readPicture } from '../sets/pictures.ts';
import type { CompositeConfig } from './config.ts';
import { fittedLayer } from './sets.ts';

export interface Composite {
  readonly clear: Raster;
  readonly effects: readonly Effect[];
}

export interface CompositeSources {
  /** Number of different clear pictures. */
  readonly count: number;
  /** @param sigma of the noise, 8-bit units; @param seed of its field */
  make(index: number, present: readonly string[], sigma: number, seed: number): Promise<Composite>;
}

/** The middle of a plane or of each plane of a picture. */
function middle(picture: Raster, side: number): { left: number; top: number; width: number; height: number } {
  const [width, height] = [Math.min(side, picture.width), Math.min(side, picture.height)];
  return {
    left: Math.floor((picture.width - width) / 2),
    top: Math.floor((picture.height - height) / 2),
    width,
    height,
  };
}

function cutPlane(plane: Plane, part: ReturnType<typeof middle>): Plane {
  const data = new Float32Array(part.width * part.height);
  for (let y = 0; y < part.height; y++) {
    const from = (part.top + y) * plane.width + part.left;
    data.set(plane.data.subarray(from, from + part.width), y * part.width);
  }
  return { width: part.width, height: part.height, data };
}

/**
 * Clear pictures are held-back haze scenes where there is to be haze (its transmission is recovered from the pair), and
 * else the clean photos; rain is a held-back layer. The same index gives the same picture whatever is put on it.
 */
export async function compositeSources(config: CompositeConfig, root: string): Promise<CompositeSources> {
  const at = (path: string) => resolve(root, path);
  const photos = await listPictures(at(config.clean), 'composites.clean');
  const layers = holdBackLayers(await listPictures(at(config.layers), 'composites.layers'), config.heldBack).heldBack;
  const scenes = holdBackScenes(await listHazePairs(at(config.haze)), config.heldBack).heldBack;
  return {
    count: Math.min(photos.length, config.pictures),
    async make(index, present, sigma, seed) {
      const hazy = present.includes('haze');
      const scene = scenes[(3 * index) % scenes.length] as HazePair;
      const whole = await readPicture(hazy ? scene.clear : (photos[index % photos.length] as string));
      const part = middle(whole, config.centre);
      const clear = cut(whole, part.left, part.top, part.width, part.height);
      const layer = layers[(2 * index + 1) % layers.length] as string;
      const haze = hazy ? await hazeOf(scene, whole, part) : undefined;
      return {
        clear,
        effects: [
          ...(haze ? [haze] : []),
          ...(present.includes('rain') ? [streaks(cutPlane(fittedLayer(await readPlane(layer), whole), part))] : []),
          ...(present.includes('noise') ? [whiteNoise(sigma, noiseField(clear, seed, index))] : []),
        ],
      };
    },
  };
}

async function hazeOf(scene: HazePair, whole: Raster, part: ReturnType<typeof middle>) {
  const transmission = recoverTransmission(await readPicture(scene.hazy), whole, scene.airlight);
  const { airlight } = scene;
  return scattering(cutPlane(transmission, part), [airlight, airlight, airlight]);
}
