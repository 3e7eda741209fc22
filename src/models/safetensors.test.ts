import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClearwordError } from '../errors.ts';
import {
  loadFloats,
  readSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  storeFloat16,
  storeFloat32,
  writeSafetensors,
} from './safetensors.ts';

const write = (file: SafetensorsFile): Uint8Array => Buffer.concat(writeSafetensors(file));

/** A file with any header, fitting or not. */
function withHeader(header: unknown, data = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

const bits = (half: number): StoredTensor => ({
  dtype: 'F16',
  shape: [1],
  bytes: new Uint8Array(Uint16Array.of(half).buffer),
});
const halfOf = (value: number): number => {
  const { bytes } = storeFloat16(Float32Array.of(value), [1]);
  return (bytes[0] as number) | ((bytes[1] as number) << 8);
};
const decode = (half: number): number => loadFloats(bits(half))[0] as number;

describe('writing and reading', () => {
  const names = fc.stringMatching(/^[a-z][a-z0-9_.]{0,20}$/);
  const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
  const tensors = fc.dictionary(names, fc.tuple(shapes, fc.float({ noNaN: true }))).map(
    (entries) =>
      new Map(
        Object.entries(entries).map(([name, [shape, value]]) => {
          const size = shape.reduce((product, d) => product * d, 1);
          return [
            name,
            storeFloat32(
              Float32Array.from({ length: size }, (_, k) => value * k),
              shape,
            ),
          ];
        }),
      ),
  );
  const metadata = fc.dictionary(names, fc.string({ unit: 'binary' }));

  it('gives back every tensor and every word', () => {
    fc.assert(
      fc.property(tensors, metadata, (stored, words) => {
        const read = readSafetensors(write({ tensors: stored, metadata: words }), 'file');
        expect(read.metadata).toEqual(words);
        expect([...read.tensors.keys()].sort()).toEqual([...stored.keys()].sort());
        for (const [name, { shape, dtype, bytes }] of stored) {
          const found = read.tensors.get(name);
          expect(found).toMatchObject({ shape, dtype });
          expect(Buffer.compare(found?.bytes ?? Buffer.of(1, 2, 3), bytes)).toBe(0);
        }
      }),
    );
  });

  it('aligns the data to 8 bytes, as the format wants', () => {
    for (const word of ['', 'a', 'ab', 'abcdefg']) {
      const [length] = writeSafetensors({ tensors: new Map(), metadata: { word } });
      expect(Number(Buffer.from(length as Uint8Array).readBigUInt64LE()) % 8).toBe(0);
    }
  });

  it('reads what another writer laid out: any order, spaces, an offset of the bytes', () => {
    const values = Float32Array.of(1, -2, 3);
    const header = {
      second: { shape: [2], dtype: 'F32', data_offsets: [4, 12] },
      first: { shape: [], dtype: 'F32', data_offsets: [0, 4] },
    };
    const file = withHeader(`${JSON.stringify(header, null, 1)}   `, new Uint8Array(values.buffer));
    // An odd offset: the values are not aligned for a typed array.
    const inside = Buffer.concat([Buffer.of(0), file]).subarray(1);
    const { tensors: found, metadata: words } = readSafetensors(inside, 'file');
    expect(words).toEqual({});
    expect([...loadFloats(found.get('first') as StoredTensor)]).toEqual([1]);
    expect([...loadFloats(found.get('second') as StoredTensor)]).toEqual([-2, 3]);
  });
});

describe('half precision', () => {
  const ULP = 2 ** -24;
  const table: readonly (readonly [string, number, number])[] = [
    ['zero', 0, 0x0000],
    ['negative zero', -0, 0x8000],
    ['one', 1, 0x3c00],
    ['minus two', -2, 0xc000],
    ['a third', Math.fround(1 / 3), 0x3555],
    ['the smallest normal', 2 ** -14, 0x0400],
    ['the largest', 65504, 0x7bff],
    ['just below where rounding reaches infinity', Math.fround(65519.99), 0x7bff],
    ['halfway to infinity', 65520, 0x7c00],
    ['far beyond', 1e10, 0x7c00],
    ['infinity', Number.POSITIVE_INFINITY, 0x7c00],
    ['minus infinity', Number.NEGATIVE_INFINITY, 0xfc00],
    ['not a number', Number.NaN, 0x7e00],
    ['a tie, down to even', 1 + 2 ** -11, 0x3c00],
    ['a tie, up to even', 1 + 3 * 2 ** -11, 0x3c02],
    ['just above a tie', 1 + 2 ** -11 + 2 ** -23, 0x3c01],
    ['just below a tie', 1 + 3 * 2 ** -11 - 2 ** -23, 0x3c01],
    ['a carry into the exponent', Math.fround(2 - 2 ** -12), 0x4000],
    ['the smallest subnormal', ULP, 0x0001],
    ['the largest subnormal', 1023 * ULP, 0x03ff],
    ['a subnormal tie, up to even', 1.5 * ULP, 0x0002],
    ['a subnormal tie, down to even', 2.5 * ULP, 0x0002],
    ['a tie between subnormal and normal', 1023.5 * ULP, 0x0400],
    ['halfway to the smallest, to even: zero', 0.5 * ULP, 0x0000],
    ['just above halfway to the smallest', Math.fround(0.5 * ULP * (1 + 2 ** -20)), 0x0001],
    ['below halfway', 0.25 * ULP, 0x0000],
    ['a negative subnormal', -3 * ULP, 0x8003],
    ['a subnormal of float32', 2 ** -140, 0x0000],
  ];
  it.each(table)('%s: %d', (_, value, expected) => {
    expect(halfOf(value).toString(16)).toBe(expected.toString(16));
  });

  it('every half comes back as it was', () => {
    for (let half = 0; half < 65536; half++) {
      const value = decode(half);
      // Of the many encodings of "not a number" one is written.
      if (Number.isNaN(value)) expect((half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0).toBe(true);
      else if (halfOf(value) !== half) expect.fail(`${half.toString(16)} came back as ${halfOf(value).toString(16)}`);
    }
  });

  it('takes the nearest half, of two equally near the even one', () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const half = halfOf(value);
        const error = Math.abs(decode(half) - value);
        for (const neighbour of [half - 1, half + 1]) {
          if ((neighbour & 0x7fff) > 0x7bff || (neighbour ^ half) & 0x8000) continue;
          const other = Math.abs(decode(neighbour) - value);
          expect(error < other || (error === other && (half & 1) === 0)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what is no safetensors file', () => {
  const tensor = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const eight = new Uint8Array(8);

  it.each<readonly [string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /expected a safetensors file, received 0 bytes/],
    ['a picture', Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1'), /no safetensors file, or cut short/],
    ['a header of nothing', withHeader('', eight), /expected a JSON object as safetensors header/],
    ['a header that is no JSON', withHeader('{"a":', eight), /expected a JSON object as safetensors header/],
    ['a header that is a list', withHeader([tensor], eight), /expected a JSON object as safetensors header/],
    ['a header that is null', withHeader('null', eight), /expected a JSON object as safetensors header/],
    [
      'an unknown element type',
      withHeader({ a: { ...tensor, dtype: 'BF16' } }, eight),
      /F32, F16 or I64 for tensor a, received BF16/,
    ],
    ['a tensor that is null', withHeader({ a: null }, eight), /for tensor a/],
    [
      'a negative dimension',
      withHeader({ a: { ...tensor, shape: [-2] } }, eight),
      /a shape and two offsets for tensor a/,
    ],
    [
      'a broken dimension',
      withHeader({ a: { ...tensor, shape: [1.5] } }, eight),
      /a shape and two offsets for tensor a/,
    ],
    ['one offset', withHeader({ a: { ...tensor, data_offsets: [8] } }, eight), /a shape and two offsets for tensor a/],
    [
      'offsets the wrong way round',
      withHeader({ a: { ...tensor, data_offsets: [8, 0] } }, eight),
      /expected 8 bytes for tensor a F32 \[2\], received -8/,
    ],
    [
      'too few bytes for the shape',
      withHeader({ a: { ...tensor, shape: [3] } }, eight),
      /expected 12 bytes for tensor a F32 \[3\], received 8/,
    ],
    [
      'a shape beyond all memory',
      withHeader({ a: { ...tensor, shape: [2 ** 52, 2 ** 52] } }, eight),
      /bytes for tensor a/,
    ],
    ['tensors that share bytes', withHeader({ a: tensor, b: tensor }, eight), /tensors of 8 bytes in all, received 16/],
    ['data cut short', withHeader({ a: tensor }, eight.subarray(1)), /received 7 \(the file is cut short\)/],
  ])('%s', (_, bytes, message) => {
    const read = () => readSafetensors(bytes, 'model.safetensors');
    expect(read).toThrow(message);
    expect(read).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(/^model\.safetensors: /) }),
    );
  });

  /** Either a file whose tensors lie within its bytes, or an error of the catalogue. */
  function expectSound(bytes: Uint8Array): void {
    let read: SafetensorsFile;
    try {
      read = readSafetensors(bytes, 'file', 'CHECKPOINT_INVALID');
    } catch (error) {
      expect(error).toBeInstanceOf(ClearwordError);
      expect(error).toMatchObject({ code: 'CHECKPOINT_INVALID' });
      return;
    }
    for (const { dtype, shape, bytes: data } of read.tensors.values()) {
      expect(data.byteLength).toBe(shape.reduce((product, d) => product * d, { F32: 4, F16: 2, I64: 8 }[dtype]));
    }
    for (const word of Object.values(read.metadata)) expect(typeof word).toBe('string');
  }

  it('any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), expectSound));
  });

  it('any JSON as header', () => {
    const data = fc.uint8Array({ maxLength: 16 });
    fc.assert(fc.property(fc.jsonValue(), data, (header, rest) => expectSound(withHeader(header, rest))));
  });

  it('headers that almost fit', () => {
    const number = fc.oneof(
      fc.integer({ min: -1, max: 20 }),
      fc.constantFrom(0.5, 2 ** 53, -(2 ** 40), 1e300, null, '4'),
    );
    const list = fc.oneof(fc.array(number, { maxLength: 3 }), fc.constantFrom<unknown[]>(null, 'a', {}));
    const entry = fc.record(
      { dtype: fc.constantFrom('F32', 'F16', 'I64', 'F64', 7, null), shape: list, data_offsets: list },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(fc.constantFrom('a', 'b', '__metadata__', '__proto__', 'constructor'), entry);
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 24 }), (value, rest) => expectSound(withHeader(value, rest))),
      { numRuns: 1000 },
    );
  });

  it('a whole file with any one byte changed, and cut anywhere', () => {
    const file = write({
      tensors: new Map([
        ['a', storeFloat32(Float32Array.of(1, 2), [2])],
        ['b', storeFloat16(Float32Array.of(1, 2, 3), [3, 1])],
      ]),
      metadata: { step: '12' },
    });
    for (let place = 0; place < file.length; place++) {
      expectSound(file.subarray(0, place));
      for (const flip of [0x01, 0x10, 0x80]) {
        const changed = Uint8Array.from(file);
        changed[place] = (changed[place] as number) ^ flip;
        expectSound(changed);
      }
    }
  });
});
