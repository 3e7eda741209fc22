import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attribute,
  type Bytes,
  beside,
  bytes,
  expectRefusal,
  FLOAT,
  func,
  graphAttribute,
  list,
  listAttribute,
  message,
  model,
  node,
  own,
  PICTURE,
  processorSeconds,
  RESULT,
  step,
  tensor,
  text,
  whole,
  wholeAttribute,
} from '../../../../test/support/onnx-bytes.ts';
import { pictureNetwork } from '../../../../test/support/picture-network.ts';
import { checkedOnnxFile } from './onnx-guard.ts';

/** Seconds of the processor for any of these files, which are small; most take a thousandth. */
const MOST_SECONDS = 3;

/** Whether it was read. */
function holds(file: Bytes): boolean {
  let read = false;
  const seconds = processorSeconds(() => {
    try {
      checkedOnnxFile(file, 'model x');
      read = true;
    } catch (error) {
      expectRefusal(error);
    }
  });
  expect(seconds).toBeLessThan(MOST_SECONDS);
  return read;
}

const outside = message(13, text(1, 'location'), text(2, 'w.bin'));

/** One of everything that files have. */
const samples = [
  pictureNetwork({ noise: 'map' }),
  model(PICTURE, RESULT, node('Mul', ['x', 'w'], 'y'), tensor(5, 'w', [1, 3, 1, 1], FLOAT, outside, whole(14, 1))),
  bytes(
    model(PICTURE, RESULT, node('A', ['x'], 'y', own, listAttribute('size', [4, 4]))),
    func('A', {}, step('B', ['x'], 'y', own), message(11, text(1, 'size'), whole(8, 2))),
    func('B', {}, step('RandomNormal', [], 'z', attribute('shape', text(21, 'size'))), step('Relu', ['x'], 'y')),
  ),
  beside(
    list('s', 4, 4),
    node(
      'If',
      ['s'],
      'q',
      graphAttribute('then_branch', node('ConstantOfShape', ['s'], 'z')),
      graphAttribute('else_branch'),
    ),
    node('Concat', ['s', 's'], 't', wholeAttribute('axis', 0)),
    node('Expand', ['x', 't'], 'u'),
  ),
];

