import { describe, expect, it } from 'vitest';
import {
  accepted,
  attribute,
  BOOL,
  beside,
  bytes,
  FLOAT,
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
  processorSeconds,
  RESULT,
  refused,
  step,
  tensor,
  value,
  whole,
  wholeAttribute,
} from '../../../../test/support/onnx-bytes.ts';

const filling = node('ConstantOfShape', ['s'], 'z');
const to = (type: number) => wholeAttribute('to', type);

describe('values that come from constants alone', () => {
  it('are bounded each, also without anything that says a size', () => {
    const doubled = Array.from({ length: 40 }, (_, i) =>
      node('Concat', [`d${i}`, `d${i}`], `d${i + 1}`, wholeAttribute('axis', 0)),
    );
    refused(beside(list('d0', 1), ...doubled), /268435456 values for "d29" from Concat/);
    const million = [list('n', 1000, 1000), node('ConstantOfShape', ['n'], 'm')];
    const row = [
      list('r', 1, -1),
      list('c', -1, 1),
      node('Reshape', ['m', 'r'], 'mr'),
      node('Reshape', ['m', 'c'], 'mc'),
    ];
    for (const type of ['Add', 'MatMul', 'Where', 'BitShift'])
      refused(
        beside(...million, ...row, node(type, ['mc', 'mr', 'm'].slice(0, type === 'Where' ? 3 : 2), 'z')),
        new RegExp(`"z" from ${type}, received 1000000000000$`),
      );
    refused(
      beside(...million, node('Cast', ['m'], 'i', to(7)), node('Gather', ['m', 'i'], 'z')),
      /"z" from Gather, received 1000000000$/,
    );
    // Complex numbers: each time twice as many, which a shape takes for real ones again.
    const waves = Array.from({ length: 30 }, (_, i) => [
      node('DFT', [`d${i}`], `w${i}`),
      node('Reshape', [`w${i}`, 'r'], `d${i + 1}`),
    ]).flat();
    refused(beside(list('d0', 1), list('r', -1, 1), ...waves), /values for "w\d+" from DFT/);
  });

  it('have few dimensions', () => {
    const doubled = Array.from({ length: 50 }, (_, i) => node('Gather', [`d${i}`, `d${i}`], `d${i + 1}`));
    refused(
      beside(tensor(5, 'd0', [1, 1], INT64, int64s(0)), ...doubled),
      /64 dimensions for "d6" from Gather, received 65/,
    );
    refused(
      beside(list('d', 0), node('Unsqueeze', ['d', 'many'], 'z'), list('many', ...new Array(64).keys())),
      /64 dimensions/,
    );
  });

  it('are bounded all together', () => {
    const many = (count: number) =>
      beside(list('s', 2 ** 28), ...Array.from({ length: count }, (_, i) => node('ConstantOfShape', ['s'], `z${i}`)));
    accepted(many(4));
    refused(many(5), /at most 1073741824 values from constants alone, received more, as of "z4"/);
    // Those of the file are there once, however large; copies are not.
    const held = func(
      'Held',
      {},
      step(
        'Constant',
        [],
        'c',
        attribute('value', tensor(5, '', [2 ** 20], FLOAT, message(9, new Uint8Array(2 ** 22)))),
      ),
      step('Identity', ['x'], 'y'),
    );
    const calls = (count: number) => Array.from({ length: count }, (_, i) => node('Held', ['x'], `h${i}`, own));
    accepted(bytes(beside(...calls(1024)), held));
    refused(bytes(beside(...calls(1026)), held), /values from constants alone/);
  });

  it('may have 16 bits, as after a conversion', () => {
    const half = (...bits: number[]) =>
      tensor(5, 's', [4], whole(2, 10), message(9, new Uint8Array(Uint16Array.from(bits).buffer)));
    const enlarged = (...bits: number[]) =>
      model(PICTURE, RESULT, half(...bits), node('Cast', ['s'], 'f', to(1)), node('Resize', ['x', '', 'f'], 'y'));
    // 1 and 2.
    accepted(enlarged(0x3c00, 0x3c00, 0x4000, 0x4000));
    // 32768.
    refused(enlarged(0x3c00, 0x3c00, 0x7800, 0x7800), /268435456 values for "y" from Resize, received 1073741824/);
    const listed = tensor(5, 's', [4], whole(2, 10), ...[1, 1, 1, 1].map((number) => whole(5, number)));
    refused(
      model(PICTURE, RESULT, listed, node('Cast', ['s'], 'f', to(1)), node('Resize', ['x', '', 'f'], 'y')),
      /constants that Clearword cannot compute/,
    );
  });

  it('are vectors as well as matrices in a product', () => {
    const side = 20_000;
    const vector = [list('n', side), node('ConstantOfShape', ['n'], 'v')];
    const matrix = [list('m', 2, side), node('ConstantOfShape', ['m'], 'w')];
    // All with all would be 2^29; the result has two.
    accepted(
      beside(...vector, ...matrix, node('MatMul', ['w', 'v'], 'p'), node('ConstantOfShape', ['q'], 'r'), list('q', 3)),
    );
    const column = [list('k', side, 2), node('ConstantOfShape', ['k'], 'u'), node('MatMul', ['v', 'u'], 'p')];
    accepted(beside(...vector, ...column, node('MatMul', ['v', 'v'], 'dot')));
  });

  it('are followed in the order of their making, whatever that of the file is', () => {
    const later = (side: number) => beside(filling, node('Identity', ['a'], 's'), list('a', side));
    accepted(later(3));
    refused(later(2 ** 29), /268435456 values for "z" from ConstantOfShape, received 536870912/);
    const branch = graphAttribute('then_branch', value(12, 'inner', [1]), node('ConstantOfShape', ['s'], 'inner'));
    const other = graphAttribute('else_branch', value(12, 'inner', [1]), node('ConstantOfShape', ['a'], 'inner'));
    const choice = (side: number) =>
      beside(
        node('If', ['c'], 'z', branch, other),
        node('Identity', ['a'], 's'),
        list('a', side),
        tensor(5, 'c', [], BOOL, message(9, Uint8Array.of(1))),
      );
    accepted(choice(3));
    refused(choice(2 ** 29), /268435456 values for "inner" from ConstantOfShape/);
  });

  it('may have any name, but each its own, and do not need themselves', () => {
    const circle = [node('Neg', ['b'], 'a'), node('Neg', ['a'], 'b')];
    refused(
      beside(...circle),
      /the value "[ab]" to be made before it is used, received none, or one that needs itself/,
    );
    refused(beside(filling), /the value "s" to be made before it is used/);
    refused(
      beside(list('a', 3), list('b', 4), node('Identity', ['a'], 's'), node('Identity', ['b'], 's')),
      /two with the name "s"/,
    );
    refused(
      beside(list('s', 3), node('If', ['x'], 'q', graphAttribute('then_branch', node('Relu', ['x'], 's')))),
      /two with the name "s"/,
    );
    accepted(
      beside(list('__proto__', 3), list('constructor', 3), node('Add', ['__proto__', 'constructor'], 'toString')),
    );
  });
});

