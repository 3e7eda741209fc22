import { type NdArray, read, readBroadcast, tabulate, withAxis } from '../../../../test/support/ndarray.ts';
import type { Shape } from '../../tensor.ts';
import type { OpAttributes } from '../attributes.ts';
import { type OpCase, type OpCases, type Reference, values } from './case.cases.ts';

type Pad = OpAttributes['pad'];

const reshape = (name: string, from: Shape, to: Shape): OpCase<'reshape'> => ({
  name,
  inputs: [values(from)],
  attributes: { shape: to },
  reference: ({ data }: NdArray) => ({ shape: to, data }),
});

const transpose = (shape: Shape, ...perm: readonly number[]): OpCase<'transpose'> => ({
  name: `[${shape}] by [${perm}]`,
  inputs: [values(shape)],
  attributes: { perm },
  reference: (x: NdArray) =>
    tabulate(
      perm.map((axis) => x.shape[axis] as number),
      (index) => {
        const from: number[] = [];
        perm.forEach((axis, i) => {
          from[axis] = index[i] as number;
        });
        return read(x, from);
      },
    ),
});

const expand = (name: string, from: Shape, to: Shape): OpCase<'expand'> => ({
  name,
  inputs: [values(from)],
  attributes: { shape: to },
  reference: (x: NdArray) => tabulate(to, (index) => readBroadcast(x, index)),
});

/** `picked`: the places that start:end:step names, written out. */
function slice(
  name: string,
  shape: Shape,
  attributes: OpAttributes['slice'],
  picked: readonly number[],
): OpCase<'slice'> {
  const { axis } = attributes;
  const reference: Reference = (x: NdArray) =>
    tabulate(withAxis(x.shape, axis, picked.length), (index) =>
      read(x, withAxis(index, axis, picked[index[axis] as number] as number)),
    );
  return { name, inputs: [values(shape)], attributes, reference };
}

function split(
  name: string,
  shape: Shape,
  axis: number,
  sizes: readonly number[],
  used?: readonly number[],
): OpCase<'split'> {
  const reference: Reference = (x: NdArray) =>
    sizes.map((size, part) => {
      const start = sizes.slice(0, part).reduce((sum, n) => sum + n, 0);
      return tabulate(withAxis(x.shape, axis, size), (index) =>
        read(x, withAxis(index, axis, start + (index[axis] as number))),
      );
    });
  return { name, inputs: [values(shape)], attributes: { axis, sizes }, reference, ...(used && { used }) };
}

function concat(name: string, axis: number, ...shapes: readonly Shape[]): OpCase<'concat'> {
  const reference: Reference = (...parts: NdArray[]) => {
    const total = parts.reduce((sum, { shape }) => sum + (shape[axis] as number), 0);
    return tabulate(withAxis((parts[0] as NdArray).shape, axis, total), (index) => {
      let place = index[axis] as number;
      let part = 0;
      while (place >= ((parts[part] as NdArray).shape[axis] as number)) {
        place -= (parts[part++] as NdArray).shape[axis] as number;
      }
      return read(parts[part] as NdArray, withAxis(index, axis, place));
    });
  };
  return { name, inputs: shapes.map((shape, i) => values(shape, 0.29 * i)), attributes: { axis }, reference };
}

/** Where a place outside 0..size-1 takes its value from; -1: nowhere. */
function sourceOf(place: number, size: number, mode: Pad['mode']): number {
  if (place >= 0 && place < size) return place;
  if (mode === 'constant') return -1;
  if (mode === 'edge') return place < 0 ? 0 : size - 1;
  return place < 0 ? -place : 2 * (size - 1) - place;
}

function pad(
  name: string,
  shape: Shape,
  mode: Pad['mode'],
  before: readonly number[],
  after: readonly number[],
): OpCase<'pad'> {
  const reference: Reference = (x: NdArray) =>
    tabulate(
      x.shape.map((size, axis) => size + (before[axis] as number) + (after[axis] as number)),
      (index) => {
        const from = index.map((i, axis) => sourceOf(i - (before[axis] as number), x.shape[axis] as number, mode));
        return from.includes(-1) ? 0 : read(x, from);
      },
    );
  return { name, inputs: [values(shape)], attributes: { before, after, mode }, reference };
}