describe('whatever a file holds, it is read or refused, in time', () => {
  it('bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (file) => {
        holds(file);
      }),
      { numRuns: 1000 },
    );
  });

  it('real files whose bytes were changed: lengths, types, sizes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 }),
        (sample, changes) => {
          const file = sample.slice();
          for (const [place, byte] of changes) file[place % file.length] = byte;
          holds(file);
        },
      ),
      { numRuns: 4000 },
    );
  });

  it('real files of which a part is missing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.nat(), fc.nat(), (sample, a, b) => {
        const [from, to] = [a % sample.length, b % sample.length];
        holds(sample.subarray(Math.min(from, to), Math.max(from, to)));
      }),
      { numRuns: 1000 },
    );
  });

  /** Few names, so that nodes find each other. */
  const names = fc.constantFrom('x', 's', 'a', 'b', 'c', '');
  const sizes = fc.oneof(
    fc.integer({ min: -3, max: 20 }),
    fc.constantFrom(2 ** 20, 2 ** 31, 2 ** 53, 2 ** 62, -(2 ** 63)),
  );
  const operators = [
    ...[
      'Identity',
      'Add',
      'Sub',
      'Mul',
      'Div',
      'Mod',
      'Pow',
      'Max',
      'Equal',
      'Where',
      'Cast',
      'Shape',
      'Size',
      'Gather',
    ],
    ...[
      'Slice',
      'Concat',
      'Reshape',
      'Unsqueeze',
      'Squeeze',
      'Flatten',
      'Transpose',
      'Expand',
      'Tile',
      'Split',
      'Range',
    ],
    ...[
      'ConstantOfShape',
      'Constant',
      'ReduceProd',
      'Pad',
      'MatMul',
      'Gemm',
      'NonZero',
      'Resize',
      'Conv',
      'OneHot',
      'DFT',
    ],
    ...['ConvTranspose', 'RandomNormal', 'ScatterND', 'Relu', 'TopK', 'STFT', 'F0', 'F1', 'F2', 'F3'],
  ];
  const attributes = fc.array(
    fc.oneof(
      fc
        .tuple(fc.constantFrom('axis', 'to', 'keepdims', 'value_int', 'fmod', 'start', 'end', 'allowzero'), sizes)
        .map(([name, value]) => wholeAttribute(name, value)),
      fc
        .tuple(
          fc.constantFrom('perm', 'axes', 'pads', 'value_ints', 'shape', 'starts', 'ends', 'split', 'size'),
          fc.array(sizes, { maxLength: 6 }),
        )
        .map(([name, values]) => listAttribute(name, values)),
      fc.constantFrom('shape', 'axis', 'value_ints').map((name) => attribute(name, text(21, 'size'))),
    ),
    { maxLength: 2 },
  );
  const parts = fc.array(
    fc.tuple(fc.constantFrom(...operators), fc.array(names, { maxLength: 4 }), names, attributes),
    { maxLength: 12 },
  );
  type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;
  /** Each result has a name of its own, by which later nodes know it: names that were said before stand for the latest. */
  const nodesOf = (all: Parts, write: typeof node): Bytes[] => {
    const latest = new Map<string, string>();
    return all.map(([type, inputs, output, rest], i) => {
      const given = inputs.map((name) => latest.get(name) ?? (name === '' || 'xs'.includes(name) ? name : 's'));
      latest.set(output, `${output}${i}`);
      return write(type, given, `${output}${i}`, ...rest, ...(type.startsWith('F') && type.length === 2 ? [own] : []));
    });
  };

  it('nodes of all kinds, with any sizes', () => {
    let read = 0;
    fc.assert(
      fc.property(parts, fc.array(sizes, { maxLength: 6 }), (all, values) => {
        const functions = ['F0', 'F1', 'F2', 'F3'].map((name) => func(name, {}, step('Relu', ['x'], 'y')));
        if (holds(bytes(beside(list('s', ...values), ...nodesOf(all, node)), ...functions))) read++;
      }),
      { numRuns: 1500 },
    );
    // Else it would say little.
    expect(read).toBeGreaterThan(150);
  });

  it('functions that call each other in all ways', () => {
    let read = 0;
    fc.assert(
      fc.property(fc.array(parts, { minLength: 4, maxLength: 4 }), fc.boolean(), (bodies, sorted) => {
        const functions = bodies.map((all, i) => {
          // Sorted ones call only later ones, which ends.
          const kept = all.filter(([type]) => !sorted || !/^F\d$/.test(type) || Number(type[1]) > i);
          const last = step('Identity', ['x'], 'y');
          return func(
            `F${i}`,
            { inputs: ['x', 's'] },
            ...nodesOf(kept, step),
            last,
            message(11, text(1, 'size'), whole(8, 3)),
          );
        });
        const calls = ['F0', 'F1'].map((name, i) => node(name, ['x', 's'], `q${i}`, own));
        if (holds(bytes(beside(list('s', 2, 3), ...calls), ...functions))) read++;
      }),
      { numRuns: 600 },
    );
    expect(read).toBeGreaterThan(20);
  });

  it('few functions that stand for many nodes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 40 }), (levels, times) => {
        const functions = Array.from({ length: levels }, (_, k) => {
          const calls = Array.from({ length: times }, (_, i) => step(`F${k + 1}`, ['x'], `t${i}`, own));
          return func(`F${k}`, {}, ...calls, step('Identity', ['x'], 'y'));
        });
        const last = func(`F${levels}`, {}, step('Relu', ['x'], 'y'));
        holds(bytes(model(PICTURE, RESULT, node('F0', ['x'], 'y', own)), ...functions, last));
      }),
      { numRuns: 40 },
    );
  });
});