describe('what exported networks do is accepted', () => {
  const shape = node('Shape', ['x'], 'sizes');
  const side = (index: number, name: string) => [
    list(`i${index}`, index),
    node('Gather', ['sizes', `i${index}`], name, wholeAttribute('axis', 0)),
  ];

  it('sizes that come from the picture, with constants between them', () => {
    accepted(
      beside(
        shape,
        ...side(2, 'h'),
        ...side(3, 'w'),
        list('two', 2),
        list('channels', 1, 64),
        node('Mul', ['h', 'two'], 'hh'),
        node('Mul', ['w', 'two'], 'ww'),
        node('Concat', ['channels', 'hh', 'ww'], 's', wholeAttribute('axis', 0)),
        filling,
        node('Expand', ['x', 's'], 'e'),
        node('Tile', ['x', 's'], 't'),
        node('Reshape', ['x', 's'], 'r'),
        node('Resize', ['x', '', '', 's'], 'u'),
      ),
    );
  });

  it('but not the constants among them', () => {
    const wide = [shape, ...side(2, 'h'), list('wide', 1e5, 1e5)];
    refused(
      beside(...wide, node('Concat', ['h', 'wide'], 's', wholeAttribute('axis', 0)), filling),
      /received 10000000000$/,
    );
    // The picture has three channels.
    refused(
      beside(shape, ...side(1, 'c'), list('f', 1e9), node('Mul', ['c', 'f'], 's'), filling),
      /received 3000000000$/,
    );
  });

  it('padding as PyTorch writes it', () => {
    const padding = (amount: number) =>
      model(
        PICTURE,
        RESULT,
        list('p', 0, amount, 0, amount),
        list('four', 4),
        list('pairs', -1, 2),
        list('zero', 0),
        list('minus', -1),
        list('least', -(2 ** 63)),
        node('ConstantOfShape', ['four'], 'zeros', attribute('value', tensor(5, '', [1], INT64, int64s(0)))),
        node('Concat', ['p', 'zeros'], 'all', wholeAttribute('axis', 0)),
        node('Reshape', ['all', 'pairs'], 'pairs_of'),
        node('Slice', ['pairs_of', 'minus', 'least', 'zero', 'minus'], 'reversed'),
        node('Transpose', ['reversed'], 'turned', listAttribute('perm', [1, 0])),
        node('Reshape', ['turned', 'minus'], 'pads'),
        node('Pad', ['x', 'pads'], 'y'),
      );
    accepted(padding(8));
    refused(padding(1e6), /"y" from Pad, received 1000002000001$/);
  });

  it('expanding to sizes of which -1 stands for the own one', () => {
    accepted(
      beside(
        list('a', -1, 3, -1, -1),
        list('rank', 4),
        list('minus', -1),
        node('ConstantOfShape', ['rank'], 'ones', attribute('value', tensor(5, '', [1], INT64, int64s(1)))),
        node('Mul', ['ones', 'minus'], 'minuses'),
        node('Equal', ['a', 'minuses'], 'own'),
        node('Where', ['own', 'ones', 'a'], 's'),
        node('Expand', ['x', 's'], 'e'),
      ),
    );
  });

  it('weights that are normalised, and tables of places', () => {
    accepted(
      beside(
        list('large', 1024, 1024, 3, 3),
        node('ConstantOfShape', ['large'], 'w'),
        node('ReduceL2', ['w'], 'n', listAttribute('axes', [1, 2, 3])),
        node('Div', ['w', 'n'], 'v'),
        list('size', 1, 64, 512, 512),
        list('small', 1, 64, 64, 64),
        node('ConstantOfShape', ['small'], 'places'),
        node('Resize', ['places', '', '', 'size'], 'stretched'),
        tensor(5, 'k', [64, 64, 3, 3], FLOAT, message(9, new Uint8Array(4 * 64 * 64 * 9))),
        node('Conv', ['stretched', 'k'], 'c', listAttribute('pads', [1, 1, 1, 1])),
      ),
    );
  });
});

it('takes no long time for many nodes that compute many numbers', () => {
  const sixty = list('a', ...new Array<number>(64).fill(3));
  const nodes = Array.from({ length: 50_000 }, (_, i) => node('Add', ['a', 'a'], `s${i}`));
  const file = beside(sixty, bytes(nodes));
  expect(processorSeconds(() => accepted(file))).toBeLessThan(5);
});
