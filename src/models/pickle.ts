/**
 * Python's pickle format, read as data. Nothing is imported or called: a global is a name that the caller either knows or
 * the file is refused.
 *
 * Opcodes: CPython's Lib/pickletools.py, protocols 2 to 5 (PyTorch writes 2). The text opcodes of protocols 0 and 1 and those
 * that make arbitrary objects (INST, OBJ, EXT1..4, BUILD on anything but a mapping) are refused.
 *
 * @module
 */

/** A tuple, apart from a list. */
export class PickleTuple {
  readonly items: readonly unknown[];
  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** A name of a module and something in it, such as `collections.OrderedDict`. */
export class PickleGlobal {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Dictionaries and the attributes of objects. */
export type PickleMapping = Map<unknown, unknown>;

/** What the reader of a kind of file knows. All three throw for what they refuse. */
export interface PickleRules {
  /** Says whether a global may occur at all; asked when the name is read, before anything is done with it. */
  accept(name: string): void;
  /** The value of calling an accepted global: a plain function of its arguments. */
  call(name: string, args: readonly unknown[]): unknown;
  /** The value that a persistent id stands for. */
  persistent(id: unknown): unknown;
}

/** Why bytes are no pickle that this reader takes. */
export class PickleError extends Error {}

const MARK = Symbol('mark');

/** An entry that is copied takes at least a byte of the file. */
const MOST_COPIES_PER_BYTE = 1;

class Source {
  position: number;
  readonly bytes: Buffer;

  constructor(bytes: Buffer, start: number) {
    this.bytes = bytes;
    this.position = start;
  }

  take(length: number): Buffer {
    const end = this.position + length;
    if (!(length >= 0) || end > this.bytes.length) throw new PickleError('it ends too early');
    const part = this.bytes.subarray(this.position, end);
    this.position = end;
    return part;
  }

  byte = (): number => this.take(1).readUInt8();
  uint16 = (): number => this.take(2).readUInt16LE();
  uint32 = (): number => this.take(4).readUInt32LE();
  uint64 = (): number => Number(this.take(8).readBigUInt64LE());

  line(): string {
    const end = this.bytes.indexOf(10, this.position);
    if (end < 0) throw new PickleError('it ends too early');
    const text = this.bytes.toString('utf8', this.position, end);
    this.position = end + 1;
    return text;
  }

  text = (length: number): string => this.take(length).toString('utf8');

