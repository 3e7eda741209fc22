import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  accepted,
  attribute,
  type Bytes,
  beside,
  bytes,
  FLOAT,
  graphAttribute,
  IDENTITY,
  INT64,
  int64s,
  list,
  message,
  model,
  node,
  PICTURE,
  RESULT,
  refused,
  tensor,
  text,
  value,
  whole,
  wholeAttribute,
} from '../../../../test/support/onnx-bytes.ts';
import { pictureNetwork } from '../../../../test/support/picture-network.ts';
import { temporaryFolders } from '../../../../test/support/pictures.ts';
import { encodeField, encodeVarint } from '../file/wire.ts';
import { readOnnxModel } from '../load-onnx.ts';
import { checkedOnnxFile } from './onnx-guard.ts';

const newFolder = await temporaryFolders();

describe('a file is refused', () => {
  it('that is none, is empty or ends early', () => {
    refused(new Uint8Array(0), /expected an ONNX model/);
    refused(Uint8Array.of(1, 2, 3), /expected an ONNX model/);
    refused(new TextEncoder().encode('{"a": 1}'), /expected an ONNX model/);
    const network = pictureNetwork({});
    for (const share of [0.1, 0.5, 0.9]) refused(network.subarray(0, Math.floor(network.length * share)), /./);
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
      bytes(encodeVarint(8), Uint8Array.of(...new Array(9).fill(255), 1)),
      FLOAT,
      text(8, 'w'),
    );
    refused(model(PICTURE, RESULT, IDENTITY, negative), /at least 0/);
    refused(model(PICTURE, RESULT, IDENTITY, tensor(5, 'w', [1], whole(2, 8))), /numbers in tensor "w"/);
    refused(model(PICTURE, RESULT, IDENTITY, tensor(5, 'w', new Array(100).fill(1), FLOAT)), /dimensions/);
  });

  it('with inputs of absurd sizes', () => {
    refused(model(value(11, 'x', [1, 3, 1e6, 1e6]), RESULT, IDENTITY), /at most 268435456 values for the input/);
  });

  it('with operators of others, without end, or that reach beyond the file', () => {
    refused(
      model(PICTURE, RESULT, node('Evil', ['x'], 'y', text(7, 'com.evil'))),
      /custom operator "Evil" of "com.evil"/,
    );
    refused(model(PICTURE, RESULT, node('Loop', ['x'], 'y')), /the operator Loop/);
    refused(
      model(PICTURE, RESULT, node('BeamSearch', ['x'], 'y', text(7, 'com.microsoft'))),
      /the operator BeamSearch/,
    );
    refused(model(PICTURE, RESULT, node('EPContext', ['x'], 'y', text(7, 'com.microsoft'))), /outside of the file/);
    // One domain by two names.
    accepted(model(PICTURE, RESULT, node('Relu', ['x'], 'y', text(7, 'ai.onnx'))));
    refused(model(PICTURE, RESULT, node('Loop', ['x'], 'y', text(7, 'ai.onnx'))), /the operator Loop/);
  });

  it('with graphs that are nested without end', () => {
    let inner = bytes(IDENTITY);
    for (let depth = 0; depth < 40; depth++)
      inner = node('If', ['x'], 'y', message(5, text(1, 'then_branch'), message(6, inner)));
    refused(model(PICTURE, RESULT, inner), /nested more than 6 deep/);
  });

  it('with graphs where no operator has one', () => {
    refused(
      beside(list('s', 2), node('ConstantOfShape', ['s'], 'z', graphAttribute('__a', IDENTITY))),
      /graphs within If/,
    );
  });

  it('with two tensors of one name: one would get the data of the other', () => {
    refused(beside(list('s', 2), list('s', 3)), /each tensor once, received two with the name "s"/);
    const outside = (location: string) =>
      tensor(5, 'w', [1], FLOAT, message(13, text(1, 'location'), text(2, location)), whole(14, 1));
    refused(beside(outside('a.bin'), outside('b.bin')), /each tensor once, received two with the name "w"/);
  });

  it('with what the runtime reads otherwise: fields of another kind, or twice what can be there once', () => {
    const type = (...fields: readonly Bytes[]) =>
      model(PICTURE, RESULT, message(1, text(1, 'x'), text(2, 'y'), ...fields));
    accepted(type(text(4, 'Relu')));
    // The runtime skips the second one, and sees a loop.
    refused(type(text(4, 'Loop'), whole(4, 1)), /field 4 has the wire type 0/);
    refused(type(text(4, 'Loop'), bytes(encodeVarint(8 * 4 + 5), new Uint8Array(4))), /field 4 has the wire type 5/);
    refused(type(text(4, 'Relu'), wholeAttribute('a', 1), wholeAttribute('a', 2)), /two attributes "a"/);
    const part = tensor(5, '', [1], INT64, int64s(1));
    refused(type(text(4, 'Relu'), attribute('a', part, part)), /two tensors in one place/);
    refused(model(PICTURE, RESULT, IDENTITY, message(11, text(1, 'z'), message(2), message(2))), /two types/);
    refused(type(bytes(encodeField(4, Uint8Array.of(0xff)))), /field 4 is no text/);
    refused(type(text(4, 'R'.repeat(70_000))), /a name has 70000 bytes/);
  });

  it('with sparse tensors, and with parts without number', () => {
    refused(model(PICTURE, RESULT, IDENTITY, message(15)), /sparse/);
    const names = new Uint8Array(Buffer.concat(new Array<Bytes>(500_001).fill(message(1))));
    refused(model(PICTURE, message(1, names)), /more than 500000 parts/);
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

  it('are checked as what they are: sizes may be among them', async () => {
    const folder = await newFolder();
    const sizes = tensor(5, 's', [2], INT64, message(13, text(1, 'location'), text(2, 's.bin')), whole(14, 1));
    await writeFile(join(folder, 'x.onnx'), beside(sizes, node('ConstantOfShape', ['s'], 'z')));
    const stored = (...values: readonly bigint[]) =>
      writeFile(join(folder, 's.bin'), new Uint8Array(BigInt64Array.from(values).buffer));
    await stored(8n, 8n);
    expect((await readOnnxModel(join(folder, 'x.onnx'))).file.graph.nodes).toHaveLength(2);
    await stored(100_000n, 100_000n);
    await expect(readOnnxModel(join(folder, 'x.onnx'))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/"z" from ConstantOfShape, received 10000000000$/),
    });
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
    // Reading it would wait for whoever writes to it.
    ['pipe.bin', {}, /beside the model/],
    ['.', {}, /beside the model/],
    ['folder', {}, /beside the model/],
    ['near.bin', { offset: '8' }, /20 bytes in the file/],
    ['near.bin', { offset: '-4' }, /whole number for the offset/],
    ['near.bin', { offset: '1e3' }, /whole number for the offset/],
    ['near.bin', { length: '400000000000' }, /12 bytes for tensor/],
  ] as const)('are refused at %j %j', async (location, place, words) => {
    const folder = await newFolder();
    await writeFile(join(folder, 'secret.bin'), new Uint8Array(64));
    const models = join(folder, 'models');
    await mkdir(models);
    await mkdir(join(models, 'folder'));
    execFileSync('mkfifo', [join(models, 'pipe.bin')]);
    await symlink(join(folder, 'secret.bin'), join(models, 'link.bin'));
    await writeFile(join(models, 'near.bin'), new Uint8Array(16));
    await writeFile(join(models, 'x.onnx'), scaled(external(location, place)));
    await expect(readOnnxModel(join(models, 'x.onnx'))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(words),
    });
  });

  it('may be linked together with the model, as a cache of downloads does', async () => {
    const folder = await newFolder();
    const [blobs, shown] = [join(folder, 'blobs'), join(folder, 'shown')];
    await mkdir(blobs);
    await mkdir(shown);
    await writeFile(join(blobs, '1'), scaled(external('near.bin')));
    await writeFile(join(blobs, '2'), new Uint8Array(12));
    await symlink(join(blobs, '1'), join(shown, 'x.onnx'));
    await symlink(join(blobs, '2'), join(shown, 'near.bin'));
    expect((await readOnnxModel(join(shown, 'x.onnx'))).reading.channels).toBe('rgb');
  });
});
