/**
 * Several degradations at once, in the order in which light meets them: haze in the air, rain before the lens, noise
 * on the sensor; and the picture that a request to remove only some of them should give.
 *
 * @module
 */

import type { Degradation } from '../../degradations/index.ts';
import type { Raster } from '../../image/raster.ts';
import { type Airlight, addHaze, lightLost } from './haze.ts';
import { addGaussianNoise, FULL_NOISE_SIGMA, quantise } from './noise.ts';
import type { Plane } from './plane.ts';
import { addRain, FULL_RAIN_BRIGHTNESS, meanAddedBrightness } from './rain.ts';

/** Haze by the scattering model, or the hazy half of a genuine pair with the transmission recovered from it. */
export type Haze =
  | { readonly kind: 'synthetic'; readonly transmission: Plane; readonly airlight: Airlight }
  | { readonly kind: 'genuine'; readonly hazy: Raster; readonly transmission: Plane };

/** One realisation of everything that happened to a picture; what is absent did not happen. */
export interface Degradations {
  readonly haze?: Haze;
  /** Streak layer. */
  readonly rain?: Plane;
  /** Sigma in 8-bit units, and z ~ N(0, 1) of [3, height, width]. */
  readonly noise?: { readonly sigma: number; readonly field: Float32Array };
}

/** Whether each degradation is in a set; in prompts: whether it is to be removed. */
export type DegradationSet = Readonly<Record<Degradation, boolean>>;

/** A training pair with what the controller should report about its input (`Findings` gives the units). */
export interface DegradedPair {
  /** mu, as an 8-bit file holds it. */
  readonly input: Raster;
  /** What the request asks for. */
  readonly target: Raster;
  readonly presence: Readonly<Record<Degradation, boolean>>;
  readonly strength: Readonly<Record<Degradation, number>>;
}

/** Least amounts that count as present: below them nobody, and no controller, can see the degradation. */
const LEAST_SIGMA = 2;
const LEAST_RAIN_BRIGHTNESS = 0.0015;
const LEAST_LIGHT_LOST = 0.05;

/** Haze, then rain, then noise, each only if it is in `kept`; float values unless noise made them 8-bit. */
function apply(clear: Raster, degradations: Degradations, kept: DegradationSet): Raster {
  const { haze, rain, noise } = degradations;
  let image = clear;
  if (haze !== undefined && kept.haze) {
    image = haze.kind === 'genuine' ? haze.hazy : addHaze(image, haze.transmission, haze.airlight);
  }
  if (rain !== undefined && kept.rain) image = addRain(image, rain);
  if (noise !== undefined && kept.noise) image = addGaussianNoise(image, noise.sigma, noise.field);
  return image;
}

/**
 * Input and target of one sample.
 *
 * The input has every degradation and is rounded to 8 bits. The target has only those that `asked` leaves: the same
 * haze, the same streaks and the same noise z, so that what is kept stays where it was. Kept noise is clipped and
 * rounded like the input's (clip(base + sigma z) of the base without what was removed); without noise the target keeps
 * its float precision, because the rounding of the input is then part of what is restored. Where nothing present is
 * asked for, the target is the input itself.
 */
export function degrade(clear: Raster, degradations: Degradations, asked: DegradationSet): DegradedPair {
  const { haze, rain, noise } = degradations;
  const everything = { noise: true, rain: true, haze: true };
  const input = quantise(apply(clear, degradations, everything));
  const removes =
    (asked.haze && haze !== undefined) || (asked.rain && rain !== undefined) || (asked.noise && noise !== undefined);
  const kept = { noise: !asked.noise, rain: !asked.rain, haze: !asked.haze };
  const target = removes ? apply(clear, degradations, kept) : input;

  let rainBrightness = 0;
  if (rain !== undefined) {
    const dry = apply(clear, degradations, { noise: false, rain: false, haze: true });
    rainBrightness = meanAddedBrightness(dry, addRain(dry, rain));
  }
  const lost = haze === undefined ? 0 : lightLost(haze.transmission);
  const sigma = noise?.sigma ?? 0;
  return {
    input,
    target,
    presence: {
      noise: sigma >= LEAST_SIGMA,
      rain: rainBrightness >= LEAST_RAIN_BRIGHTNESS,
      haze: lost >= LEAST_LIGHT_LOST,
    },
    strength: {
      noise: Math.min(1, sigma / FULL_NOISE_SIGMA),
      rain: Math.min(1, rainBrightness / FULL_RAIN_BRIGHTNESS),
      haze: lost,
    },
  };
}
