import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pictureNetwork } from '../../../test/support/picture-network.ts';
import { temporaryFolders } from '../../../test/support/pictures.ts';
import { ClearwordError } from '../../errors.ts';
import { readOnnxModel } from './load-onnx.ts';
import { checkedOnnxFile } from './onnx-guard.ts';
import { encodeField, encodeVarint } from './wire.ts';

const newFolder = await temporaryFolders();

type Bytes = Uint8Array;
const join_ = (...parts: readonly (Bytes | readonly Bytes[])[]): Bytes => new Uint8Array(Buffer.concat(parts.flat()));
const text = (number: number, value: string): Bytes => join_(encodeField(number, new TextEncoder().encode(value)));
const whole = (number: number, value: number): Bytes => join_(encodeVarint(8 * number), encodeVarint(value));
const message = (number: number, ...parts: readonly Bytes[]): Bytes => join_(encodeField(number, join_(...parts)));

/** NodeProto as field 1 of a graph. */
const node = (type: string, inputs: readonly string[], output: string, ...rest: readonly Bytes[]): Bytes =>
  message(1, ...inputs.map((name) => text(1, name)), text(2, output), text(4, type), ...rest);
const value = (number: number, name: string, sides: readonly (number | string)[], elementType = 1): Bytes => {
  const dims = sides.map((side) => message(1, typeof side === 'number' ? whole(1, side) : text(2, side)));
  return message(number, text(1, name), message(2, message(1, whole(1, elementType), message(2, ...dims))));
};
const tensor = (number: number, name: string, dims: readonly number[], ...rest: readonly Bytes[]): Bytes =>
  message(number, ...dims.map((side) => whole(1, side)), text(8, name), ...rest);
const FLOAT = whole(2, 1);
const INT64 = whole(2, 7);
const model = (...graph: readonly Bytes[]): Bytes => join_(whole(1, 10), message(7, ...graph));
const PICTURE = value(11, 'x', [1, 3, 'h', 'w']);
const RESULT = value(12, 'y', [1, 3, 'h', 'w']);
const IDENTITY = node('Identity', ['x'], 'y');

const refused = (bytes: Bytes, words: RegExp) => {
  expect(() => checkedOnnxFile(bytes, 'model x.onnx')).toThrow(
    expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(words) }),
  );
};

const int64s = (...values: readonly number[]): Bytes => {
  const data = BigInt64Array.from(values, BigInt);
  return join_(encodeField(9, new Uint8Array(data.buffer)));
};

describe('a file is refused', () => {
  it('that is none, is empty or ends early', () => {
    refused(new Uint8Array(0), /expected an ONNX model/);
    refused(Uint8Array.of(1, 2, 3), /expected an ONNX model/);
    refused(new TextEncoder().encode('{"a": 1}'), /expected an ONNX model/);
    const whole = pictureNetwork({});
    for (const share of [0.1, 0.5, 0.9]) refused(whole.subarray(0, Math.floor(whole.length * share)), /./);
  });

  it('with a tensor that claims more, or less, than it has', () => {
    refused(
      model(PICTURE, RESULT, IDENTITY, tensor(5, 'w', [1 << 30, 1 << 10], FLOAT, message(9))),
      /1099511627776 values/,
    );
    refused(
      model(PICTURE, RESULT, IDENTITY, tensor(5, 'w', [2 ** 40, 2 ** 40, 2 ** 40], FLOAT)),
      /values for tensor "w"/,
    );
    refused(
      model(PICTURE, RESULT, IDENTITY, tensor(5, 'w', [3], FLOAT, message(9, new Uint8Array(16)))),
      /3 values.*4/,
    );
    refused(model(PICTURE, RESULT, IDENTITY, tensor(5, 'w', [4], FLOAT, message(4, new Uint8Array(8)))), /4 values.*2/);
    const negative = message(
      5,
      join_(encodeVarint(8), Uint8Array.of(...new Array(9).fill(255), 1)),
      FLOAT,
      text(8, 'w'),
    );
    refused(model(PICTURE, RESULT, IDENTITY, negative), /at least 0/);
    refused(model(PICTURE, RESULT, IDENTITY, tensor(5, 'w', [1], whole(2, 8))), /numbers in tensor "w"/);
    refused(model(PICTURE, RESULT, IDENTITY, tensor(5, 'w', new Array(100).fill(1), FLOAT)), /dimensions/);
  });

  it('with inputs, or constants that become tensors, of absurd sizes', () => {
    refused(model(value(11, 'x', [1, 3, 1e6, 1e6]), RESULT, IDENTITY), /at most 268435456 values for the input/);
    const sizes = tensor(5, 's', [3], INT64, int64s(100_000, 100_000, 100_000));
    for (const [type, inputs] of [
      ['ConstantOfShape', ['s']],
      ['Expand', ['x', 's']],
      ['Tile', ['x', 's']],
    ] as const) {
      refused(
        model(PICTURE, RESULT, sizes, node(type, inputs, 'y')),
        new RegExp(`from ${type}, received 1000000000000000`),
      );
    }
    const constant = node(
      'Constant',
      [],
      's',
      message(5, text(1, 'value'), tensor(5, '', [3], INT64, int64s(1e5, 1e5, 1e5))),
    );
    refused(model(PICTURE, RESULT, constant, node('ConstantOfShape', ['s'], 'y')), /from ConstantOfShape/);
    const shape = message(5, text(1, 'shape'), ...[1e5, 1e5].map((side) => whole(8, side)));
    refused(model(PICTURE, RESULT, node('RandomNormal', [], 'y', shape)), /from RandomNormal/);
  });

  it('with operators of others, without end, or of functions that call themselves', () => {
    refused(
      model(PICTURE, RESULT, node('Evil', ['x'], 'y', text(7, 'com.evil'))),
      /custom operator "Evil" of "com.evil"/,
    );
    refused(model(PICTURE, RESULT, node('Loop', ['x'], 'y')), /the operator Loop/);
    const body = (type: string) => message(7, text(1, 'x'), text(2, 'y'), text(4, type), text(7, 'own'));
    const fn = (name: string, calls: string) => message(25, text(1, name), body(calls), text(10, 'own'));
    const called = node('A', ['x'], 'y', text(7, 'own'));
    refused(join_(model(PICTURE, RESULT, called), fn('A', 'B'), fn('B', 'A')), /call themselves/);
    const harmless = message(
      25,
      text(1, 'A'),
      message(7, text(1, 'x'), text(2, 'y'), text(4, 'Relu')),
      text(10, 'own'),
    );
    expect(checkedOnnxFile(join_(model(PICTURE, RESULT, called), harmless), 'x').functions).toHaveLength(1);
  });

  it('with graphs that are nested without end', () => {
    let inner = join_(IDENTITY);
    for (let depth = 0; depth < 40; depth++)
      inner = node('If', ['x'], 'y', message(5, text(1, 'then_branch'), message(6, inner)));
    refused(model(PICTURE, RESULT, inner), /nested more than 6 deep/);
  });

  it('with sparse tensors, and with parts without number', () => {
    refused(model(PICTURE, RESULT, IDENTITY, message(15)), /sparse/);
    const many = new Uint8Array(Buffer.concat(new Array<Bytes>(500_001).fill(message(1))));
    refused(model(PICTURE, many), /more than 500000 parts/);
  });
});

