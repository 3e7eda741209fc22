/**
 * Every element type of the formats that other programs write; PyTorch's are in pytorch-file.test.ts.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { ModelProto } from '../graph/onnx/schema.ts';
import { toHalf } from './float-formats.ts';
import { readWeights } from './weights-file.ts';

const folder = await temporaryFolder();

/** Two values that each type holds exactly, and their bytes. */
const float16 = Uint16Array.of(toHalf(-1.5), toHalf(0.25));
const float32 = Float32Array.of(-1.5, 0.25);
const bfloat16 = Uint16Array.from(new Uint32Array(float32.buffer), (bits) => bits >>> 16);
const TYPES = [
  { name: 'float32', onnx: 1, safetensors: 'F32', array: float32, field: 'floatData' },
  { name: 'float64', onnx: 11, safetensors: 'F64', array: Float64Array.of(-1.5, 0.25), field: 'doubleData' },
  { name: 'float16', onnx: 10, safetensors: 'F16', array: float16, field: 'int32Data' },
  { name: 'bfloat16', onnx: 16, safetensors: 'BF16', array: bfloat16, field: 'int32Data' },
  { name: 'int64', onnx: 7, safetensors: 'I64', array: BigInt64Array.of(-3n, 2n), field: 'int64Data' },
  { name: 'int32', onnx: 6, safetensors: 'I32', array: Int32Array.of(-3, 2), field: 'int32Data' },
  { name: 'int16', onnx: 5, safetensors: 'I16', array: Int16Array.of(-3, 2), field: 'int32Data' },
  { name: 'int8', onnx: 3, safetensors: 'I8', array: Int8Array.of(-3, 2), field: 'int32Data' },
  { name: 'uint8', onnx: 2, safetensors: 'U8', array: Uint8Array.of(3, 2), field: 'int32Data' },
  { name: 'bool', onnx: 9, safetensors: 'BOOL', array: Uint8Array.of(1, 0), field: 'int32Data' },
] as const;

const isFloat = (name: string) => name.includes('float');
const expected = ({ name, array }: (typeof TYPES)[number]) =>
  isFloat(name) ? float32 : Float32Array.from(Array.from(array as ArrayLike<number | bigint>, Number));

const bytesOf = ({ buffer }: { readonly buffer: ArrayBufferLike }) => new Uint8Array(buffer);

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

function onnx(tensor: object): Uint8Array {
  const initializer = [{ name: 'layer.weight', dims: [2], ...tensor }];
  return ModelProto.encode(ModelProto.fromObject({ irVersion: 8, graph: { name: 'g', initializer } })).finish();
}

describe.each(TYPES)('values of type $name', (type) => {
  const wanted = { shape: [2], data: expected(type) };

  it('in safetensors', async () => {
    const data = bytesOf(type.array);
    const entry = { dtype: type.safetensors, shape: [2], data_offsets: [0, data.length] };
    const header = Buffer.from(JSON.stringify({ 'layer.weight': entry }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const path = await written(`${type.name}.safetensors`, Buffer.concat([length, header, data]));
    expect((await readWeights(path)).get('layer.weight')).toEqual(wanted);
  });

  it('in ONNX, as bytes and in the field of the type', async () => {
    const values = Array.from(type.array as ArrayLike<number | bigint>, Number);
    const forms = { raw: { rawData: bytesOf(type.array) }, field: { [type.field]: values } };
    for (const [form, fields] of Object.entries(forms)) {
      const path = await written(`${type.name}-${form}.onnx`, onnx({ dataType: type.onnx, ...fields }));
      expect((await readWeights(path)).get('layer.weight'), form).toEqual(wanted);
    }
  });
});

describe('ONNX is refused', () => {
  it.each([
    ['in a file of its own', { dataType: 1, dataLocation: 1 }, /tensor layer.weight in the file itself/],
    ['of an unknown type', { dataType: 8 }, /known element type for tensor layer.weight, received type 8/],
    ['without values', { dataType: 1 }, /2 values for tensor layer.weight \[2\], received 0/],
    ['cut short', { dataType: 1, rawData: new Uint8Array(4) }, /2 values for tensor layer.weight \[2\], received 1/],
    [
      'cut within a value',
      { dataType: 1, rawData: new Uint8Array(9) },
      /8 bytes for tensor layer.weight \[2\], received 9/,
    ],
  ])('with a tensor %s', async (_, tensor, message) => {
    await expect(readWeights(await written('refused.onnx', onnx(tensor)))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
