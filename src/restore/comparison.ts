/**
 * Pictures side by side.
 *
 * @module
 */
import { createSamples, type Picture, type Samples, whiteOf } from '../image/picture.ts';

/** What every format can hold in a row (WebP has the least: 16383 pixels). */
const MAX_WIDTH = 16_383;

/**
 * Before, a thin white line, after; all of one size and kind. Where the row would be wider than every format can hold,
 * the pictures are reduced by a whole factor.
 */
export function comparisonPicture(before: Picture, after: Picture): Picture {
  const line = Math.max(2, Math.round(before.width / 250));
  const factor = Math.ceil((2 * before.width + line) / MAX_WIDTH);
  return sideBySide([reduce(before, factor), reduce(after, factor)], Math.max(2, Math.round(line / factor)));
}

/** Pictures of one size and kind in a row, with opaque white lines of `line` pixels between them. */
export function sideBySide(pictures: readonly [Picture, ...Picture[]], line: number): Picture {
  const [first] = pictures;
  const { height, channels } = first;
  const width = pictures.length * first.width + (pictures.length - 1) * line;
  const row = (planes: readonly Samples[], perPixel: number): Samples => {
    const joined = createSamples(width * height * perPixel, first.data).fill(whiteOf(first.data));
    planes.forEach((plane, k) => {
      for (let y = 0; y < height; y++) {
        const from = plane.subarray(y * first.width * perPixel, (y + 1) * first.width * perPixel);
        joined.set(from, (y * width + k * (first.width + line)) * perPixel);
      }
    });
    return joined;
  };
  const data = row(
    pictures.map((picture) => picture.data),
    channels,
  );
  if (first.alpha === undefined) return { width, height, channels, data };
  const alpha = row(
    pictures.map((picture) => picture.alpha as Samples),
    1,
  );
  return { width, height, channels, data, alpha };
}

/** Means of factor x factor pixels; what is left over at the right and bottom edges is cut off. */
export function reduce(picture: Picture, factor: number): Picture {
  if (factor <= 1) return picture;
  const width = Math.max(1, Math.floor(picture.width / factor));
  const height = Math.max(1, Math.floor(picture.height / factor));
  const reduced = (plane: Samples, perPixel: number): Samples => {
    const result = createSamples(width * height * perPixel, plane);
    for (let y = 0; y < height; y++) {
      for (let i = 0; i < width * perPixel; i++) {
        const x = Math.floor(i / perPixel) * factor;
        const channel = i % perPixel;
        let sum = 0;
        let count = 0;
        for (let dy = 0; dy < factor && y * factor + dy < picture.height; dy++) {
          for (let dx = 0; dx < factor && x + dx < picture.width; dx++) {
            sum += plane[((y * factor + dy) * picture.width + x + dx) * perPixel + channel] as number;
            count++;
          }
        }
        result[y * width * perPixel + i] = Math.round(sum / count);
      }
    }
    return result;
  };
  return {
    width,
    height,
    channels: picture.channels,
    data: reduced(picture.data, picture.channels),
    ...(picture.alpha !== undefined && { alpha: reduced(picture.alpha, 1) }),
  };
}
