/**
 * Operators that move, repeat or take parts of values: the shape of the result, and which number is where in it.
 *
 * Operators.md of the ONNX project, in all versions: what is an attribute in one is an input in another.
 *
 * @module
 */
import { axesOf, axisAlong, axisOf, type Call, input, listOf, type Result, reshaped } from './call.ts';
import {
  allKnown,
  broadcastAt,
  broadcastShape,
  elementsOf,
  type Known,
  numberAt,
  productOf,
  type Sides,
  UNKNOWN,
} from './constants.ts';

export function gather(call: Call): Result {
  const [data, indices] = [input(call, 0), input(call, 1)];
  const { shape } = data;
  if (shape === undefined || indices.shape === undefined) return {};
  const axis = axisAlong(call, 0, shape.length);
  if (axis === undefined) return {};
  const end = axis + indices.shape.length;
  const at = (place: readonly number[]) => {
    const index = numberAt(indices, place.slice(axis, end));
    const side = shape[axis];
    if (index === undefined || side === undefined || index >= side || index < -side) return undefined;
    return numberAt(data, [...place.slice(0, axis), axisOf(index, side), ...place.slice(end)]);
  };
  return { shape: [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)], at };
}

/** Where a slice of an axis begins, and how many it takes. */
function cut(side: Known, start: number, end: number, step: number): { readonly first: number; readonly count: Known } {
  if (side === undefined || step === 0) return { first: 0, count: undefined };
  const within = (place: number, least: number, most: number) => Math.min(most, Math.max(least, axisOf(place, side)));
  const [first, last] =
    step > 0 ? [within(start, 0, side), within(end, 0, side)] : [within(start, 0, side - 1), within(end, -1, side - 1)];
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
}

export function slice(call: Call): Result {
  const data = input(call, 0);
  const { shape, elements } = data;
  const [starts, ends] = [listOf(call, 'starts', 1) ?? undefined, listOf(call, 'ends', 2) ?? undefined];
  const steps = listOf(call, 'steps', 4);
  const named = listOf(call, 'axes', 3);
  const axes = shape && (named === undefined ? starts?.map((_, axis) => axis) : axesOf(named, shape.length));
  if (shape === undefined || axes === undefined || steps === null) return { elements };
  if (!allKnown(starts) || !allKnown(ends) || (steps !== undefined && !allKnown(steps))) return { elements };
  const cuts = shape.map((side) => ({ first: 0, count: side, step: 1 }));
  axes.forEach((axis, i) => {
    const step = steps?.[i] ?? 1;
    cuts[axis] = { ...cut(shape[axis], starts[i] ?? Number.NaN, ends[i] ?? Number.NaN, step), step };
  });
  const from = (i: number, axis: number) => (cuts[axis]?.first ?? 0) + i * (cuts[axis]?.step ?? 1);
  return { shape: cuts.map(({ count }) => count), at: (place) => numberAt(data, place.map(from)) };
}

const sumOf = (sides: Sides): Known =>
  allKnown(sides) ? sides.reduce<number>((sum, side) => sum + side, 0) : undefined;

export function concat(call: Call): Result {
  const parts = call.inputs.map((value) => value ?? UNKNOWN);
  const elements = parts.reduce((sum, part) => sum + part.elements, 0);
  const first = parts.find(({ shape }) => shape !== undefined)?.shape;
  const axis = first && axisAlong(call, 1, first.length);
  if (first === undefined || axis === undefined) return { elements };
  const sides = parts.map(({ shape }) => shape?.[axis]);
  const at = (place: readonly number[]) => {
    let rest = place[axis] ?? 0;
    for (const [i, part] of parts.entries()) {
      const side = sides[i];
      if (side === undefined) return undefined;
      if (rest < side) return numberAt(part, place.with(axis, rest));
      rest -= side;
    }
    return undefined;
  };
  const whole = sumOf(sides);
  return { shape: first.with(axis, whole), at, elements };
}

