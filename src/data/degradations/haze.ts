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
import { boxFilter, createPlane, edgePreservingFilter, mean, type Plane } from './plane.ts';

/** Airlight of the three channels, 0..1. */
export type Airlight = readonly [number, number, number];

/** I = J t + A (1 - t). */
export function addHaze(image: Raster, transmission: Plane, airlight: Airlight): Raster {
  const out = createRaster(image.width, image.height);
  const plane = image.width * image.height;
  for (let channel = 0; channel < 3; channel++) {
    const light = airlight[channel] as number;
    for (let i = 0; i < plane; i++) {
      const t = transmission.data[i] as number;
      out.data[channel * plane + i] = (image.data[channel * plane + i] as number) * t + light * (1 - t);
    }
  }
  return out;
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

/** What a person noted about a scene's depth: the horizon as a fraction of the height, and where the far part lies. */
export interface DepthHint {
  readonly horizon: number | null;
  readonly far: 'top' | 'background' | 'left' | 'right' | 'centre' | 'none';
}

/** Where a crop lies in its picture: source = origin + (pixel + 0.5) scale - 0.5, mirrored first if `flipX`. */
export interface CropFrame {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly flipX: boolean;
  readonly imageWidth: number;
  readonly imageHeight: number;
}

/** A hint for a picture that nobody described: mostly a ground that recedes, sometimes a flat scene. */
export function drawDepthHint(random: Random): DepthHint {
  const kind = random.uniform();
  if (kind < 0.45) return { horizon: random.uniform(0.15, 0.65), far: 'top' };
  return {
    horizon: null,
    far: random.pick(['top', 'top', 'background', 'background', 'left', 'right', 'none'] as const),
  };
}

/**
 * A plausible depth for a crop of an ordinary photo; 0 is the camera and about 1 the farthest part.
 *
 * Ground plane below the horizon, d = e / (e + s) with s the distance below it; sky and background at 1; otherwise a
 * slope towards the far part. Over it go slow undulations, and a share of the edge-preserved luminance, because depth
 * jumps where objects end (its sign is drawn: far things are often, not always, brighter).
 */
export function plausibleDepth(random: Random, clear: Raster, hint: DepthHint, frame: CropFrame): Plane {
  const { width, height } = clear;
  const depth = createPlane(width, height);
  const shape = drawDepthShape(random, hint);
  const waves = Array.from({ length: 4 }, () => ({
    x: random.normal() * 6,
    y: random.normal() * 6,
    phase: random.uniform(0, 2 * Math.PI),
    height: random.uniform(0, 0.07),
  }));
  const objects = random.uniform(-0.3, 0.5);
  const outline = edgePreservingFilter(luminance(clear), 6, 0.01);
  const level = mean(outline.data);
  for (let row = 0; row < height; row++) {
    const v = (frame.y + (row + 0.5) * frame.scale) / frame.imageHeight;
    for (let column = 0; column < width; column++) {
      const seen = frame.flipX ? width - 1 - column : column;
      const u = (frame.x + (seen + 0.5) * frame.scale) / frame.imageWidth;
      const index = row * width + column;
      let d = shape(u, v) + objects * ((outline.data[index] as number) - level);
      for (const wave of waves) d += wave.height * Math.cos(wave.x * u + wave.y * v + wave.phase);
      depth.data[index] = Math.max(0.05, d);
    }
  }
  return depth;
}

/** The large-scale depth as a function of the position in the picture (u, v in 0..1 from the top left). */
function drawDepthShape(random: Random, hint: DepthHint): (u: number, v: number) => number {
  const near = random.uniform(0.15, 0.45);
  const power = random.uniform(0.6, 1.6);
  const { horizon } = hint;
  if (horizon !== null) {
    const eye = random.uniform(0.08, 0.35);
    return (_u, v) => (v <= horizon ? 1 : eye / (eye + (v - horizon)));
  }
  const slope = (far: number) => near + (1 - near) * Math.min(1, Math.max(0, far)) ** power;
  switch (hint.far) {
    case 'top':
      return (_u, v) => slope(1 - v);
    case 'left':
      return (u) => slope(1 - u);
    case 'right':
      return (u) => slope(u);
    case 'centre':
      return (u, v) => slope(1 - Math.hypot(2 * u - 1, 2 * v - 1) / Math.SQRT2);
    case 'background': {
      // The subject is in the middle, or a little off it, and everything around it is farther.
      const subjectX = random.uniform(0.35, 0.65);
      const subjectY = random.uniform(0.45, 0.75);
      return (u, v) => slope(1.6 * Math.hypot(u - subjectX, v - subjectY));
    }
    case 'none': {
      const level = random.uniform(0.3, 0.9);
      return () => level;
    }
  }
}

function luminance(image: Raster): Plane {
  const out = createPlane(image.width, image.height);
  const plane = image.width * image.height;
  for (let i = 0; i < plane; i++) {
    const [red, green, blue] = [image.data[i], image.data[plane + i], image.data[2 * plane + i]];
    out.data[i] = 0.299 * (red as number) + 0.587 * (green as number) + 0.114 * (blue as number);
  }
  return out;
}

/** An airlight of the given grey, with a slight cast: warm smog to bluish mist. */
export function drawAirlight(random: Random, low: number, high: number): Airlight {
  const grey = random.uniform(low, high);
  const warmth = 0.02 * random.normal();
  const limit = (value: number) => Math.min(1, Math.max(0, value));
  return [limit(grey + warmth), limit(grey + 0.005 * random.normal()), limit(grey - warmth)];
}
