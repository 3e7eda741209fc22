/**
 * Plain float64 arrays and loops over them: references that share no code with the graph they check.
 *
 * @module
 */

/** Row-major values. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, d) => product * d, 1);

/** An array by its values at each index. The index passed in is reused: read it, do not keep it. */
export function tabulate(shape: readonly number[], value: (index: readonly number[]) => number): NdArray {
  const data = new Float64Array(sizeOf(shape));
  const index: number[] = shape.map(() => 0);
  for (let k = 0; k < data.length; k++) {
    data[k] = value(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      index[axis] = next < (shape[axis] as number) ? next : 0;
      if (next < (shape[axis] as number)) break;
    }
  }
  return { shape, data };
}

/** Value at an index that must exist. */
export function read({ shape, data }: NdArray, index: readonly number[]): number {
  if (index.length !== shape.length) throw new RangeError(`index [${index}] of shape [${shape}]`);
  let place = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    const [i, size] = [index[axis] as number, shape[axis] as number];
    if (!(i >= 0 && i < size)) throw new RangeError(`index [${index}] of shape [${shape}]`);
    place = place * size + i;
  }
  return data[place] as number;
}

/** Value at an index, or 0 outside: zero padding. */
export function readOrZero(array: NdArray, index: readonly number[]): number {
  return index.every((i, axis) => i >= 0 && i < (array.shape[axis] as number)) ? read(array, index) : 0;
}

/** Value that broadcasting puts at an index of a larger shape. */
export function readBroadcast(array: NdArray, index: readonly number[]): number {
  const skipped = index.length - array.shape.length;
  return read(
    array,
    array.shape.map((size, axis) => (size === 1 ? 0 : (index[axis + skipped] as number))),
  );
}

export const mapValues = ({ shape, data }: NdArray, f: (value: number) => number): NdArray => ({
  shape,
  data: data.map(f),
});

/** An index with one of its places replaced. */
export const withAxis = (index: readonly number[], axis: number, value: number): number[] =>
  index.map((i, a) => (a === axis ? value : i));

/** Sum of f(0), f(1), ... f(n - 1). */
export function sum(n: number, f: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += f(i);
  return total;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Values spread over low..high without repeating: the fractional parts of multiples of the golden ratio, which any run of
 * them fills evenly. Rounded to float32, so that a reference in float64 starts from the same numbers.
 */
export function spread(length: number, low: number, high: number, phase = 0): number[] {
  return Array.from({ length }, (_, k) => {
    const position = phase + 0.37 + k * GOLDEN;
    return Math.fround(low + (high - low) * (position - Math.floor(position)));
  });
}

/** Values of both signs with magnitudes in low..high: away from a kink at zero. */
export function awayFromZero(length: number, low: number, high: number, phase = 0): number[] {
  return spread(length, -1, 1, phase).map((v) => Math.fround(Math.sign(v) * (low + (high - low) * Math.abs(v))));
}

/** Step of central differences in float64: truncation (h^2) and cancellation (1e-16 / h) both stay near 1e-10. */
const STEP = 1e-5;

/** Derivative of a scalar function by each value of one of its arguments, by central differences. */
export function centralDifferences(
  scalar: (inputs: readonly NdArray[]) => number,
  inputs: readonly NdArray[],
  argument: number,
  every = 1,
): Float64Array {
  const { shape, data } = inputs[argument] as NdArray;
  const moved = data.slice();
  const withMoved = inputs.map((input, i) => (i === argument ? { shape, data: moved } : input));
  return data
    .filter((_, i) => i % every === 0)
    .map((value, i) => {
      const k = i * every;
      moved[k] = value + STEP;
      const above = scalar(withMoved);
      moved[k] = value - STEP;
      const below = scalar(withMoved);
      moved[k] = value;
      return (above - below) / (2 * STEP);
    });
}

/** erf by its power series, which converges everywhere; in float64 it is good to 1e-12 for |x| < 3. */
export function erf(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= -(x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
