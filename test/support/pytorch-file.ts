/**
 * PyTorch files put together by hand: the opcodes of a pickle, and the zip file around it.
 */
import type { NamedTensors } from '../../src/models/named-tensor.ts';

/** Parts of a pickle: opcodes as numbers or letters, and what was put together already. */
export type Code = readonly (number | string | Buffer)[];

export const bytesOf = (code: Code): Buffer =>
  Buffer.concat(code.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part as Buffer))));

export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

// Opcodes: CPython's Lib/pickletools.py.
export const text = (value: string): Buffer => bytesOf(['X', int32(value.length), value]);
export const integer = (value: number): Buffer => bytesOf(['J', int32(value)]);
export const global = (module: string, name: string): Buffer => bytesOf(['c', module, '\n', name, '\n']);
export const tuple = (...items: Code): Buffer => bytesOf(['(', ...items, 't']);
export const keep = (place: number): Buffer => bytesOf(['r', int32(place)]);
export const recall = (place: number): Buffer => bytesOf(['j', int32(place)]);
export const pickle = (...code: Code): Buffer => bytesOf([0x80, 2, ...code, '.']);

/** A reference to float32 values that lie elsewhere in the file. */
export const storage = (key: string, count: number): Buffer =>
  bytesOf([tuple(text('storage'), global('torch', 'FloatStorage'), text(key), text('cpu'), integer(count)), 'Q']);

/** A tensor on a storage, from its first value on. */
export const tensor = (on: Buffer, sizes: Code, strides: Code, ...dtype: Code): Buffer =>
  bytesOf([
    global('torch._utils', dtype.length > 0 ? '_rebuild_tensor_v3' : '_rebuild_tensor_v2'),
    tuple(on, integer(0), tuple(...sizes), tuple(...strides), 0x89, 'N', ...dtype),
    'R',
  ]);

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Buffer;
  /** Where its bytes are said to lie, instead of behind those of the entry before. */
  readonly at?: number;
}

/** Stored entries and their directory (PKWARE's APPNOTE, 4.3), without checksums. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const common = ({ name, bytes }: ZipEntry): Buffer => {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(bytes.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    return fields;
  };
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let place = 0;
  for (const entry of entries) {
    const at = entry.at ?? place;
    const offset = Buffer.alloc(14);
    offset.writeUInt32LE(at, 10);
    directory.push(bytesOf(['PK\x01\x02', 20, 0, common(entry), offset, entry.name]));
    if (entry.at !== undefined) continue;
    const file = bytesOf(['PK\x03\x04', common(entry), entry.name, entry.bytes]);
    files.push(file);
    place += file.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(place, 12);
  return bytesOf([...files, listed, 'PK\x05\x06', end]);
}

/** A file such as `torch.save({"epoch": 1, "state_dict": tensors})` writes. */
export function pytorchCheckpoint(tensors: NamedTensors): Buffer {
  const items = [...tensors].flatMap(([name, { shape, data }], i) => {
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, d) => product * d, 1));
    return [text(name), tensor(storage(`${i}`, data.length), shape.map(integer), strides.map(integer))];
  });
  const state = bytesOf([global('collections', 'OrderedDict'), ')', 'R', '(', ...items, 'u']);
  const object = pickle('}', '(', text('epoch'), integer(1), text('state_dict'), state, 'u');
  const values = [...tensors.values()].map(({ data }, i) => ({
    name: `archive/data/${i}`,
    bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  }));
  return zip([{ name: 'archive/data.pkl', bytes: object }, ...values]);
}