describe('weights in a file of their own', () => {
  const external = (location: string, { offset = '0', length = '12' } = {}) =>
    tensor(
      5,
      'w',
      [1, 3, 1, 1],
      FLOAT,
      ...Object.entries({ location, offset, length }).map(([key, of]) => message(13, text(1, key), text(2, of))),
      whole(14, 1),
    );
  const scaled = (initialiser: Bytes) => model(PICTURE, RESULT, node('Mul', ['x', 'w'], 'y'), initialiser);

  it('are taken from the folder of the model', async () => {
    const folder = await newFolder();
    await mkdir(join(folder, 'data'));
    const weights = Float32Array.of(9, 1, 2, 3);
    await writeFile(join(folder, 'data', 'x.bin'), new Uint8Array(weights.buffer));
    await writeFile(join(folder, 'x.onnx'), scaled(external('data/x.bin', { offset: '4' })));
    const { bytes } = await readOnnxModel(join(folder, 'x.onnx'));
    const [w] = checkedOnnxFile(bytes, 'x').graph.initialisers;
    expect(w).toMatchObject({ name: 'w', shape: [1, 3, 1, 1], external: undefined });
    expect([...new Float32Array(new Uint8Array(w?.raw ?? []).buffer)]).toEqual([1, 2, 3]);
  });

  it.each([
    ['../secret.bin', {}, /in the folder of the model/],
    ['/etc/passwd', {}, /in the folder of the model/],
    ['data/../../secret.bin', {}, /in the folder of the model/],
    ['..\\secret.bin', {}, /in the folder of the model/],
    ['C:\\secret.bin', {}, /in the folder of the model/],
    ['', {}, /in the folder of the model/],
    ['a\0b', {}, /in the folder of the model/],
    ['link.bin', {}, /in the folder of the model/],
    ['missing.bin', {}, /beside the model/],
    ['near.bin', { offset: '8' }, /20 bytes in the file/],
    ['near.bin', { offset: '-4' }, /whole number for the offset/],
    ['near.bin', { offset: '1e3' }, /whole number for the offset/],
    ['near.bin', { length: '400000000000' }, /12 bytes for tensor/],
  ] as const)('are refused at %j %j', async (location, place, words) => {
    const folder = await newFolder();
    await writeFile(join(folder, 'secret.bin'), new Uint8Array(64));
    const models = join(folder, 'models');
    await mkdir(models);
    await symlink(join(folder, 'secret.bin'), join(models, 'link.bin'));
    await writeFile(join(models, 'near.bin'), new Uint8Array(16));
    await writeFile(join(models, 'x.onnx'), scaled(external(location, place)));
    await expect(readOnnxModel(join(models, 'x.onnx'))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(words),
    });
  });
});

describe('whatever a file holds', () => {
  const network = pictureNetwork({ noise: 'map' });

  it('it is read or refused with MODEL_INVALID, in time', () => {
    const cases = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      // Changed bytes of a real one: lengths, types, sizes.
      fc.array(fc.tuple(fc.nat(network.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 }).map((changes) => {
        const bytes = network.slice();
        for (const [place, byte] of changes) bytes[place] = byte;
        return bytes;
      }),
      fc
        .tuple(fc.nat(network.length), fc.nat(network.length))
        .map(([a, b]) => network.subarray(Math.min(a, b), Math.max(a, b))),
    );
    let slowest = 0;
    fc.assert(
      fc.property(cases, (bytes) => {
        const started = performance.now();
        try {
          checkedOnnxFile(bytes, 'model x');
        } catch (error) {
          expect(error).toBeInstanceOf(ClearwordError);
          expect((error as ClearwordError).code).toBe('MODEL_INVALID');
        }
        slowest = Math.max(slowest, performance.now() - started);
      }),
      { numRuns: 4000 },
    );
    // Milliseconds; a machine that does much else may pause.
    expect(slowest).toBeLessThan(1000);
  });
});
