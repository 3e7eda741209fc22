/**
 * Pictures out of nothing: plain surfaces, gratings over photographs, pages with writing. Negatives for training.
 *
 * @module
 */
import { createRaster, type Raster } from '../image/raster.ts';
import type { Random } from '../random/random.ts';
import { logUniform } from './degradations/fields.ts';

type Colour = readonly [number, number, number];

const drawGrey = (random: Random, low = 0, high = 1): Colour => {
  const grey = random.uniform(low, high);
  return [grey, grey, grey];
};

/** Mostly muted: a grey and a little colour. */
function drawColour(random: Random, low = 0.05, high = 0.98): Colour {
  const grey = random.uniform(low, high);
  const tint = random.uniform() < 0.3 ? 0 : random.uniform(0, 0.25);
  const limit = (value: number) => Math.min(1, Math.max(0, value));
  return [
    limit(grey + tint * random.normal()),
    limit(grey + tint * random.normal()),
    limit(grey + tint * random.normal()),
  ];
}

/** A wall, a sky, a card: one colour, or a slow change from one to another, in whole 8-bit steps. */
export function drawSlope(random: Random, width: number, height: number): Raster {
  const from = random.uniform() < 0.4 ? drawGrey(random) : drawColour(random);
  const flat = random.uniform() < 0.35;
  const reach = random.uniform() < 0.5 ? 0.15 : 0.6;
  const to = flat
    ? from
    : (from.map((v) => Math.min(1, Math.max(0, v + random.uniform(-reach, reach)))) as unknown as Colour);
  const angle = random.uniform(0, 2 * Math.PI);
  const [dx, dy] = [Math.cos(angle) / width, Math.sin(angle) / height];
  const round = random.uniform() < 0.25;
  const out = createRaster(width, height);
  const plane = width * height;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x - width / 2, y - height / 2];
      const at = round ? Math.hypot(u / width, v / height) * 1.4 : Math.min(1, Math.max(0, 0.5 + dx * u + dy * v));
      for (let c = 0; c < 3; c++) {
        const value = (from[c] as number) + ((to[c] as number) - (from[c] as number)) * at;
        out.data[c * plane + y * width + x] = Math.round(255 * value) / 255;
      }
    }
  }
  return out;
}

/**
 * Blinds, tiles, fences, ruled paper: straight lines at even distances, soft at their edges, in one direction or two, seen at an
 * angle, over a photograph or over a plain surface.
 */
export function drawGrating(random: Random, photo: Raster): Raster {
  const { width, height } = photo;
  const base = random.uniform() < 0.5 ? photo : drawSlope(random, width, height);
  const period = logUniform(random, 3, 40);
  const duty = random.uniform(0.08, 0.6);
  const softness = Math.max(0.35 / period, random.uniform(0.02, 0.2));
  const angle =
    random.uniform() < 0.6 ? random.int(2) * (Math.PI / 2) + 0.06 * random.normal() : random.uniform(0, Math.PI);
  const crossed = random.uniform() < 0.4;
  const ink = drawColour(random, 0, 1);
  const opacity = random.uniform(0.1, 0.9);
  // Lines far away lie closer: the period shrinks towards one side.
  const depth = random.uniform() < 0.5 ? 0 : random.uniform(-0.5, 0.5) / Math.max(width, height);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const out = createRaster(width, height);
  const plane = width * height;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const scale = 1 / (period * (1 + depth * (cos * y - sin * x)));
      let cover = line((cos * x + sin * y) * scale, duty, softness);
      if (crossed) cover = Math.max(cover, line((cos * y - sin * x) * scale, duty, softness));
      const share = opacity * cover;
      for (let c = 0, at = y * width + x; c < 3; c++, at += plane) {
        out.data[at] = (1 - share) * (base.data[at] as number) + share * (ink[c] as number);
      }
    }
  }
  return out;
}

/** 1 on a line, 0 between: the line takes `duty` of a period of 1, with edges of width `softness`. */
function line(position: number, duty: number, softness: number): number {
  const distance = Math.abs(position - Math.floor(position) - 0.5);
  return Math.min(1, Math.max(0, 0.5 + (duty / 2 - distance) / softness));
}

/** A screenshot or a printed page: a plain ground, boxes, and rows of small upright strokes in place of writing. */
export function drawPage(random: Random, width: number, height: number): Raster {
  const out = createRaster(width, height);
  const dark = random.uniform() < 0.3;
  fillBox(out, 0, 0, width, height, dark ? drawColour(random, 0, 0.25) : drawColour(random, 0.8, 1));
  const boxes = random.int(6);
  for (let i = 0; i < boxes; i++) {
    const [w, h] = [random.uniform(0.1, 0.8) * width, random.uniform(0.03, 0.5) * height];
    fillBox(out, random.uniform(-0.1, 0.9) * width, random.uniform(-0.1, 0.9) * height, w, h, drawColour(random));
  }
  const size = 5 + random.int(14);
  const ink = dark ? drawColour(random, 0.7, 1) : drawColour(random, 0, 0.35);
  for (let y = random.int(size); y < height; y += Math.round(1.7 * size)) {
    if (random.uniform() < 0.15) continue;
    writeLine(random, out, y, size, ink);
  }
  return out;
}

/** Words of strokes, bars and gaps about `size` pixels high. */
function writeLine(random: Random, out: Raster, y: number, size: number, ink: Colour): void {
  const stroke = Math.max(1, Math.round(size / 7));
  const end = random.uniform(0.5, 1) * out.width;
  for (let x = 2 + random.int(size); x < end; x += stroke) {
    if (random.uniform() < 0.12) {
      x += Math.round(size * 0.5);
      continue;
    }
    const tall = random.uniform() < 0.3;
    const top = y + (tall ? 0 : Math.round(0.3 * size));
    if (random.uniform() < 0.7) fillBox(out, x, top, stroke, y + size - top, ink);
    const bars = random.int(3);
    for (let i = 0; i < bars; i++)
      fillBox(out, x, top + random.int(Math.max(1, y + size - top)), 3 * stroke, stroke, ink);
    x += stroke + random.int(2 * stroke + 1);
  }
}

function fillBox(out: Raster, x: number, y: number, w: number, h: number, colour: Colour): void {
  const { width, height, data } = out;
  const [left, right] = [Math.max(0, Math.round(x)), Math.min(width, Math.round(x + w))];
  const [top, bottom] = [Math.max(0, Math.round(y)), Math.min(height, Math.round(y + h))];
  if (left >= right) return;
  for (let c = 0; c < 3; c++) {
    for (let row = top; row < bottom; row++) {
      const start = (c * height + row) * width;
      data.fill(colour[c] as number, start + left, start + right);
    }
  }
}
