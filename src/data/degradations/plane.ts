/**
 * One-channel pictures (streak layers, transmissions, depths) and the filters that shape them.
 *
 * @module
 */

/** `data` is [height, width], row-major. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

export function createPlane(width: number, height: number): Plane {
  return { width, height, data: new Float32Array(width * height) };
}

/** Mean of all values; 0 for an empty plane. */
export function mean(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return values.length === 0 ? 0 : sum / values.length;
}

/** Mean over the (2 radius + 1)^2 window, which shrinks at the borders; running sums, so the radius costs nothing. */
export function boxFilter(plane: Plane, radius: number): Plane {
  const { width, height } = plane;
  const rows = createPlane(width, height);
  for (let y = 0; y < height; y++) averageLine(plane.data, rows.data, y * width, 1, width, radius);
  const out = createPlane(width, height);
  for (let x = 0; x < width; x++) averageLine(rows.data, out.data, x, width, height, radius);
  return out;
}

function averageLine(
  source: Float32Array,
  target: Float32Array,
  start: number,
  stride: number,
  length: number,
  radius: number,
): void {
  let sum = 0;
  const reach = Math.min(radius, length - 1);
  for (let i = 0; i <= reach; i++) sum += source[start + i * stride] as number;
  for (let i = 0; i < length; i++) {
    const first = Math.max(0, i - radius);
    const last = Math.min(length - 1, i + radius);
    target[start + i * stride] = sum / (last - first + 1);
    if (i + radius + 1 < length) sum += source[start + (i + radius + 1) * stride] as number;
    if (i - radius >= 0) sum -= source[start + (i - radius) * stride] as number;
  }
}

/**
 * Self-guided filter: q = mean(a) I + mean(b), a = var(I) / (var(I) + epsilon), b = (1 - a) mean(I) over windows of
 * the given radius. Flattens texture whose variance is below `epsilon`, keeps edges.
 *
 * He, Sun, Tang: Guided image filtering. TPAMI 2013.
 */
export function edgePreservingFilter(plane: Plane, radius: number, epsilon: number): Plane {
  const { width, height, data } = plane;
  const squares = createPlane(width, height);
  for (let i = 0; i < data.length; i++) squares.data[i] = (data[i] as number) ** 2;
  const means = boxFilter(plane, radius);
  const meanSquares = boxFilter(squares, radius);
  const slopes = createPlane(width, height);
  const offsets = createPlane(width, height);
  for (let i = 0; i < data.length; i++) {
    const average = means.data[i] as number;
    const variance = Math.max(0, (meanSquares.data[i] as number) - average * average);
    const slope = variance / (variance + epsilon);
    slopes.data[i] = slope;
    offsets.data[i] = (1 - slope) * average;
  }
  const slope = boxFilter(slopes, radius);
  const offset = boxFilter(offsets, radius);
  const out = createPlane(width, height);
  for (let i = 0; i < data.length; i++) {
    out.data[i] = (slope.data[i] as number) * (data[i] as number) + (offset.data[i] as number);
  }
  return out;
}
