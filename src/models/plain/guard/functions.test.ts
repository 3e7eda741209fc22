import { describe, expect, it } from 'vitest';
import {
  accepted,
  attribute,
  beside,
  bytes,
  FLOAT,
  func,
  graphAttribute,
  IDENTITY,
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
  text,
  whole,
} from '../../../../test/support/onnx-bytes.ts';
import { checkedOnnxFile } from './onnx-guard.ts';

const calling = (name: string) => model(PICTURE, RESULT, node(name, ['x'], 'y', own));
/** Calls another one, so many times in a row. */
const caller = (name: string, called: string, times = 1) =>
  func(
    name,
    {},
    ...Array.from({ length: times }, (_, i) =>
      step(called, [i === 0 ? 'x' : `t${i}`], i === times - 1 ? 'y' : `t${i + 1}`, own),
    ),
  );
const relu = (name: string) => func(name, {}, step('Relu', ['x'], 'y'));

describe('functions', () => {
  it('are part of a network', () => {
    expect(checkedOnnxFile(bytes(calling('A'), relu('A')), 'x').functions).toHaveLength(1);
    accepted(bytes(calling('A'), caller('A', 'B', 2), caller('B', 'C', 2), relu('C')));
  });

  it('are refused if they call themselves, by however many others', () => {
    refused(bytes(calling('A'), caller('A', 'A')), /do not call themselves, received "A"/);
    refused(bytes(calling('A'), caller('A', 'B'), caller('B', 'A')), /call themselves/);
    // Nobody calls it.
    refused(bytes(beside(), caller('A', 'B'), caller('B', 'C'), caller('C', 'B')), /call themselves/);
    const inside = graphAttribute('then_branch', node('A', ['x'], 'z', own));
    refused(bytes(calling('A'), func('A', {}, step('If', ['x'], 'y', inside))), /call themselves/);
  });

  it('are refused if few of them become many nodes', () => {
    const doubling = (levels: number) =>
      bytes(
        calling('F0'),
        ...Array.from({ length: levels }, (_, k) => caller(`F${k}`, `F${k + 1}`, 2)),
        relu(`F${levels}`),
      );
    accepted(doubling(10));
    refused(doubling(20), /at most 1000000 nodes, inputs, outputs and attributes.*received \d{7,}$/);
    // Many ways through the same functions are one count each.
    const wide = bytes(
      calling('F0'),
      ...Array.from({ length: 30 }, (_, k) => caller(`F${k}`, `F${k + 1}`, 40)),
      relu('F30'),
    );
    refused(wide, /at most 1000000 nodes/);
  });

  it('are refused if they go deep, and a long chain of them is no work', () => {
    const chain = (length: number) =>
      bytes(calling('F0'), ...Array.from({ length }, (_, k) => caller(`F${k}`, `F${k + 1}`)), relu(`F${length}`));
    accepted(chain(31));
    refused(chain(32), /at most 32 deep/);
    const long = chain(20_000);
    // Work that grows with the square of their number takes a quarter of a minute.
    expect(processorSeconds(() => refused(long, /at most 32 deep/))).toBeLessThan(5);
  });

  it('are refused in the domains of the runtime, by whichever name, and twice', () => {
    for (const domain of ['', 'ai.onnx', 'com.microsoft']) {
      const other = message(25, text(1, 'A'), text(4, 'x'), text(5, 'y'), step('Relu', ['x'], 'y'), text(10, domain));
      refused(bytes(beside(), other), /a domain of their own/);
    }
    const alias = message(25, text(1, 'A'), text(4, 'x'), text(5, 'y'), step('A', ['x'], 'y', text(7, 'ai.onnx')));
    refused(bytes(model(PICTURE, RESULT, node('A', ['x'], 'y')), alias), /a domain of their own/);
    refused(bytes(calling('A'), relu('A'), relu('A')), /each function once/);
  });

  it('are checked with the attributes that they have by default', () => {
    const outside = message(
      5,
      whole(1, 3),
      FLOAT,
      message(13, text(1, 'location'), text(2, '/etc/passwd')),
      whole(14, 1),
    );
    const withDefault = (...value: readonly Uint8Array[]) =>
      bytes(calling('A'), func('A', {}, step('Relu', ['x'], 'y'), message(11, text(1, 'k'), ...value)));
    refused(withDefault(outside), /in the file itself, received one in a file of its own/);
    refused(withDefault(tensor(5, 'w', [1 << 30], FLOAT)), /1073741824 values/);
    refused(withDefault(message(6, IDENTITY)), /graphs within If/);
    const given = node('A', ['x'], 'y', own, graphAttribute('k', IDENTITY));
    refused(bytes(model(PICTURE, RESULT, given), relu('A')), /graphs within If/);
  });

  it('are followed with what they are given, and with what they have by default', () => {
    const filled = (name: string, ...rest: readonly Uint8Array[]) =>
      func(
        name,
        { inputs: ['x'] },
        step('RandomNormal', [], 'z', attribute('shape', text(21, 'size'), whole(20, 7))),
        step('Identity', ['x'], 'y'),
        ...rest,
      );
    const call = (...rest: readonly Uint8Array[]) => model(PICTURE, RESULT, node('A', ['x'], 'y', own, ...rest));
    const size = (side: number) => listAttribute('size', [side, side]);
    const by = (side: number) => message(11, text(1, 'size'), whole(8, side), whole(8, side));
    accepted(bytes(call(size(16)), filled('A')));
    refused(bytes(call(size(1e5)), filled('A')), /for "z" from RandomNormal, received 10000000000/);
    refused(bytes(call(), filled('A', by(1e5))), /from RandomNormal, received 10000000000/);
    accepted(bytes(call(size(16)), filled('A', by(1e5))));
    // Through another function.
    const pass = step('A', ['x'], 'y', own, attribute('size', text(21, 'side'), whole(20, 7)));
    const outer = (side: number) => node('B', ['x'], 'y', own, listAttribute('side', [side, side]));
    accepted(bytes(model(PICTURE, RESULT, outer(16)), filled('A'), func('B', {}, pass)));
    refused(bytes(model(PICTURE, RESULT, outer(1e5)), filled('A'), func('B', {}, pass)), /from RandomNormal/);
  });
});
