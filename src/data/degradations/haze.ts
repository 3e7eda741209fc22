/**
 * Haze by atmospheric scattering: I = J t + A (1 - t), t = exp(-beta d).
 *
 * J is the clear scene, A the airlight, t the transmission, d the depth, beta the scattering coefficient; the model
 * with which the RESIDE benchmark made its outdoor pairs (Li et al.: Benchmarking single-image dehazing and beyond.
 * TIP 2019), one grey A for each picture.
 *
 * @module
 */

import { createRaster, type Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { boxFilter, createPlane, mean, type Plane } from './plane.ts';
import type { Effect, Reading } from './record.ts';

/** Airlight of the three channels, 0..1. */
export type Airlight = readonly [number, number, number];

/** I = J t + A (1 - t); the airlight is one colour, or one for each pixel. */
export function addHaze(image: Raster, transmission: Plane, airlight: Airlight | Raster): Raster {
  const out = createRaster(image.width, image.height);
  const plane = image.width * image.height;
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0, at = channel * plane; i < plane; i++, at++) {
      const t = transmission.data[i] as number;
      const light = ('data' in airlight ? airlight.data[at] : airlight[channel]) as number;
      out.data[at] = (image.data[at] as number) * t + light * (1 - t);
    }
  }
  return out;
}

/** Least share of the scene's light that has to be lost for anybody to see haze. */
const LEAST_LIGHT_LOST = 0.05;

const reading = (lost: number): Reading => ({ strength: lost, present: lost >= LEAST_LIGHT_LOST });

/** Haze by the scattering model, as an effect. */
export function scattering(transmission: Plane, airlight: Airlight | Raster): Effect {
  const lost = lightLost(transmission);
  return {
    of: 'haze',
    place: 10,
    drawn: `haze that takes ${Math.round(100 * lost)} % of the light`,
    apply: (before) => addHaze(before, transmission, airlight),
    measure: () => reading(lost),
  };
}

/** The hazy half of a genuine pair, with the transmission recovered from it. It takes the place of its clear half. */
export function genuineHaze(hazy: Raster, transmission: Plane): Effect {
  const lost = lightLost(transmission);
  return {
    of: 'haze',
    place: 10,
    drawn: `genuine haze that takes ${Math.round(100 * lost)} % of the light`,
    apply: () => hazy,
    measure: () => reading(lost),
  };
}

/** Share of the light lost, from a pair alone: 1 minus the slope of the hazy picture over the clear one, contrast by contrast. */
export function measureHaze(clear: Raster, hazy: Raster): Reading {
  const count = clear.data.length;
  const [meanClear, meanHazy] = [mean(clear.data), mean(hazy.data)];
  let product = 0;
  let square = 0;
  for (let i = 0; i < count; i++) {
    const scene = (clear.data[i] as number) - meanClear;
    product += scene * ((hazy.data[i] as number) - meanHazy);
    square += scene * scene;
  }
  return reading(Math.min(1, Math.max(0, 1 - product / Math.max(1e-9, square))));
}

/** t = exp(-beta d). */
export function transmissionOf(depth: Plane, beta: number): Plane {
  const out = createPlane(depth.width, depth.height);
  for (let i = 0; i < out.data.length; i++) out.data[i] = Math.exp(-beta * (depth.data[i] as number));
  return out;
}

/** d = -ln(t) / beta. */
export function depthOf(transmission: Plane, beta: number): Plane {
  const out = createPlane(transmission.width, transmission.height);
  for (let i = 0; i < out.data.length; i++) out.data[i] = -Math.log(transmission.data[i] as number) / beta;
  return out;
}

/** Share of the scene's light that the haze takes, 1 - mean t; the strength of haze in `Findings`. */
export function lightLost(transmission: Plane): number {
  return 1 - mean(transmission.data);
}

/** Transmissions below this cannot be told from airlight in 8 bits. */
const LEAST_TRANSMISSION = 0.02;
/** Windows of the estimate, pixels, from the finest to the coarsest; each is backed by the next. */
const WINDOWS = [2, 8, 32] as const;
/** Contrast (J - A)^2 below which a window says little about t: three channels, about three 8-bit levels each. */
const WEAK_CONTRAST = 3 * (3 / 255) ** 2;

/**
 * Transmission of a genuine pair whose airlight is known.
 *
 * From I - A = (J - A) t, least squares over a window gives t = sum (I - A)(J - A) / sum (J - A)^2. Where the scene is
 * as bright as the airlight (sky) the sums vanish, so that every window leans on the next larger one:
 * t = (N + k t_larger) / (D + k).
 */
export function recoverTransmission(hazy: Raster, clear: Raster, airlight: number): Plane {
  const { width, height } = clear;
  const plane = width * height;
  const product = createPlane(width, height);
  const square = createPlane(width, height);
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const scene = (clear.data[channel * plane + i] as number) - airlight;
      const seen = (hazy.data[channel * plane + i] as number) - airlight;
      product.data[i] = (product.data[i] as number) + seen * scene;
      square.data[i] = (square.data[i] as number) + scene * scene;
    }
  }
  const whole = mean(product.data) / Math.max(WEAK_CONTRAST, mean(square.data));
  const estimate = createPlane(width, height);
  estimate.data.fill(whole);
  for (const radius of [...WINDOWS].reverse()) {
    const numerator = boxFilter(product, radius);
    const denominator = boxFilter(square, radius);
    for (let i = 0; i < plane; i++) {
      const backed = (numerator.data[i] as number) + WEAK_CONTRAST * (estimate.data[i] as number);
      const t = backed / ((denominator.data[i] as number) + WEAK_CONTRAST);
      estimate.data[i] = Math.min(1, Math.max(LEAST_TRANSMISSION, t));
    }
  }
  return estimate;
}

/**
 * An airlight of the given grey with a slight cast: warm smog to bluish mist.
 *
 * @param cast standard deviation of the warmth; a quarter of it for each channel by itself
 */
export function drawAirlight(random: Random, low: number, high: number, cast = 0.02): Airlight {
  const grey = random.uniform(low, high);
  const warmth = cast * random.normal();
  const own = () => 0.25 * cast * random.normal();
  const limit = (value: number) => Math.min(1, Math.max(0, value));
  return [limit(grey + warmth + own()), limit(grey + own()), limit(grey - warmth + own())];
}
