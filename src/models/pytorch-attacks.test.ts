/**
 * PyTorch files that no program writes: short ones that unfold into gigabytes, or into texts without end. Each is put
 * together by hand, in the format before 1.6, and has to be refused at once.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import {
  bytesOf,
  type Code,
  global,
  int32,
  integer,
  keep,
  pickle,
  recall,
  storage,
  tensor,
  text,
  tuple,
  zip,
} from '../../test/support/pytorch-file.ts';
import { readPytorchFile } from './pytorch-file.ts';

const folder = await temporaryFolder();

const MAGIC = Buffer.from('6cfc9c46f9206aa85019', 'hex');
/** The parts of a file: magic number, protocol, machine, object, keys of storages; then each storage's length and bytes. */
const legacy = (object: Buffer, keys: Buffer, ...storages: Code): Buffer =>
  bytesOf([pickle(0x8a, 10, MAGIC), pickle('M', 0xe9, 3), pickle('}'), object, keys, ...storages]);

const ELEMENTS = 4096;
const first = storage('0', ELEMENTS);
const data = bytesOf([int32(ELEMENTS), int32(0), Buffer.alloc(4 * ELEMENTS)]);
const keys = pickle(']', text('0'), 'a');

async function refusal(bytes: Buffer): Promise<string> {
  const path = join(folder, 'attack.pt');
  await writeFile(path, bytes);
  const error: unknown = await readPytorchFile(path).then(
    () => new Error('it was read'),
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'MODEL_INVALID' });
  return (error as Error).message;
}

/** A list that holds a list twice, that holds a list twice, and so on: as text 2^40 letters. */
const laughs = bytesOf([
  ...[']', text('ha'), 'a', keep(0), '0'],
  ...Array.from({ length: 40 }, (_, i) => bytesOf([']', recall(i), 'a', recall(i), 'a', keep(i + 1), '0'])),
  recall(40),
]);

describe('a file of a few kilobytes', () => {
  it('is read, where it is what it says', async () => {
    const path = join(folder, 'honest.pt');
    await writeFile(path, legacy(pickle('}', text('w'), tensor(first, [integer(2)], [integer(1)]), 's'), keys, data));
    expect([...(await readPytorchFile(path))]).toEqual([
      ['w', { dtype: 'float32', shape: [2], data: Float32Array.of(0, 0) }],
    ]);
  });

  it('cannot name something by a list that is an endless text', async () => {
    expect(await refusal(legacy(pickle(laughs, text('x'), 0x93), keys, data))).toContain('names something by no text');
  });

  it('cannot have such a list as the key of a dictionary or of a storage', async () => {
    expect(await refusal(legacy(pickle('}', laughs, text('x'), 's'), pickle(']')))).toContain('expected tensors');
    const object = pickle('}', text('w'), tensor(first, [integer(2)], [integer(1)]), 's');
    expect(await refusal(legacy(object, pickle(']', laughs, 'a'), data))).toContain('keys of storages as texts');
  });

  it('cannot copy a long mapping into thousands of others', async () => {
    const long = bytesOf([
      '}',
      keep(0),
      '(',
      ...Array.from({ length: 500 }, (_, i) => bytesOf([integer(i), 'N'])),
      'u',
    ]);
    const copies = Array.from({ length: 5000 }, () => bytesOf(['}', recall(0), 'b']));
    expect(await refusal(legacy(pickle(long, ...copies), keys, data))).toContain('copies more entries');
    const pairs = bytesOf([']', keep(0), '(', ...Array.from({ length: 500 }, (_, i) => tuple(integer(i), 'N')), 'e']);
    const made = Array.from({ length: 500 }, () =>
      bytesOf([global('collections', 'OrderedDict'), recall(0), 0x85, 'R']),
    );
    expect(await refusal(legacy(pickle(pairs, ...made), keys, data))).toContain('copies more entries');
  });

  it('cannot switch the limit on values off by a size that is no number', async () => {
    const sizes = [...Array.from({ length: 40 }, () => integer(2 ** 31 - 1)), integer(0)];
    const object = pickle('}', text('w'), tensor(first, sizes, sizes), 's');
    expect(await refusal(legacy(object, keys, data))).toContain('a tensor of a size that can be');
  });

  it('cannot unfold one storage once for each element type', async () => {
    const types = ['int8', 'uint8', 'bool', 'int16', 'float16', 'bfloat16', 'float64', 'int64', 'int32', 'float32'];
    const items = types.flatMap((type) => [
      text(type),
      tensor(first, [integer(1)], [integer(1)], global('torch', type)),
    ]);
    expect(await refusal(legacy(pickle('}', '(', ...items, 'u'), keys, data))).toContain('more values up to tensor');
  });

  it('cannot hide modules in modules without end', async () => {
    const nested = Array.from({ length: 20_000 }, () => bytesOf(['}', text('m')]));
    const module = bytesOf([global('__torch__', 'M'), ')', 'R', ...nested, 'N', ...nested.map(() => 's'), 'b']);
    const script = { name: 'a/code/a.py', bytes: Buffer.from('pass') };
    const entries = [{ name: 'a/data.pkl', bytes: pickle(module) }, script];
    expect(await refusal(zip(entries))).toContain('expected tensors');
  });

  it('cannot have the same bytes as thousands of storages', async () => {
    const bytes = Buffer.alloc(4 * ELEMENTS);
    const names = Array.from({ length: 200 }, (_, i) => `${i}`);
    const items = names.flatMap((name) => [text(name), tensor(storage(name, ELEMENTS), [integer(1)], [integer(1)])]);
    const [own = '', ...others] = names;
    // The first entry is the storage's; the others are said to lie there, too.
    const entries = [
      { name: `a/data/${own}`, bytes },
      ...others.map((name) => ({ name: `a/data/${name}`, bytes, at: 0 })),
      { name: 'a/data.pkl', bytes: pickle('}', '(', ...items, 'u') },
    ];
    expect(await refusal(zip(entries))).toContain('more values up to tensor');
  });

  it('cannot point to bytes that no file has', async () => {
    const honest = zip([{ name: 'a/data.pkl', bytes: pickle('}') }]);
    const end = honest.lastIndexOf('PK\u0005\u0006', undefined, 'latin1');
    // The record of large archives says where the list of entries is, in 64 bits.
    const locator = Buffer.alloc(20);
    locator.write('PK\u0006\u0007', 0, 'latin1');
    locator.writeBigUInt64LE(2n ** 56n, 8);
    const bytes = Buffer.concat([honest.subarray(0, end), locator, honest.subarray(end)]);
    expect(await refusal(bytes)).toContain('expected an undamaged zip file, received it points to bytes');
  });
});
