/**
 * Tensors out of PyTorch's files: the zip format (since 1.6), the format before it, and TorchScript archives.
 *
 * The pickle in them is read by rules that know a handful of names and execute nothing; a file that asks for any other
 * (`os.system`, a class of the trainer's own) is refused by that name.
 *
 * @module
 */
import { open, readFile } from 'node:fs/promises';
import { ClearwordError } from '../errors.ts';
import { type ElementType, isElementType } from './element-types.ts';
import { PickleError, type PickleMapping, type PickleRules, PickleTuple, readPickle } from './pickle.ts';
import { type FoundTensor, storageTypes, TensorReader } from './pytorch-tensor.ts';
import { openZipArchive, type ZipArchive } from './zip-archive.ts';

export interface PytorchTensor {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** Row-major, as float32. Tensors that share storage share memory: treat it as read-only. */
  readonly data: Float32Array;
}

/** Bytes of a storage by its key, of at least the given length. */
type Storages = (key: string, bytes: number) => Promise<Buffer>;

type Fail = (expected: string, received: string) => never;

/** Functions that PyTorch writes into state dicts, as functions of their arguments. */
const REBUILT = new Set([
  'torch._utils._rebuild_tensor',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_tensor_v3',
]);
const PASSED_ON = new Set([
  'torch._utils._rebuild_parameter',
  'torch.nn.parameter.Parameter',
  'torch.Size',
  'torch.jit._pickle.build_intlist',
  'torch.jit._pickle.build_tensorlist',
  'torch.jit._pickle.build_doublelist',
  'torch.jit._pickle.build_boollist',
]);
const MAPPINGS = new Set(['collections.OrderedDict', 'builtins.dict', '__builtin__.dict']);
const SCRIPTED = '__torch__.';

function rulesFor(reader: TensorReader, fail: Fail): PickleRules {
  return {
    accept(name) {
      const dtype = name.startsWith('torch.') && isElementType(name.slice(6));
      const known = REBUILT.has(name) || PASSED_ON.has(name) || MAPPINGS.has(name) || storageTypes.has(name) || dtype;
      // Classes of a TorchScript archive are modules: only their attributes are read, their code is not.
      if (!known && !name.startsWith(SCRIPTED)) {
        fail('a state dict of tensors', `a pickle that asks for ${name}; it was not executed`);
      }
    },
    call(name, args) {
      if (REBUILT.has(name)) return reader.rebuild(args);
      if (MAPPINGS.has(name)) return mappingOf(args[0]);
      if (name.startsWith(SCRIPTED)) return new Map();
      if (PASSED_ON.has(name)) return args[0];
      return fail('a state dict of tensors', `a pickle that calls ${name}; it was not executed`);
    },
    persistent: (id) => reader.storage(id instanceof PickleTuple ? id.items : []),
  };
}

/** An OrderedDict may come with its items as a list of pairs. */
function mappingOf(items: unknown): PickleMapping {
  if (!Array.isArray(items)) return new Map();
  const pairs = items.map((pair) => (pair instanceof PickleTuple ? pair.items : pair)) as unknown[][];
  return new Map(pairs.map(([key, value]) => [key, value]));
}

function unpickle(data: Buffer, start: number, rules: PickleRules, fail: Fail): { value: unknown; end: number } {
  try {
    return readPickle(data, start, rules);
  } catch (error) {
    if (error instanceof PickleError) return fail('a PyTorch file', `a pickle that cannot be read: ${error.message}`);
    throw error;
  }
}

/** Where checkpoints keep the state dict that their model is used with. */
const WRAPPERS = ['params_ema', 'state_dict', 'model_state_dict', 'params', 'model', 'network', 'net'];

/** Modules within modules that are looked into. */
const DEEPEST = 64;

/** Named tensors of a mapping; nested mappings (TorchScript modules) become dotted names. */
function tensorsIn(mapping: PickleMapping, nested: boolean): Map<string, FoundTensor> {
  const found = new Map<string, FoundTensor>();
  const seen = new Set<PickleMapping>();
  const visit = (part: PickleMapping, prefix: string, depth: number): void => {
    if (seen.has(part) || depth > DEEPEST) return;
    seen.add(part);
    for (const [key, value] of part) {
      if (typeof key !== 'string') continue;
      if (TensorReader.isTensor(value)) found.set(prefix + key, value);
      else if (nested && value instanceof Map) visit(value, `${prefix}${key}.`, depth + 1);
    }
  };
  visit(mapping, '', 0);
  return found;
}

/** The state dict: the file's own mapping, or the one of a checkpoint that also keeps epoch, optimiser and the like. */
function stateDict(value: unknown, scripted: boolean, fail: Fail): Map<string, FoundTensor> {
  if (!(value instanceof Map)) return fail('a state dict of tensors', 'a pickle of something else');
  const own = tensorsIn(value, scripted);
  if (own.size > 0) return own;
  const parts = [...value].flatMap(([key, part]) => {
    const tensors = part instanceof Map ? tensorsIn(part, false) : new Map<string, FoundTensor>();
    return tensors.size > 0 && typeof key === 'string' ? [{ key, tensors }] : [];
  });
  const named = WRAPPERS.flatMap((wrapper) => parts.filter(({ key }) => key === wrapper));
  const chosen = named[0] ?? (parts.length === 1 ? parts[0] : undefined);
  if (chosen) return chosen.tensors;
  const keys = [...value.keys()].filter((key) => typeof key === 'string').join(', ') || 'nothing';
  return fail(`tensors, or a state dict under one of ${WRAPPERS.join(', ')}`, `a file with ${keys}`);
}