  /** Two's complement, little-endian. */
  integer(length: number): number | bigint {
    let value = 0n;
    const bytes = this.take(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
    if (length > 0 && (bytes[length - 1] ?? 0) & 0x80) value -= 1n << BigInt(8 * length);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
}

class Machine {
  readonly stack: unknown[] = [];
  readonly memo = new Map<number, unknown>();
  readonly source: Source;
  readonly rules: PickleRules;
  /** Entries that may still be copied from one mapping or list into another. */
  #copies: number;

  constructor(source: Source, rules: PickleRules) {
    this.source = source;
    this.rules = rules;
    this.#copies = MOST_COPIES_PER_BYTE * source.bytes.length;
  }

  /** Few bytes can ask for the same long list again and again; honest files copy an entry once. */
  copies(count: number): void {
    this.#copies -= count;
    if (this.#copies < 0) throw new PickleError('it copies more entries than a file of its length can have');
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    const value = this.stack.pop();
    if (value === MARK || (value === undefined && this.stack.length === 0)) throw new PickleError('its stack is empty');
    return value;
  }

  top(): unknown {
    const value = this.stack.at(-1);
    if (value === undefined || value === MARK) throw new PickleError('its stack is empty');
    return value;
  }

  popToMark(): unknown[] {
    const place = this.stack.lastIndexOf(MARK);
    if (place < 0) throw new PickleError('it has no mark');
    return this.stack.splice(place).slice(1);
  }

  tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.pop()).reverse();
    this.push(new PickleTuple(items));
  }

  recall(place: number): void {
    if (!this.memo.has(place)) throw new PickleError(`it recalls ${place}, which it never kept`);
    this.push(this.memo.get(place));
  }

  /** Only of texts: a list that holds itself many times over would become a text without end. */
  globalOf(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('it names something by no text');
    this.global(`${module}.${name}`);
  }

  global(name: string): void {
    this.rules.accept(name);
    this.push(new PickleGlobal(name));
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw new PickleError('it appends to something that is no list');
    for (const item of items) list.push(item);
  }

  setItems(items: readonly unknown[]): void {
    const mapping = this.top();
    if (!(mapping instanceof Map)) throw new PickleError('it sets items of something that is no mapping');
    if (items.length % 2 === 1) throw new PickleError('it sets a key without a value');
    for (let i = 0; i < items.length; i += 2) mapping.set(items[i], items[i + 1]);
  }

  call(): void {
    const [args, callee] = [this.pop(), this.pop()];
    if (!(callee instanceof PickleGlobal) || !(args instanceof PickleTuple))
      throw new PickleError('it calls something that is no global');
    const [first] = args.items;
    if (Array.isArray(first)) this.copies(first.length);
    this.push(this.rules.call(callee.name, args.items));
  }

  /** The state of a mapping is its attributes; keys win over them. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    const attributes = state instanceof PickleTuple ? state.items[0] : state;
    if (!(target instanceof Map) || !(attributes instanceof Map))
      throw new PickleError('it sets the state of something that is no mapping');
    this.copies(attributes.size);
    for (const [key, value] of attributes) if (!target.has(key)) target.set(key, value);
  }
}

type Step = (machine: Machine, source: Source) => void;

const text = (length: (source: Source) => number): Step => {
  return (m, s) => m.push(s.text(length(s)));
};
const bytes = (length: (source: Source) => number): Step => {
  return (m, s) => m.push(new Uint8Array(s.take(length(s))));
};
const put = (place: (machine: Machine, source: Source) => number): Step => {
  return (m, s) => m.memo.set(place(m, s), m.top());
};

/** Opcode -> what it does; STOP is the loop's. */
const STEPS: ReadonlyMap<number, Step> = new Map<number, Step>([
  [0x80, (_, s) => s.take(1)], // PROTO
  [0x95, (_, s) => s.take(8)], // FRAME
  [0x28, (m) => m.push(MARK)], // MARK
  [0x30, (m) => m.pop()], // POP
  [0x31, (m) => m.popToMark()], // POP_MARK
  [0x32, (m) => m.push(m.top())], // DUP
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4a, (m, s) => m.push(s.take(4).readInt32LE())], // BININT
  [0x4b, (m, s) => m.push(s.byte())], // BININT1
  [0x4d, (m, s) => m.push(s.uint16())], // BININT2
  [0x8a, (m, s) => m.push(s.integer(s.byte()))], // LONG1
  [0x47, (m, s) => m.push(s.take(8).readDoubleBE())], // BINFLOAT
  [0x54, text((s) => s.uint32())], // BINSTRING, bytes of Python 2
  [0x55, text((s) => s.byte())], // SHORT_BINSTRING
  [0x58, text((s) => s.uint32())], // BINUNICODE
  [0x8c, text((s) => s.byte())], // SHORT_BINUNICODE
  [0x8d, text((s) => s.uint64())], // BINUNICODE8
  [0x42, bytes((s) => s.uint32())], // BINBYTES
  [0x43, bytes((s) => s.byte())], // SHORT_BINBYTES
  [0x8e, bytes((s) => s.uint64())], // BINBYTES8
  [0x96, bytes((s) => s.uint64())], // BYTEARRAY8
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x61, (m) => m.append([m.pop()])], // APPEND
  [0x65, (m) => m.append(m.popToMark())], // APPENDS
  [0x6c, (m) => m.push(m.popToMark())], // LIST
  [0x29, (m) => m.tuple(0)], // EMPTY_TUPLE
  [0x85, (m) => m.tuple(1)], // TUPLE1
  [0x86, (m) => m.tuple(2)], // TUPLE2
  [0x87, (m) => m.tuple(3)], // TUPLE3
  [0x74, (m) => m.push(new PickleTuple(m.popToMark()))], // TUPLE
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x73, (m) => m.setItems([m.pop(), m.pop()].reverse())], // SETITEM
  [0x75, (m) => m.setItems(m.popToMark())], // SETITEMS
  [0x8f, (m) => m.push([])], // EMPTY_SET: as a list
  [0x90, (m) => m.append(m.popToMark())], // ADDITEMS
  [0x91, (m) => m.push(m.popToMark())], // FROZENSET
  [0x68, (m, s) => m.recall(s.byte())], // BINGET
  [0x6a, (m, s) => m.recall(s.uint32())], // LONG_BINGET
  [0x71, put((_, s) => s.byte())], // BINPUT
  [0x72, put((_, s) => s.uint32())], // LONG_BINPUT
  [0x94, put((m) => m.memo.size)], // MEMOIZE
  [0x63, (m, s) => m.global(`${s.line()}.${s.line()}`)], // GLOBAL
  [
    0x93, // STACK_GLOBAL
    (m) => {
      const name = m.pop();
      m.globalOf(m.pop(), name);
    },
  ],
  [0x52, (m) => m.call()], // REDUCE
  [0x81, (m) => m.call()], // NEWOBJ: the class called with the arguments
  [0x62, (m) => m.build()], // BUILD
  [0x51, (m) => m.push(m.rules.persistent(m.pop()))], // BINPERSID
]);

const STOP = 0x2e;

/**
 * Reads one pickle from `data` at `start`: its value (dictionaries as Map, lists as arrays, tuples as {@link PickleTuple}),
 * and where it ended.
 *
 * @throws PickleError for anything that is no pickle of the kinds named above, and whatever the rules throw
 */
export function readPickle(data: Buffer, start: number, rules: PickleRules): { value: unknown; end: number } {
  const source = new Source(data, start);
  const machine = new Machine(source, rules);
  for (;;) {
    const opcode = source.byte();
    if (opcode === STOP) return { value: machine.pop(), end: source.position };
    const step = STEPS.get(opcode);
    if (!step) throw new PickleError(`it has the opcode 0x${opcode.toString(16)}, which no state dict needs`);
    step(machine, source);
  }
}
