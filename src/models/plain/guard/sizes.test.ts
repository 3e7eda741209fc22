import { describe, it } from 'vitest';
import {
  accepted,
  attribute,
  BOOL,
  type Bytes,
  beside,
  bytes,
  FLOAT,
  floats,
  func,
  graphAttribute,
  INT64,
  int64s,
  list,
  listAttribute,
  message,
  model,
  node,
  own,
  PICTURE,
  RESULT,
  refused,
  scalar,
  step,
  tensor,
  value,
  whole,
  wholeAttribute,
} from '../../../../test/support/onnx-bytes.ts';

const HUGE = [1e5, 1e5, 1e5] as const;
const filling = node('ConstantOfShape', ['s'], 'z');
const constant = (name: string, ...rest: readonly Bytes[]) => node('Constant', [], name, ...rest);
const to = (type: number) => wholeAttribute('to', type);

describe('a constant that says how large a value becomes', () => {
  it.each([
    ['ConstantOfShape', ['s']],
    ['Expand', ['x', 's']],
    ['Tile', ['x', 's']],
    ['Pad', ['x', 's']],
    ['Upsample', ['x', 's']],
    ['Resize', ['x', 's']],
    ['Resize', ['x', '', '', 's']],
    ['OneHot', ['x', 's', 's']],
    ['AffineGrid', ['x', 's']],
    ['CenterCropPad', ['x', 's']],
    ['Col2Im', ['x', 's', 's']],
    ['MaxUnpool', ['x', 'x', 's']],
    ['HannWindow', ['s']],
    ['MelWeightMatrix', ['s', 's', 's', 's', 's']],
    ['DFT', ['x', 's']],
  ])('is bounded for %s %j', (type, inputs) => {
    accepted(beside(list('s', 4, 4, 4, 4), node(type, inputs, 'z')));
    refused(
      beside(list('s', ...HUGE, 1), node(type, inputs, 'z')),
      new RegExp(`268435456 values for "z" from ${type}`),
    );
  });

  it.each([
    ['RandomNormal', [], listAttribute('shape', HUGE)],
    ['RandomUniform', [], listAttribute('shape', HUGE)],
    ['Pad', ['x'], listAttribute('pads', [0, 0, 0, 0, 0, 0, 1e6, 1e6])],
    ['Conv', ['x', 'k'], listAttribute('pads', [1e5, 1e5, 1e5, 1e5])],
    ['MaxPool', ['x'], listAttribute('pads', [1e5, 1e5, 1e5, 1e5])],
    ['ConvTranspose', ['x', 'k'], listAttribute('output_shape', [1e5, 1e5])],
    ['ConvTranspose', ['x', 'k'], listAttribute('strides', [1e5, 1e5])],
    ['Multinomial', ['x'], wholeAttribute('sample_size', 1e9)],
  ])('is bounded for %s by an attribute', (type, inputs, given) => {
    const kernel = tensor(5, 'k', [1, 1, 1, 1], FLOAT, floats(1));
    refused(beside(kernel, node(type, inputs, 'z', given)), new RegExp(`268435456 values for "z" from ${type}`));
  });

  it('is bounded for a range, and for factors that are fractions', () => {
    const range = (limit: number) =>
      beside(scalar('a', 0), scalar('b', limit), scalar('c', 2), node('Range', ['a', 'b', 'c'], 'z'));
    accepted(range(100));
    refused(range(1e9), /"z" from Range, received 500000000$/);
    const scaled = (factor: number) =>
      model(
        PICTURE,
        RESULT,
        tensor(5, 'f', [4], FLOAT, floats(1, 1, factor, factor)),
        node('Resize', ['x', '', 'f'], 'y'),
      );
    accepted(scaled(4));
    refused(scaled(1e5), /"y" from Resize, received 10000000000$/);
    refused(scaled(Number.NaN), /from Resize/);
  });

  it('counts however it is written', () => {
    refused(
      beside(constant('s', listAttribute('value_ints', HUGE)), filling),
      /from ConstantOfShape, received 1000000000000000$/,
    );
    refused(
      beside(constant('s', attribute('value', tensor(5, '', [3], INT64, int64s(...HUGE)))), filling),
      /received 1000000000000000$/,
    );
    refused(
      beside(constant('s', attribute('value', tensor(5, '', [1], INT64, whole(7, 1e10)))), filling),
      /received 10000000000$/,
    );
    refused(
      beside(
        constant('a', wholeAttribute('value_int', 1e10)),
        node('Range', ['o', 'a', 'i'], 'z'),
        scalar('o', 0),
        scalar('i', 1),
      ),
      /"z" from Range, received 10000000000$/,
    );
    // Raw data counts, whatever else a tensor lists.
    const both = tensor(5, 's', [3], INT64, int64s(...HUGE), ...[1, 1, 1].map((side) => whole(7, side)));
    refused(beside(both, filling), /from ConstantOfShape/);
  });

  it('is followed through operators', () => {
    const through = (...nodes: readonly Bytes[]) =>
      beside(list('a', ...HUGE), list('b', 1e5), list('i', 0), ...nodes, filling);
    const words = /"z" from ConstantOfShape, received 1(0{10,}|e\+?\d+)$/;
    for (const nodes of [
      [node('Identity', ['a'], 's')],
      [node('Mul', ['a', 'a'], 's')],
      [node('Add', ['a', 'b'], 't'), node('Sub', ['t', 'b'], 's')],
      [node('Cast', ['a'], 't', to(1)), node('Cast', ['t'], 's', to(7))],
      [node('Concat', ['b', 'b'], 's', wholeAttribute('axis', 0))],
      [node('Slice', ['a', 'i', 'a'], 's')],
      [node('Expand', ['b', 'three'], 's'), list('three', 3)],
      [node('Tile', ['b', 'three'], 's'), list('three', 3)],
      [node('Unsqueeze', ['a', 'i'], 't'), node('Transpose', ['t'], 'u'), node('Squeeze', ['u'], 's')],
      [node('ReduceProd', ['a'], 's')],
      [node('Equal', ['a', 'a'], 'e'), node('Where', ['e', 'a', 'i'], 's')],
      [node('Split', ['a'], 's', listAttribute('split', [3]))],
      [node('Max', ['a', 'i'], 's')],
      [node('Neg', ['a'], 't'), node('Abs', ['t'], 's')],
      [node('Gather', ['a', 'i'], 't'), node('Mul', ['t', 'a'], 's')],
    ])
      refused(through(...nodes), words);
  });

  it('is followed through the shapes of constants', () => {
    const small = node('ConstantOfShape', ['a'], 't');
    refused(
      beside(list('a', 1000, 1000), small, node('Shape', ['t'], 'u'), node('Mul', ['u', 'a'], 's'), filling),
      /"z" from/,
    );
    refused(beside(list('a', 1e5, 1e5, 0), small, node('Size', ['t'], 's')), /"t" from ConstantOfShape/);
  });

  it('is refused where it is computed in a way that is not followed', () => {
    const words =
      /sizes that are numbers in the file, or come from the picture, for "z" from ConstantOfShape, received constants/;
    refused(beside(list('a', 3), node('BitwiseNot', ['a'], 's'), filling), words);
    refused(
      beside(
        list('a', 3),
        node('Cast', ['a'], 't', to(10)),
        node('Exp', ['t'], 'u'),
        node('Cast', ['u'], 's', to(7)),
        filling,
      ),
      words,
    );
    // Whole numbers wrap around: 2^62 times 4 is 0 to the runtime.
    refused(
      beside(
        list('a', 2 ** 62),
        list('b', 4),
        list('c', 7),
        node('Mul', ['a', 'b'], 't'),
        node('Mod', ['t', 'c'], 's'),
        filling,
      ),
      words,
    );
    // Its size may be anything.
    refused(
      beside(list('a', 3), node('TfIdfVectorizer', ['a'], 'z')),
      /"z" from TfIdfVectorizer, received more than can be told/,
    );
  });

  it('is followed into graphs within the network, and functions', () => {
    const branch = graphAttribute('then_branch', node('ConstantOfShape', ['s'], 'z'), value(12, 'z', []));
    refused(beside(list('s', ...HUGE), node('If', ['x'], 'q', branch)), /"z" from ConstantOfShape/);
    refused(
      beside(list('s', ...HUGE), node('Scan', ['x'], 'q', graphAttribute('body', filling))),
      /"z" from ConstantOfShape/,
    );
    const call = node('Fill', ['s'], 'z', own);
    const fill = func('Fill', { inputs: ['a'], outputs: ['b'] }, step('ConstantOfShape', ['a'], 'b'));
    accepted(bytes(beside(list('s', 3), call), fill));
    refused(bytes(beside(list('s', ...HUGE), call), fill), /"b" from ConstantOfShape/);
    const sizes = func('Sizes', { outputs: ['b'] }, step('Constant', [], 'b', listAttribute('value_ints', HUGE)));
    refused(bytes(beside(node('Sizes', ['x'], 's', own), filling), sizes), /"z" from ConstantOfShape/);
  });

  it('is followed out of a branch that a constant chooses', () => {
    const branch = (name: string, size: number) =>
      graphAttribute(name, constant(`${name}_s`, listAttribute('value_ints', [size])), value(12, `${name}_s`, [1], 7));
    const chosen = (condition: number, yes: number, no: number) =>
      beside(
        tensor(5, 'c', [], BOOL, message(9, Uint8Array.of(condition))),
        node('If', ['c'], 's', branch('then_branch', yes), branch('else_branch', no)),
        filling,
      );
    accepted(chosen(1, 3, 1e10));
    refused(chosen(0, 3, 1e10), /"z" from ConstantOfShape, received 10000000000$/);
    refused(chosen(2, 3, 3), /sizes that are numbers/);
  });
});
