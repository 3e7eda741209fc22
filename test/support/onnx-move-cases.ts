/**
 * Nodes of constants, of operators that move, repeat, take, make and join numbers.
 *
 * @module
 */
import fc from 'fast-check';
import { TYPE } from '../../src/models/plain/file/tensor.ts';
import { attribute, listAttribute, message, tensor, whole, wholeAttribute } from './onnx-bytes.ts';
import {
  any,
  type Case,
  given,
  list,
  longs,
  narrowed,
  numberOf,
  positive,
  rawOf,
  shapes,
  side,
  small,
  typed,
} from './onnx-cases.ts';

export const MOVE_CASES = {
  gathering: fc
    .tuple(any, fc.integer({ min: -2, max: 2 }), shapes)
    .chain(([one, axis, shape]) =>
      given(TYPE.int64, shape, fc.integer({ min: -2, max: 1 })).map(
        (indices): Case => ({ type: 'Gather', inputs: [one, indices], attributes: [wholeAttribute('axis', axis)] }),
      ),
    ),
  slices: fc.tuple(any, fc.boolean(), fc.integer({ min: 0, max: 3 })).chain(([one, extreme, kept]) => {
    const rank = one.shape.length;
    const count = { minLength: Math.min(rank, kept), maxLength: Math.min(rank, kept) };
    const places = fc.array(extreme ? fc.constantFrom(-(2 ** 63), -1, 0, 1, 2 ** 62) : small, count);
    const steps = fc.array(fc.constantFrom(-3, -2, -1, 1, 2, 3), count);
    const axes = fc.shuffledSubarray([...one.shape.keys()], count);
    const without = fc.constantFrom(undefined, longs(), null);
    return fc
      .tuple(places, places, axes, steps, fc.boolean(), without, without)
      .map(([starts, ends, order, step, negative, noAxes, noSteps]): Case => {
        const named = longs(...order.map((axis) => (negative ? axis - rank : axis)));
        return {
          type: 'Slice',
          inputs: [
            one,
            longs(...starts),
            longs(...ends),
            noAxes === null ? named : noAxes,
            noSteps === null ? longs(...step) : noSteps,
          ],
        };
      });
  }),
  joining: fc
    .tuple(typed, shapes, fc.integer({ min: -3, max: 2 }), fc.array(side, { minLength: 1, maxLength: 3 }))
    .chain(([type, shape, axis, sides]) =>
      fc
        .tuple(
          ...sides.map((length) =>
            given(
              type,
              shape.map((own, i) => (i === (axis < 0 ? axis + shape.length : axis) ? length : own)),
            ),
          ),
        )
        .map((inputs): Case => ({ type: 'Concat', inputs, attributes: [wholeAttribute('axis', axis)] })),
    ),
  reshaping: any.chain((one) =>
    fc
      .oneof(
        fc.constantFrom([-1], [0, -1], [-1, 1], [1, -1, 1], [...one.shape], one.shape.toReversed(), [2, -1]),
        fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 3 }),
      )
      .map((sizes): Case => ({ type: 'Reshape', inputs: [one, longs(...sizes)] })),
  ),
  ones: fc
    .tuple(any, fc.constantFrom('Unsqueeze', 'Squeeze'), list(2), fc.boolean())
    .map(([one, type, axes, none]): Case => ({ type, inputs: none ? [one] : [one, longs(...axes)] })),
  flattening: fc
    .tuple(any, small)
    .map(([one, axis]): Case => ({ type: 'Flatten', inputs: [one], attributes: [wholeAttribute('axis', axis)] })),
  turning: any.chain((one) =>
    fc.option(fc.shuffledSubarray([...one.shape.keys()], { minLength: one.shape.length })).map(
      (perm): Case => ({
        type: 'Transpose',
        inputs: [one],
        attributes: perm ? [listAttribute('perm', perm)] : [],
      }),
    ),
  ),
  repeating: fc.tuple(any, fc.constantFrom('Expand', 'Tile'), fc.array(side, { maxLength: 4 })).map(
    ([one, type, sizes]): Case => ({
      type,
      inputs: [one, longs(...(type === 'Tile' ? one.shape.map((_, i) => sizes[i] ?? 2) : sizes))],
    }),
  ),
  parts: fc
    .tuple(any, fc.integer({ min: -2, max: 2 }), fc.integer({ min: 1, max: 4 }), fc.boolean())
    .map(([one, axis, count, stated]): Case => {
      const own = one.shape.at(axis) ?? 1;
      const sizes = [...new Array<number>(count - 1).fill(1), own - count + 1];
      return {
        type: 'Split',
        inputs: stated ? [one, longs(...sizes)] : [one],
        attributes: [wholeAttribute('axis', axis)],
        outputs: new Array<number>(count).fill(one.type),
      };
    }),
  filling: fc
    .tuple(
      fc.array(side, { maxLength: 3 }),
      typed.chain((type) => given(type, [1])),
    )
    .map(
      ([sizes, value]): Case => ({
        type: 'ConstantOfShape',
        inputs: [longs(...sizes)],
        attributes: [
          attribute('value', tensor(5, '', [1], whole(2, value.type), message(9, rawOf(value))), whole(20, 4)),
        ],
        outputs: [value.type],
      }),
    ),
  ranges: typed.chain((type) =>
    fc
      .tuple(
        given(type, []),
        given(type, []),
        given(
          type,
          [],
          numberOf(type).filter((value) => value !== 0),
        ),
      )
      .map((inputs): Case => ({ type: 'Range', inputs })),
  ),
  sums: fc.tuple(any, fc.constantFrom('ReduceSum'), fc.option(list(2)), fc.boolean(), fc.boolean()).map(
    ([one, type, axes, kept, noop]): Case => ({
      type,
      inputs: axes === null ? [one] : [one, longs(...axes)],
      attributes: [wholeAttribute('keepdims', kept ? 1 : 0), wholeAttribute('noop_with_empty_axes', noop ? 1 : 0)],
    }),
  ),
  reductions: fc
    .tuple(
      any,
      fc.constantFrom('ReduceProd', 'ReduceMax', 'ReduceMin', 'ReduceMean', 'ReduceL2'),
      fc.option(list(2)),
      fc.boolean(),
    )
    .map(
      ([one, type, axes, kept]): Case => ({
        type,
        inputs: [one],
        attributes: [wholeAttribute('keepdims', kept ? 1 : 0), ...(axes?.length ? [listAttribute('axes', axes)] : [])],
      }),
    ),
  padding: any.chain((one) =>
    fc
      .array(fc.integer({ min: -1, max: 3 }), { minLength: 2 * one.shape.length, maxLength: 2 * one.shape.length })
      .map((pads): Case => ({ type: 'Pad', inputs: [one, longs(...pads)] })),
  ),
  products: fc
    .tuple(shapes, positive, positive, positive)
    .chain(([batch, n, k, m]) =>
      fc
        .tuple(narrowed(batch), narrowed(batch))
        .chain(([a, b]) =>
          fc
            .tuple(given(TYPE.float32, [...a, n, k]), given(TYPE.float32, [...b, k, m]))
            .map((inputs): Case => ({ type: 'MatMul', inputs })),
        ),
    ),
  matrices: fc.tuple(positive, positive, positive, fc.boolean(), fc.boolean()).chain(([n, k, m, a, b]) =>
    fc.tuple(given(TYPE.float32, a ? [k, n] : [n, k]), given(TYPE.float32, b ? [m, k] : [k, m])).map(
      (inputs): Case => ({
        type: 'Gemm',
        inputs,
        attributes: [wholeAttribute('transA', a ? 1 : 0), wholeAttribute('transB', b ? 1 : 0)],
      }),
    ),
  ),
  places: any.map((one): Case => ({ type: 'NonZero', inputs: [one], outputs: [TYPE.int64] })),
  resizing: fc
    .tuple(
      fc.array(positive, { minLength: 4, maxLength: 4 }),
      fc.array(positive, { minLength: 2, maxLength: 2 }),
      fc.boolean(),
    )
    .chain(([shape, by, sized]) =>
      given(TYPE.float32, shape).map((one): Case => {
        const factors = { type: TYPE.float32, shape: [4], numbers: [1, 1, ...by.map((value) => value / 2)] };
        return {
          type: 'Resize',
          inputs: sized
            ? [one, undefined, undefined, longs(shape[0] ?? 1, shape[1] ?? 1, ...by)]
            : [one, undefined, factors, ...(by[0] === 1 ? [longs()] : [])],
        };
      }),
    ),
  convolutions: fc
    .tuple(
      fc.array(positive, { minLength: 4, maxLength: 4 }),
      positive,
      positive,
      fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }),
      fc.constantFrom('Conv', 'ConvTranspose'),
    )
    .chain(([shape, channels, kernel, pads, type]) => {
      const own = shape[1] ?? 1;
      const weights = type === 'Conv' ? [channels, own, kernel, kernel] : [own, channels, kernel, kernel];
      return fc.tuple(given(TYPE.float32, shape), given(TYPE.float32, weights)).map(
        (inputs): Case => ({
          type,
          inputs,
          attributes:
            type === 'Conv'
              ? [listAttribute('pads', pads)]
              : [
                  listAttribute(
                    'strides',
                    pads.slice(0, 2).map((pad) => pad + 1),
                  ),
                ],
        }),
      );
    }),
  choosing: fc.tuple(positive, positive, positive).map(
    ([count, depth, type]): Case => ({
      type: 'OneHot',
      inputs: [longs(...new Array<number>(count).fill(type - 1)), longs(depth), longs(0, 1)],
    }),
  ),
} satisfies Record<string, fc.Arbitrary<Case>>;
