import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClearwordError } from '../errors.ts';
import { PickleError, readPickle } from './pickle.ts';
import { readPytorchFile } from './pytorch-file.ts';

/** Files written by PyTorch 1.13 with scripts/make-pytorch-fixtures.py. */
const file = (name: string) => fileURLToPath(new URL(`../../test/fixtures/pytorch/${name}.pt`, import.meta.url));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clearword-pytorch-'));
});
afterAll(() => rm(folder, { recursive: true }));

const grid = Array.from({ length: 24 }, (_, i) => i / 8);
const transposed = Array.from({ length: 24 }, (_, i) => grid[(i % 4) * 6 + Math.floor(i / 4)]);

/** What the script put into zip.pt and legacy.pt. */
const EXPECTED: Record<string, { dtype: string; shape: number[]; data: (number | undefined)[] }> = {
  float32: { dtype: 'float32', shape: [4, 6], data: grid },
  float64: { dtype: 'float64', shape: [6], data: grid.slice(0, 6) },
  float16: {
    dtype: 'float16',
    shape: [5],
    data: [0.0999755859375, -2.5, 65504, Math.fround(2 ** -24), Number.POSITIVE_INFINITY],
  },
  bfloat16: { dtype: 'bfloat16', shape: [3], data: [0.10009765625, -2.5, 1.765625 * 2 ** 127] },
  int64: { dtype: 'int64', shape: [2], data: [-3, 2 ** 40] },
  int32: { dtype: 'int32', shape: [2], data: [-3, 70000] },
  int16: { dtype: 'int16', shape: [2], data: [-3, 700] },
  int8: { dtype: 'int8', shape: [2], data: [-3, 7] },
  uint8: { dtype: 'uint8', shape: [2], data: [3, 250] },
  bool: { dtype: 'bool', shape: [2], data: [1, 0] },
  scalar: { dtype: 'float32', shape: [], data: [4.5] },
  empty: { dtype: 'float32', shape: [0, 3], data: [] },
  transposed: { dtype: 'float32', shape: [6, 4], data: transposed },
  strided: { dtype: 'float32', shape: [3, 3], data: [6, 8, 10, 12, 14, 16, 18, 20, 22].map((i) => i / 8) },
  head: { dtype: 'float32', shape: [4], data: [0, 1, 2, 3] },
  tail: { dtype: 'float32', shape: [4], data: [6, 7, 8, 9] },
  parameter: { dtype: 'float32', shape: [2, 2], data: [1, 1, 1, 1] },
};

describe('tensors are what PyTorch saved', () => {
  it.each(['zip', 'legacy'])('%s: every element type, strides, offsets, shared storage', async (name) => {
    const tensors = await readPytorchFile(file(name));
    const read = Object.fromEntries(
      [...tensors].map(([key, { dtype, shape, data }]) => [key, { dtype, shape, data: [...data] }]),
    );
    expect(read).toEqual(EXPECTED);
  });

  it('takes the state dict out of a checkpoint with an optimiser beside it', async () => {
    const tensors = await readPytorchFile(file('checkpoint'));
    expect([...tensors.keys()]).toEqual(['weight', 'bias']);
    expect(tensors.get('weight')?.shape).toEqual([1, 2]);
  });

  it('reads the parameters and buffers of a TorchScript archive, and none of its code', async () => {
    const tensors = await readPytorchFile(file('scripted'));
    expect(Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]))).toEqual({
      bias: [0.5],
      'inner.weight': [0, 1, 2],
      'inner.counts': [5, 6],
    });
  });
});

const refusal = async (path: string): Promise<ClearwordError> => {
  const error = await readPytorchFile(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ClearwordError)) throw new Error(`expected a refusal of ${path}, received ${String(error)}`);
  return error;
};

describe('what is not tensors is refused', () => {
  it.each([
    ['attack-zip', 'posix.system'],
    ['attack-pickle', 'posix.system'],
    ['attack-legacy', 'builtins.eval'],
    ['class', '__main__.Outer'],
  ])('%s: refused by the name %s, without effect', async (name, wanted) => {
    const error = await refusal(file(name));
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.message.replace('__builtin__', 'builtins')).toContain(wanted);
    // The files would have made this one.
    expect(existsSync('pwned')).toBe(false);
  });

  it('names a tensor that reaches beyond its storage', async () => {
    expect((await refusal(file('beyond'))).message).toContain('[2,3] at 1 with strides [3,1] of 6 values');
  });

  it('says that a file is missing, a folder, or something else', async () => {
    expect((await refusal(join(folder, 'none.pt'))).code).toBe('MODEL_NOT_FOUND');
    expect((await refusal(folder)).code).toBe('MODEL_INVALID');
    const text = join(folder, 'text.pt');
    await writeFile(text, 'no pickle at all');
    expect((await refusal(text)).code).toBe('MODEL_INVALID');
  });

  it('notices damage in the tensors of a zip file by its checksum', async () => {
    const bytes = await readFile(file('small'));
    const place = bytes.indexOf(Buffer.from(Float32Array.of(4).buffer));
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    const damaged = join(folder, 'damaged.pt');
    await writeFile(damaged, bytes);
    expect((await refusal(damaged)).message).toContain('checksum');
  });

  it.each(['zip', 'legacy', 'checkpoint', 'scripted'])(
    '%s with changed, missing or extra bytes: read or refused, nothing else',
    async (name) => {
      const whole = await readFile(file(name));
      const path = join(folder, `fuzz-${name}.pt`);
      const change = fc.oneof(
        fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255) }).map(({ at, value }) => {
          const bytes = Buffer.from(whole);
          bytes[at] = value;
          return bytes;
        }),
        fc.nat(whole.length).map((length) => whole.subarray(0, length)),
        fc
          .record({ at: fc.nat(whole.length), extra: fc.uint8Array({ minLength: 1, maxLength: 9 }) })
          .map(({ at, extra }) => Buffer.concat([whole.subarray(0, at), extra, whole.subarray(at)])),
      );
      await fc.assert(
        fc.asyncProperty(change, async (bytes) => {
          await writeFile(path, bytes);
          await readPytorchFile(path).catch((error: unknown) => {
            if (!(error instanceof ClearwordError)) throw error;
            expect(error.code).toBe('MODEL_INVALID');
          });
        }),
        { numRuns: 60 },
      );
    },
  );
});

it('a pickle of any bytes is read or refused', () => {
  const rules = {
    accept: () => undefined,
    call: () => new Map(),
    persistent: () => null,
  };
  // Mostly opcodes that are known, so that programs get far.
  const opcode = fc.constantFrom(
    ...Buffer.from('(01N})]tuesaRbQ.h\x00q\x00K\x07X\x01\x00\x00\x00ac.\n\x81\x85\x86\x87\x88\x89\x8a\x94', 'latin1'),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: opcode }, fc.nat(255)), { maxLength: 60 }), (program) => {
      try {
        readPickle(Buffer.from(program), 0, rules);
      } catch (error) {
        if (!(error instanceof PickleError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
