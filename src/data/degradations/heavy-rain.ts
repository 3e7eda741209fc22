/**
 * Heavy rain: layers of streaks of several directions, in sheets, which also hide what is behind them, and the mist of drops that
 * are too far away to be seen.
 *
 * After Yang et al. (Deep joint rain detection and removal from a single image. CVPR 2017), who accumulate layers, and what the
 * genuine heavy layers show: saturation, bands of denser rain, less contrast behind.
 *
 * @module
 */
import { createRaster, type Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { logUniform, smoothField } from './fields.ts';
import type { Plane } from './plane.ts';
import { generateStreaks, type StreakStyle } from './rain.ts';
import type { Effect } from './record.ts';

const DEGREE = Math.PI / 180;
/** Directions of the layers, from the vertical. */
const STEEPEST = 60 * DEGREE;

interface HeavyRain {
  /** All layers together, 0..1. */
  readonly layer: Plane;
  /** How much of the light behind it a full streak takes, 0..1; 0 adds alone. */
  readonly opacity: number;
  /** Grey of the drops, 0..1. */
  readonly light: number;
  /** Veil of mist: x (1 - m) + light m. */
  readonly mist: Plane | undefined;
}

/** Two to five layers of one shower: a common direction, from which single layers stray. */
export function drawHeavyRain(random: Random, side: number): Effect {
  const count = 2 + random.int(4);
  const main = random.uniform(-0.7, 0.7) * STEEPEST;
  const layer: Plane = { width: side, height: side, data: new Float32Array(side * side) };
  for (let i = 0; i < count; i++) {
    const style = drawHeavyStyle(random, main, count);
    addLayer(layer, generateStreaks(random, side, side, style), drawSheets(random, side));
  }
  const rain: HeavyRain = {
    layer,
    opacity: random.uniform() < 0.5 ? 0 : random.uniform(0.2, 0.9),
    light: random.uniform(0.75, 1),
    mist: random.uniform() < 0.6 ? drawMist(random, side) : undefined,
  };
  return {
    of: 'rain',
    place: 20,
    drawn: `heavy rain, ${count} layers${rain.mist ? ', mist' : ''}${rain.opacity > 0 ? ', hiding' : ''}`,
    apply: (before) => addHeavyRain(before, rain),
  };
}

function drawHeavyStyle(random: Random, main: number, layers: number): StreakStyle {
  const stray = random.uniform() < 0.15 ? random.uniform(-1, 1) * STEEPEST : main + 6 * DEGREE * random.normal();
  const width = logUniform(random, 0.4, 1.2);
  const length = logUniform(random, 10, 60);
  // As much of the picture is covered whatever the size of a streak.
  const cover = logUniform(random, 0.1, 0.8) / Math.sqrt(layers);
  return {
    angle: Math.min(STEEPEST, Math.max(-STEEPEST, stray)),
    angleSpread: random.uniform(0.5, 4) * DEGREE,
    length,
    width,
    density: Math.min(40, (1000 * cover) / (length * 2 * width)),
    brightness: logUniform(random, 0.1, 0.45),
  };
}

/** How dense the rain is over the picture: mostly uneven, in wide bands. */
function drawSheets(random: Random, side: number): Plane | undefined {
  if (random.uniform() < 0.35) return undefined;
  const field = smoothField(random, side, side, 1 + random.int(4));
  const least = random.uniform(0.1, 0.8);
  for (let i = 0; i < field.data.length; i++) field.data[i] = least + (1 - least) * (field.data[i] as number);
  return field;
}

function addLayer(sum: Plane, layer: Plane, sheets: Plane | undefined): void {
  for (let i = 0; i < sum.data.length; i++) {
    const streak = (layer.data[i] as number) * (sheets === undefined ? 1 : (sheets.data[i] as number));
    sum.data[i] = Math.min(1, (sum.data[i] as number) + streak);
  }
}

function drawMist(random: Random, side: number): Plane {
  const mist = smoothField(random, side, side, 1 + random.int(3));
  const [low, high] = [random.uniform(0, 0.08), random.uniform(0.08, 0.3)];
  for (let i = 0; i < mist.data.length; i++) mist.data[i] = low + (high - low) * (mist.data[i] as number);
  return mist;
}

/** Mist first, which is farther away; then x (1 - opacity l) + l light, limited to 1. */
export function addHeavyRain(image: Raster, { layer, opacity, light, mist }: HeavyRain): Raster {
  const out = createRaster(image.width, image.height);
  const plane = image.width * image.height;
  for (let c = 0; c < 3; c++) {
    for (let i = 0, at = c * plane; i < plane; i++, at++) {
      const veil = mist === undefined ? 0 : (mist.data[i] as number);
      const behind = (image.data[at] as number) * (1 - veil) + 0.8 * light * veil;
      const streak = layer.data[i] as number;
      const value = behind * (1 - opacity * streak) + light * streak;
      out.data[at] = value > 1 ? 1 : value;
    }
  }
  return out;
}