export const shapeCases: {
  readonly [K in 'reshape' | 'transpose' | 'expand' | 'slice' | 'split' | 'concat' | 'pad']: OpCases<K>;
} = {
  reshape: [
    reshape('merging axes', [2, 3, 4], [6, 4]),
    reshape('splitting an axis', [6, 4], [2, 3, 2, 2]),
    reshape('one value as a scalar', [1, 1], []),
    reshape('a scalar as a vector', [], [1]),
  ],
  transpose: [
    transpose([2, 3], 1, 0),
    transpose([2, 3, 4], 2, 0, 1),
    transpose([2, 3, 2, 4], 0, 2, 3, 1),
    transpose([2, 3, 2, 4], 3, 1, 0, 2),
    transpose([2, 3], 0, 1),
  ],
  expand: [
    expand('a scalar', [], [2, 3]),
    expand('new leading axes', [3], [2, 4, 3]),
    expand('axes of one', [2, 1, 3, 1], [2, 4, 3, 2]),
    expand('to its own shape', [2, 3], [2, 3]),
  ],
  slice: [
    slice('the middle of axis 0', [5, 3], { axis: 0, start: 1, end: 4, step: 1 }, [1, 2, 3]),
    slice('the end of the last axis', [2, 3, 5], { axis: 2, start: 3, end: 5, step: 1 }, [3, 4]),
    slice('all of it', [2, 3], { axis: 1, start: 0, end: 3, step: 1 }, [0, 1, 2]),
    slice('every second', [2, 6], { axis: 1, start: 0, end: 6, step: 2 }, [0, 2, 4]),
    slice('every third of an inner axis, from 1', [2, 8, 2], { axis: 1, start: 1, end: 8, step: 3 }, [1, 4, 7]),
    slice('a step beyond the end', [2, 7], { axis: 1, start: 2, end: 5, step: 4 }, [2]),
    slice('backwards', [4, 2], { axis: 0, start: 3, end: -1, step: -1 }, [3, 2, 1, 0]),
    slice('backwards over a part', [2, 6], { axis: 1, start: 4, end: 1, step: -1 }, [4, 3, 2]),
    slice('backwards in twos, to the start', [2, 7, 2], { axis: 1, start: 6, end: -1, step: -2 }, [6, 4, 2, 0]),
    slice('backwards in threes, short of the start', [8], { axis: 0, start: 7, end: 0, step: -3 }, [7, 4, 1]),
  ],
  split: [
    split('equal parts', [4, 3], 0, [2, 2]),
    split('unequal parts of the last axis', [2, 7], 1, [3, 1, 3]),
    split('the first of three used', [2, 6, 2], 1, [1, 2, 3], [0]),
    split('the first of three unused', [2, 6, 2], 1, [1, 2, 3], [1, 2]),
    split('only the middle used', [9], 0, [2, 3, 4], [1]),
    split('one part', [2, 3], 1, [3]),
  ],
  concat: [
    concat('along axis 0', 0, [1, 3], [2, 3]),
    concat('three parts along the last axis', 2, [2, 2, 1], [2, 2, 3], [2, 2, 2]),
    concat('along an inner axis', 1, [2, 1, 3], [2, 4, 3]),
    concat('one part', 1, [2, 3]),
  ],
  pad: [
    pad('zeros on every side', [2, 3, 4], 'constant', [1, 0, 2], [0, 2, 1]),
    pad('zeros after only', [1, 2, 3, 3], 'constant', [0, 0, 0, 0], [0, 0, 2, 1]),
    pad('reflected on both sides of the last axis', [2, 4], 'reflect', [0, 2], [0, 1]),
    pad('reflected before only', [3, 4], 'reflect', [0, 3], [0, 0]),
    pad('reflected as far as there is something to mirror', [2, 4], 'reflect', [0, 3], [0, 3]),
    pad('reflected along two axes', [1, 2, 3, 4], 'reflect', [0, 0, 1, 2], [0, 0, 2, 3]),
    pad('reflected along the first axis', [3, 2], 'reflect', [1, 0], [2, 0]),
    pad('edges repeated along two axes', [1, 2, 3, 2], 'edge', [0, 0, 1, 2], [0, 0, 2, 1]),
    pad('edges repeated beyond the size', [2, 2], 'edge', [0, 3], [0, 5]),
    pad('the edge of a single value', [2, 1], 'edge', [0, 1], [0, 2]),
  ],
};
