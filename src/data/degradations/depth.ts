/**
 * A plausible depth for photos that come without one.
 *
 * @module
 */
import type { Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { createPlane, edgePreservingFilter, mean, type Plane } from './plane.ts';

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
