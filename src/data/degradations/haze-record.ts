/**
 * Haze in training data: genuine pairs, their scenes hazed anew, and haze put into photos over a plausible depth.
 *
 * @module
 */
import { z } from 'zod';
import type { Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { range, share } from '../schema.ts';
import { cutRaster, cutWindow, drawWindow } from '../window.ts';
import { countsTo, drawSaved, savedEffect } from './compression.ts';
import { drawDepthHint, plausibleDepth } from './depth.ts';
import { smoothField } from './fields.ts';
import { type Airlight, drawAirlight, genuineHaze, measureHaze, scattering, transmissionOf } from './haze.ts';
import type { Plane } from './plane.ts';
import type { DegradationRecord, DrawContext, Drawn, Effect } from './record.ts';

const options = z
  .strictObject({
    /** Share of the haze that comes from genuine pairs; none where there is no folder of them. */
    genuine: share.default(0.55),
    /** Share of the genuine haze scenes that are hazed anew, with another airlight and scattering over their own depth. */
    rehazed: share.default(0.5),
    /** Airlight of haze put into photos, 0..1. */
    airlight: range(0, 1).default([0.7, 1]),
    /** Scattering of that haze over a scene of depth 1. */
    beta: range(0, 10).default([0.4, 1.8]),
    /** Most that a channel of the airlight differs from its grey, as a share. */
    cast: share.default(0.02),
    /** Share of made haze whose airlight is not the same over the picture. */
    uneven: share.default(0),
    /** Share of made haze that lies in a JPEG file. */
    saved: share.default(0),
    /** Quality of those files, drawn uniformly. */
    quality: range(1, 100).default([70, 98]),
  })
  .prefault({});

type Options = z.output<typeof options>;

export const haze: DegradationRecord<Options> = {
  options,
  weight: 0.23,
  draw(random, section, context) {
    const genuine = context.pictures.counts.hazeScenes > 0 && random.uniform() < section.genuine;
    return genuine ? drawPair(random, section, context) : drawMade(random, section, context);
  },
  measure: measureHaze,
  genuine: (section) => ({ ...section, rehazed: 0 }),
};

/** RESIDE's outdoor set has beta 0.08..0.2 and a grey A of 0.8..1; new haze goes a little beyond. */
const REHAZE = { beta: [0.06, 0.24], airlight: [0.75, 1] } as const;

async function drawPair(random: Random, section: Options, context: DrawContext): Promise<Drawn> {
  const { pictures, side } = context;
  const pair = await pictures.hazeScene(random.int(pictures.counts.hazeScenes));
  const room = Math.min(pair.transmission.width, pair.transmission.height) / side;
  const scale = room > 1 && random.uniform() < 0.5 ? random.uniform(1, Math.min(2, room)) : 1;
  const window = drawWindow(random, pair.transmission, side, scale);
  const scene = { clear: cutRaster(pair.clear, window), captions: [] };
  const transmission: Plane = { width: side, height: side, data: cutWindow(pair.transmission, window) };
  if (random.uniform() >= section.rehazed) {
    return { scene, effects: [genuineHaze(cutRaster(pair.hazy, window), transmission)] };
  }
  // t = exp(-beta d), so another beta over the same depth is a power of t.
  const power = random.uniform(...REHAZE.beta) / pair.beta;
  const thicker: Plane = { ...transmission, data: transmission.data.map((t) => t ** power) };
  return { scene, effects: drawAir(random, thicker, REHAZE.airlight, section, context) };
}

async function drawMade(random: Random, section: Options, context: DrawContext): Promise<Drawn> {
  const photo = await context.photo({ upright: true });
  const depth = plausibleDepth(random, photo.clear, photo.hint ?? drawDepthHint(random), photo.frame);
  const transmission = transmissionOf(depth, random.uniform(...section.beta));
  return { scene: photo, effects: drawAir(random, transmission, section.airlight, section, context) };
}

/** The light that fills the air, and the file. */
function drawAir(
  random: Random,
  transmission: Plane,
  grey: readonly [number, number],
  section: Options,
  context: DrawContext,
): Effect[] {
  const airlight = drawAirlight(random, ...grey, section.cast);
  const uneven = random.uniform() < section.uneven;
  const light = uneven ? lightField(random, airlight, transmission) : airlight;
  const effects = [scattering(transmission, light)];
  if (random.uniform() < section.saved) {
    const saved = drawSaved(random, section.quality);
    effects.push(savedEffect(saved, countsTo('haze', saved.quality, context)));
  }
  return effects;
}

/** An airlight that is brighter on one side, as it is around a low sun; +-15 %. */
function lightField(random: Random, airlight: Airlight, { width, height }: Plane): Raster {
  const field = smoothField(random, width, height, 1 + random.int(2));
  const swing = random.uniform(0.05, 0.3);
  const data = new Float32Array(3 * width * height);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < field.data.length; i++) {
      const value = (airlight[c] as number) * (1 + swing * ((field.data[i] as number) - 0.5));
      data[c * field.data.length + i] = Math.min(1, value);
    }
  }
  return { width, height, data };
}
