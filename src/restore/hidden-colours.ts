/**
 * Colours under fully transparent pixels.
 *
 * They are arbitrary (often black, or what an eraser left), and a network that looks at a pixel's neighbourhood would
 * carry them over the edge into what can be seen. So the network sees the nearest visible colour instead, and the hidden
 * pixels keep their own in the result.
 *
 * @module
 */
import type { Picture } from '../image/picture.ts';

/**
 * The picture with every hidden pixel showing a visible neighbour: the nearest one in its row, or, in a row that is
 * hidden from end to end, the pixel above (below, at the top). The picture itself when nothing is hidden.
 */
export function coverHiddenColours(picture: Picture): Picture {
  const { width, height, channels, alpha } = picture;
  if (alpha === undefined || !alpha.includes(0)) return picture;
  const data = picture.data.slice();
  const filled: boolean[] = [];
  for (let y = 0; y < height; y++) filled.push(coverRow(data, alpha, y * width, width, channels));
  const firstFilled = filled.indexOf(true);
  if (firstFilled < 0) return picture;
  const stride = width * channels;
  for (let y = firstFilled - 1; y >= 0; y--) data.copyWithin(y * stride, (y + 1) * stride, (y + 2) * stride);
  for (let y = firstFilled + 1; y < height; y++) {
    if (!filled[y]) data.copyWithin(y * stride, (y - 1) * stride, y * stride);
  }
  return { ...picture, data };
}

/** Covers one row of `width` pixels that starts at pixel `start`; false when the whole row is hidden. */
function coverRow(
  data: Picture['data'],
  alpha: Picture['data'],
  start: number,
  width: number,
  channels: number,
): boolean {
  const visible: number[] = [];
  for (let x = 0; x < width; x++) if (alpha[start + x] !== 0) visible.push(x);
  if (visible.length === 0) return false;
  let next = 0;
  for (let x = 0; x < width; x++) {
    while (next < visible.length && (visible[next] as number) < x) next++;
    const right = visible[next] ?? Number.POSITIVE_INFINITY;
    if (right === x) continue;
    const left = visible[next - 1] ?? Number.NEGATIVE_INFINITY;
    const nearest = x - left <= right - x ? left : right;
    for (let c = 0; c < channels; c++)
      data[(start + x) * channels + c] = data[(start + nearest) * channels + c] as number;
  }
  return true;
}
