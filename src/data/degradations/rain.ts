/**
 * Rain as the Rain100L benchmark composes it: bright, thin, nearly parallel streaks added to the picture.
 *
 * Yang et al.: Deep joint rain detection and removal from a single image. CVPR 2017.
 *
 * @module
 */

import { createRaster, type Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { createPlane, type Plane } from './plane.ts';
import type { Effect, Reading } from './record.ts';

/** Mean added brightness (0..1) that counts as strength 1 in `Findings`. */
export const FULL_RAIN_BRIGHTNESS = 0.15;

/** min(1, x + layer), the same grey layer in each channel. */
export function addRain(image: Raster, layer: Plane): Raster {
  const out = createRaster(image.width, image.height);
  const plane = image.width * image.height;
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = Math.min(1, (image.data[i] as number) + (layer.data[i % plane] as number));
  }
  return out;
}

/** What the streaks really added, on average over pixels and channels (white areas take none); 0..1. */
export function meanAddedBrightness(before: Raster, after: Raster): number {
  let sum = 0;
  for (let i = 0; i < before.data.length; i++) sum += (after.data[i] as number) - (before.data[i] as number);
  return sum / before.data.length;
}

/** Least mean brightness that counts as rain: below it nobody sees any. */
const LEAST_RAIN_BRIGHTNESS = 0.0015;

/** Rain by the brightness that it adds, or takes where its drops hide something bright: mean |after - before| of 0.15. */
export function measureRain(before: Raster, after: Raster): Reading {
  let sum = 0;
  for (let i = 0; i < before.data.length; i++) sum += Math.abs((after.data[i] as number) - (before.data[i] as number));
  const change = sum / before.data.length;
  return { strength: Math.min(1, change / FULL_RAIN_BRIGHTNESS), present: change >= LEAST_RAIN_BRIGHTNESS };
}

/** A layer of streaks as an effect. */
export function streaks(layer: Plane, drawn = 'streaks'): Effect {
  return { of: 'rain', place: 20, drawn, apply: (before) => addRain(before, layer) };
}

/** Lighter or heavier rain: layer * gain, limited to 1. */
export function scaleLayer(layer: Plane, gain: number): Plane {
  const out = createPlane(layer.width, layer.height);
  for (let i = 0; i < out.data.length; i++) out.data[i] = Math.min(1, gain * (layer.data[i] as number));
  return out;
}

/** Two rains at once: the brighter streak wins where they cross, so that the sum does not exceed genuine streaks. */
export function mixLayers(first: Plane, second: Plane): Plane {
  const out = createPlane(first.width, first.height);
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = Math.max(first.data[i] as number, second.data[i] as number);
  }
  return out;
}

/** A shower: what its streaks have in common. */
export interface StreakStyle {
  /** Direction of fall, radians from the vertical; positive leans to the left at the bottom. */
  readonly angle: number;
  /** Spread of the direction between streaks, radians (standard deviation). */
  readonly angleSpread: number;
  /** Median length, pixels. */
  readonly length: number;
  /** Median half width (standard deviation of the profile), pixels. */
  readonly width: number;
  /** Streaks for each 1000 pixels of picture. */
  readonly density: number;
  /** Median peak brightness, 0..1. */
  readonly brightness: number;
}

/** A style within what the 200 genuine Rain100L layers show, and a little beyond. */
export function drawStreakStyle(random: Random): StreakStyle {
  return {
    angle: (random.normal() * 16 * Math.PI) / 180,
    angleSpread: (random.uniform(0.3, 2.5) * Math.PI) / 180,
    length: random.uniform(12, 36),
    width: random.uniform(0.45, 0.8),
    density: Math.exp(random.uniform(Math.log(1.5), Math.log(6))),
    brightness: random.uniform(0.12, 0.32),
  };
}

/**
 * A layer of streaks: every drop is a line blurred by its own motion, with a Gaussian profile across, tapered ends and
 * uneven light along it; lengths, widths and brightness are log-normal, so that a few close drops stand out.
 *
 * @returns values 0..1
 */
export function generateStreaks(random: Random, width: number, height: number, style: StreakStyle): Plane {
  const layer = createPlane(width, height);
  // Streaks that start outside reach in; the margin is that of the longest likely one.
  const margin = 2 * style.length;
  const area = (width + 2 * margin) * (height + 2 * margin);
  const count = Math.round((area * style.density) / 1000);
  for (let i = 0; i < count; i++) {
    const nearness = random.normal();
    addStreak(layer, {
      x: random.uniform(-margin, width + margin),
      y: random.uniform(-margin, height + margin),
      angle: style.angle + style.angleSpread * random.normal(),
      halfLength: 0.5 * style.length * Math.exp(0.35 * nearness + 0.25 * random.normal()),
      width: style.width * Math.exp(0.15 * nearness + 0.12 * random.normal()),
      brightness: style.brightness * Math.exp(0.3 * nearness + 0.45 * random.normal()),
      phase: random.uniform(0, 2 * Math.PI),
      unevenness: random.uniform(0, 0.5),
    });
  }
  for (let i = 0; i < layer.data.length; i++) layer.data[i] = Math.min(0.85, layer.data[i] as number);
  return layer;
}

interface Streak {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
  readonly halfLength: number;
  readonly width: number;
  readonly brightness: number;
  readonly phase: number;
  readonly unevenness: number;
}

/**
 * Adds brightness * taper(u) * exp(-v^2 / (2 width^2)), u along and v across the streak. Each row is only visited where the
 * streak crosses it, so that slanted ones cost no more than upright ones.
 */
function addStreak(layer: Plane, streak: Streak): void {
  const alongX = -Math.sin(streak.angle);
  const alongY = Math.cos(streak.angle);
  const reach = 3 * streak.width;
  const extentX = Math.abs(alongX) * streak.halfLength + reach;
  const extentY = Math.abs(alongY) * streak.halfLength + reach;
  const left = Math.max(0, Math.ceil(streak.x - extentX));
  const right = Math.min(layer.width - 1, Math.floor(streak.x + extentX));
  const top = Math.max(0, Math.ceil(streak.y - extentY));
  const bottom = Math.min(layer.height - 1, Math.floor(streak.y + extentY));
  const falloff = 1 / (2 * streak.width * streak.width);
  const waves = 3 / streak.halfLength;
  const lean = alongX / alongY;
  const half = reach / Math.abs(alongY);
  for (let y = top; y <= bottom; y++) {
    const centre = streak.x + (y - streak.y) * lean;
    const last = Math.min(right, Math.floor(centre + half));
    for (let x = Math.max(left, Math.ceil(centre - half)); x <= last; x++) {
      const across = (x - streak.x) * alongY - (y - streak.y) * alongX;
      if (Math.abs(across) > reach) continue;
      const along = (x - streak.x) * alongX + (y - streak.y) * alongY;
      const taper = 1 - (along / streak.halfLength) ** 2;
      if (taper <= 0) continue;
      const light = 1 - streak.unevenness * (0.5 + 0.5 * Math.sin(along * waves + streak.phase));
      const index = y * layer.width + x;
      layer.data[index] =
        (layer.data[index] as number) + streak.brightness * light * taper * Math.exp(-across * across * falloff);
    }
  }
}