export function reshape(call: Call): Result {
  const data = input(call, 0);
  // An empty list is a shape: that of a single number.
  const list = call.attribute('shape')?.wholes ?? input(call, 1).numbers;
  const copied = call.attribute('allowzero')?.whole !== 1;
  const sides = list?.map((side, axis) => (side === 0 && copied ? data.shape?.[axis] : side));
  if (sides?.includes(-1)) {
    const others = sides.filter((side) => side !== -1);
    const rest = allKnown(data.shape) && allKnown(others) ? productOf(data.shape) / productOf(others) : undefined;
    return reshaped(data, sides.with(sides.indexOf(-1), Number.isInteger(rest) ? rest : undefined));
  }
  return reshaped(data, sides);
}

export function unsqueeze(call: Call): Result {
  const data = input(call, 0);
  const list = listOf(call, 'axes', 1) ?? undefined;
  const axes = data.shape && list && axesOf(list, data.shape.length + list.length);
  if (axes === undefined) return reshaped(data, undefined);
  const sides = [...(data.shape ?? [])];
  for (const axis of axes.toSorted((a, b) => a - b)) sides.splice(axis, 0, 1);
  return reshaped(data, sides);
}

export function squeeze(call: Call): Result {
  const data = input(call, 0);
  const { shape } = data;
  const list = listOf(call, 'axes', 1);
  if (shape === undefined || (list === undefined && !allKnown(shape))) return reshaped(data, undefined);
  const axes = list === undefined ? undefined : axesOf(list, shape.length);
  if (list !== undefined && axes === undefined) return reshaped(data, undefined);
  const removed = (side: Known, axis: number) => (axes === undefined ? side === 1 : axes.includes(axis));
  return reshaped(
    data,
    shape.filter((side, axis) => !removed(side, axis)),
  );
}

export function flatten(call: Call): Result {
  const data = input(call, 0);
  if (!allKnown(data.shape)) return reshaped(data, undefined);
  const axis = axisOf(call.attribute('axis')?.whole ?? 1, data.shape.length);
  return reshaped(data, [data.shape.slice(0, axis), data.shape.slice(axis)].map(productOf));
}

export function transpose(call: Call): Result {
  const data = input(call, 0);
  const { shape } = data;
  const attribute = call.attribute('perm');
  const order = attribute === undefined ? shape?.map((_, axis) => shape.length - 1 - axis) : attribute.wholes;
  if (shape === undefined || order?.length !== shape.length) return { elements: data.elements };
  const at = (place: readonly number[]) =>
    numberAt(
      data,
      shape.map((_, axis) => place[order.indexOf(axis)] ?? Number.NaN),
    );
  return { shape: order.map((axis) => shape[axis]), at };
}

export function expand(call: Call): Result {
  const data = input(call, 0);
  const sizes = input(call, 1).numbers;
  const shape = sizes && broadcastShape([data.shape, sizes]);
  return { shape, at: (place) => broadcastAt(data, place), elements: data.elements * elementsOf(sizes ?? []) };
}

export function tile(call: Call): Result {
  const data = input(call, 0);
  const repeats = input(call, 1).numbers;
  const { shape } = data;
  const times = (a: Known, b: Known) => (a === undefined || b === undefined ? undefined : a * b);
  return {
    shape: repeats && shape?.map((side, axis) => times(side, repeats[axis])),
    at: (place) =>
      numberAt(
        data,
        place.map((i, axis) => i % (shape?.[axis] ?? 1)),
      ),
    elements: data.elements * elementsOf(repeats ?? []),
  };
}

/** Equal parts, whose last one may be smaller, unless their sizes are stated. */
export function split(call: Call): Result {
  const data = input(call, 0);
  const { shape, elements } = data;
  const stated = listOf(call, 'split', 1);
  const axis = shape && axisAlong(call, 0, shape.length);
  if (shape === undefined || axis === undefined || stated === null) return { elements };
  const side = shape[axis];
  if (side === undefined) return { elements };
  const equal = Math.ceil(side / call.outputs);
  const sizes = stated ?? Array.from({ length: call.outputs }, (_, i) => Math.min(equal, side - i * equal));
  const before = sizes.slice(0, call.output);
  const start = sumOf(before);
  const at = (place: readonly number[]) =>
    start === undefined ? undefined : numberAt(data, place.with(axis, (place[axis] ?? 0) + start));
  return { shape: shape.with(axis, sizes[call.output]), at, elements };
}