async function readZip(archive: ZipArchive, size: number, fail: Fail): Promise<Map<string, PytorchTensor>> {
  const pickles = archive.names.filter((name) => /(^|\/)data\.pkl$/.test(name));
  const [name] = pickles;
  if (name === undefined || pickles.length > 1)
    return fail('a zip file with one data.pkl', `${pickles.length} of them`);
  const root = name.slice(0, -'data.pkl'.length);
  if (archive.names.includes(`${root}byteorder`)) {
    const order = (await archive.read(`${root}byteorder`)).toString('utf8').trim();
    if (order !== 'little') fail('little-endian tensors', order);
  }
  const reader = new TensorReader(size, fail);
  const { value } = unpickle(await archive.read(name), 0, rulesFor(reader, fail), fail);
  const scripted = archive.names.some((entry) => entry.startsWith(`${root}code/`));
  const storages: Storages = (key) => archive.read(`${root}data/${key}`);
  return load(stateDict(value, scripted, fail), reader, storages);
}

/** The first pickle of the format before 1.6. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;

/** Magic number, protocol, description of the machine, the object, the keys of the storages, and then their bytes. */
async function readLegacy(bytes: Buffer, fail: Fail): Promise<Map<string, PytorchTensor>> {
  const reader = new TensorReader(bytes.length, fail);
  const rules = rulesFor(reader, fail);
  const magic = unpickle(bytes, 0, rules, fail);
  if (magic.value !== LEGACY_MAGIC) fail('a PyTorch file', 'a pickle of another program');
  const protocol = unpickle(bytes, magic.end, rules, fail);
  const machine = unpickle(bytes, protocol.end, rules, fail);
  if (machine.value instanceof Map && machine.value.get('little_endian') === false)
    fail('little-endian tensors', 'big-endian ones');
  const object = unpickle(bytes, machine.end, rules, fail);
  const keys = unpickle(bytes, object.end, rules, fail);
  const places = new Map<string, Buffer>();
  let position = keys.end;
  for (const key of (Array.isArray(keys.value) ? keys.value : []) as unknown[]) {
    if (typeof key !== 'string') return fail('keys of storages as texts', typeof key);
    // Eight bytes with the number of elements, then the elements.
    const length = reader.bytesOf(key);
    if (position + 8 + length > bytes.length) fail(`${length} bytes for storage ${key}`, 'a file that is cut short');
    places.set(key, bytes.subarray(position + 8, position + 8 + length));
    position += 8 + length;
  }
  const storages: Storages = async (key) => places.get(key) ?? fail(`storage ${key}`, 'a file without it');
  return load(stateDict(object.value, false, fail), reader, storages);
}

async function load(
  found: ReadonlyMap<string, FoundTensor>,
  reader: TensorReader,
  storages: Storages,
): Promise<Map<string, PytorchTensor>> {
  const tensors = new Map<string, PytorchTensor>();
  for (const [name, tensor] of found) {
    const { dtype, shape } = tensor;
    tensors.set(name, { dtype, shape, data: await reader.values(name, tensor, storages) });
  }
  return tensors;
}

const ZIP_MAGIC = 'PK\u0003\u0004';
/** Files of the old format are read whole; longer ones than this do not fit in one buffer. */
const LONGEST_LEGACY = 2 ** 31;

/**
 * Reads the tensors of a PyTorch file: of a state dict, of the state dict inside a checkpoint (`state_dict`, `params_ema`,
 * ...), or of a TorchScript module. All element types become float32 (64-bit integers beyond 2^24 lose digits).
 *
 * @throws ClearwordError MODEL_NOT_FOUND, or MODEL_INVALID if it is damaged or asks for anything but tensors
 */
export async function readPytorchFile(path: string): Promise<Map<string, PytorchTensor>> {
  const fail: Fail = (expected, received) => {
    throw new ClearwordError('MODEL_INVALID', `model ${path}: expected ${expected}, received ${received}`);
  };
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new ClearwordError('MODEL_NOT_FOUND', `model ${path}: expected a readable file, found none`, { cause });
  });
  let size: number;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) fail('a PyTorch file', 'a folder or device');
    size = stat.size;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.toString('latin1', 0, bytesRead) !== ZIP_MAGIC) {
      if (size > LONGEST_LEGACY) fail(`at most ${LONGEST_LEGACY} bytes in PyTorch's old format`, `${size}`);
      return await readLegacy(await readFile(path), fail);
    }
  } finally {
    await file.close();
  }
  const archive = await openZipArchive(path, fail);
  try {
    return await readZip(archive, size, fail);
  } finally {
    archive.close();
  }
}
