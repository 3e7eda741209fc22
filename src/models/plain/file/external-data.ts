/**
 * ONNX models whose weights lie in a file beside them, as one file.
 *
 * PyTorch's exporter writes large networks like this. The runtime would read any file that a model names; here it has to lie
 * in the model's own folder, and has to be as long as the model says.
 *
 * @module
 */
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { type Fail, quoted, refusing } from '../refusal.ts';
import { ELEMENT_BITS, type OnnxTensor } from './tensor.ts';
import { encodeField, fieldsOf } from './wire.ts';

/** Bytes of a model in all: the most that the format can hold in one file. */
const MOST_BYTES = 2 ** 31 - 1;

const WHOLE = /^\d{1,15}$/;

interface Part {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** The model with all its weights in it; the bytes themselves where they are. Errors: MODEL_INVALID. */
export async function withExternalData(
  bytes: Uint8Array,
  tensors: readonly OnnxTensor[],
  path: string,
  source: string,
): Promise<Uint8Array> {
  const outside = tensors.filter(({ external }) => external !== undefined);
  if (outside.length === 0) return bytes;
  const fail: Fail = refusing(source, FIX);
  const parts = new Map<string, Part>();
  let total = bytes.length;
  // Links are followed first, so that none leads out. A cache of downloads may link the model and its weights to one folder elsewhere.
  const folder = await realpath(dirname(path));
  const folders = [folder, dirname(await realpath(path))];
  for (const tensor of outside) {
    const part = await partOf(tensor, folder, folders, fail);
    total += part.length;
    if (total > MOST_BYTES) fail(`at most ${MOST_BYTES} bytes of weights`, `${total}`);
    parts.set(tensor.name, part);
  }
  const data = new Map<string, Uint8Array>();
  for (const [name, part] of parts) data.set(name, await readPart(part, name, fail));
  return withGraph(bytes, data);
}

const FIX = 'Put the file of weights that the exporter wrote beside the model, under its own name.';

/** Where a tensor's data lies: in the model's `folder`, and after all links within one of `folders`. */
async function partOf(
  { name, shape, elementType, external = {} }: OnnxTensor,
  folder: string,
  folders: readonly string[],
  fail: Fail,
): Promise<Part> {
  const { location = '', offset = '0', length } = external;
  const label = quoted(location);
  const parts = location.split(/[\\/]/);
  const leaves = location === '' || /^[\\/]|^[a-z]:|\0/i.test(location) || parts.includes('..');
  if (leaves) fail('weights in the folder of the model', label);
  const size = Math.ceil((shape.reduce((product, side) => product * side, 1) * (ELEMENT_BITS[elementType] ?? 8)) / 8);
  if (!WHOLE.test(offset)) fail(`a whole number for the offset of tensor ${quoted(name)}`, quoted(offset));
  if (!(size <= MOST_BYTES) || (length !== undefined && Number(length) !== size)) {
    fail(`${size} bytes for tensor ${quoted(name)}`, length === undefined ? `${size}` : quoted(length));
  }
  let real: string;
  try {
    real = await realpath(join(folder, ...parts));
    // Opening a pipe would wait for whoever writes to it.
    if (!(await stat(real)).isFile()) throw new TypeError('no file');
  } catch {
    return fail('weights beside the model', `none at ${label}`);
  }
  const within = (parent: string) => real.startsWith(parent.endsWith(sep) ? parent : parent + sep);
  if (!folders.some(within)) {
    fail(
      'weights in the folder of the model',
      `a link out of it, ${label}`,
      'Put a copy of the file in place of the link.',
    );
  }
  return { path: real, offset: Number(offset), length: size };
}

async function readPart({ path, offset, length }: Part, name: string, fail: Fail): Promise<Uint8Array> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    return fail(`a file that can be read for tensor ${quoted(name)}`, error instanceof Error ? error.message : 'none');
  }
  try {
    const { size } = await file.stat();
    if (offset + length > size) {
      fail(`${offset + length} bytes in the file of tensor ${quoted(name)}`, `${size}`);
    }
    const bytes = new Uint8Array(length);
    let read = 0;
    while (read < length) {
      const { bytesRead } = await file.read(bytes, read, length - read, offset + read);
      if (bytesRead === 0) fail(`${length} bytes for tensor ${quoted(name)}`, `${read}`);
      read += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

const FIELD = { graph: 7, initialiser: 5, name: 8, raw: 9, external: 13, location: 14 } as const;

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const part of parts) {
    all.set(part, place);
    place += part.length;
  }
  return all;
}

/** The message with some of its fields written anew. */
function rewritten(
  message: Uint8Array,
  number: number,
  change: (bytes: Uint8Array) => readonly Uint8Array[] | undefined,
): Uint8Array[] {
  return [...fieldsOf(message)].flatMap((field) => {
    const changed = field.number === number ? change(field.bytes) : undefined;
    return changed ?? [message.subarray(field.start, field.end)];
  });
}

const withGraph = (model: Uint8Array, data: ReadonlyMap<string, Uint8Array>): Uint8Array =>
  joined(
    rewritten(model, FIELD.graph, (graph) =>
      encodeField(FIELD.graph, joined(rewritten(graph, FIELD.initialiser, (tensor) => withRaw(tensor, data)))),
    ),
  );

function withRaw(tensor: Uint8Array, data: ReadonlyMap<string, Uint8Array>): readonly Uint8Array[] | undefined {
  const fields = [...fieldsOf(tensor)];
  if (!fields.some(({ number }) => number === FIELD.external)) return undefined;
  const name = fields.findLast(({ number }) => number === FIELD.name);
  const raw = data.get(new TextDecoder().decode(name?.bytes ?? new Uint8Array(0)));
  if (raw === undefined) return undefined;
  const outside: readonly number[] = [FIELD.external, FIELD.location, FIELD.raw];
  const kept = fields
    .filter(({ number }) => !outside.includes(number))
    .map(({ start, end }) => tensor.subarray(start, end));
  return encodeField(FIELD.initialiser, joined([...kept, ...encodeField(FIELD.raw, raw)]));
}
