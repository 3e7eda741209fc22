/**
 * Cutting and scaling pictures for measurement.
 *
 * @module
 */
import { createRaster, type Raster } from '../image/raster.ts';

/**
 * Bilinear interpolation between pixel centres, without smoothing first (PyTorch's F.interpolate, align_corners=False,
 * antialias=False, with which pytorch-fid brings pictures to its network).
 */
export function resizeBilinear(picture: Raster, width: number, height: number): Raster {
  const out = createRaster(width, height);
  const columns = taps(picture.width, width);
  const rows = taps(picture.height, height);
  for (let channel = 0; channel < 3; channel++) {
    const from = channel * picture.width * picture.height;
    for (let y = 0; y < height; y++) {
      const row = rows[y] as Tap;
      for (let x = 0; x < width; x++) {
        const column = columns[x] as Tap;
        const at = (v: number, u: number) => picture.data[from + v * picture.width + u] as number;
        const upper = (1 - column.share) * at(row.first, column.first) + column.share * at(row.first, column.second);
        const lower = (1 - column.share) * at(row.second, column.first) + column.share * at(row.second, column.second);
        out.data[(channel * height + y) * width + x] = (1 - row.share) * upper + row.share * lower;
      }
    }
  }
  return out;
}

interface Tap {
  readonly first: number;
  readonly second: number;
  /** Weight of the second, 0..1. */
  readonly share: number;
}

function taps(source: number, target: number): Tap[] {
  return Array.from({ length: target }, (_, i) => {
    const place = Math.max(0, ((i + 0.5) * source) / target - 0.5);
    const first = Math.min(Math.floor(place), source - 1);
    return { first, second: Math.min(first + 1, source - 1), share: place - first };
  });
}

/** The part of a picture from (left, top); it lies inside. */
export function cut(picture: Raster, left: number, top: number, width: number, height: number): Raster {
  if (left === 0 && top === 0 && width === picture.width && height === picture.height) return picture;
  const out = createRaster(width, height);
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < height; y++) {
      const from = (channel * picture.height + top + y) * picture.width + left;
      out.data.set(picture.data.subarray(from, from + width), (channel * height + y) * width);
    }
  return out;
}

/** The middle of a picture, at most as large as asked for. */
export function cutCentre(picture: Raster, width: number, height: number): Raster {
  const [w, h] = [Math.min(width, picture.width), Math.min(height, picture.height)];
  return cut(picture, Math.floor((picture.width - w) / 2), Math.floor((picture.height - h) / 2), w, h);
}

/**
 * What is measured of a picture: `none`: all of it; `16`: from the top left as many whole 16 pixels as fit, because networks
 * pad to them; `480x320`: its centre, lying or standing as the picture does, as the authors' script cuts BSD's photos.
 */
export const CROPS = ['none', '16', '480x320'] as const;
export type Crop = (typeof CROPS)[number];

export function crop(picture: Raster, kind: Crop): Raster {
  const { width, height } = picture;
  if (kind === '480x320') return width >= height ? cutCentre(picture, 480, 320) : cutCentre(picture, 320, 480);
  if (kind === '16') return cut(picture, 0, 0, Math.max(1, width - (width % 16)), Math.max(1, height - (height % 16)));
  return picture;
}
