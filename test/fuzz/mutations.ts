/**
 * Inputs made out of other inputs: bytes changed, cut, repeated and spliced, and words of the format put in.
 *
 * @module
 */
import type { Random } from '../../src/random/random.ts';

/** Longest input that is made, in bytes. */
const LONGEST = 65_536;
/** Most changes of one input. */
const MOST_CHANGES = 6;

/** Numbers at which lengths and counts tend to break, in both byte orders and the sizes that formats have. */
const NUMBERS = [
  0,
  1,
  2,
  4,
  7,
  8,
  16,
  100,
  127,
  128,
  255,
  256,
  32767,
  32768,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

type Mutation = (bytes: Buffer, random: Random, others: Others) => Buffer;

interface Others {
  /** Another input, to take a part of. */
  readonly other: Uint8Array;
  readonly words: readonly string[];
}

const joined = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);

/** A place in the bytes; half of them near the beginning, where formats have their tables. */
function place(length: number, random: Random): number {
  if (length === 0) return 0;
  return Math.floor(random.uniform() ** random.pick([1, 3]) * length);
}

const put = (bytes: Buffer, at: number, replaced: number, what: Uint8Array): Buffer =>
  joined(bytes.subarray(0, at), what, bytes.subarray(at + replaced));

function numberBytes(random: Random): Buffer {
  const value = random.pick(NUMBERS);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  const sized = bytes.subarray(0, random.pick([1, 2, 4, 8]));
  return random.int(2) === 0 ? sized : Buffer.from(sized).reverse();
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const at = place(bytes.length, random);
    const bit = 1 << random.int(8);
    return put(bytes, at, 1, Uint8Array.of((bytes[at] ?? 0) ^ bit));
  },
  (bytes, random) => put(bytes, place(bytes.length, random), 1, Uint8Array.of(random.int(256))),
  (bytes, random) => {
    const number = numberBytes(random);
    return put(bytes, place(bytes.length, random), random.int(2) * number.length, number);
  },
  (bytes, random, { words }) => {
    const word = Buffer.from(words.length > 0 ? random.pick(words) : 'clearword', 'utf8');
    return put(bytes, place(bytes.length, random), random.int(2) * word.length, word);
  },
  (bytes, random) => put(bytes, place(bytes.length, random), 1 + random.int(32), Buffer.alloc(0)),
  (bytes, random) => bytes.subarray(0, place(bytes.length, random)),
  (bytes, random) => {
    // A part again, and sometimes many times: deep nesting and long lists.
    const at = place(bytes.length, random);
    const part = bytes.subarray(at, at + 1 + random.int(16));
    const times = random.int(20) === 0 ? 1 + random.int(2000) : 1 + random.int(4);
    return put(bytes, at, 0, joined(...Array.from({ length: times }, () => part)));
  },
  (bytes, random, { other }) => {
    const from = place(other.length, random);
    const part = other.subarray(from, from + 1 + random.int(256));
    return put(bytes, place(bytes.length, random), random.int(2) * part.length, part);
  },
  (bytes, random, { other }) =>
    joined(bytes.subarray(0, place(bytes.length, random)), other.subarray(place(other.length, random))),
];

/** An input like others that is not one of them. */
export function mutated(inputs: readonly Uint8Array[], words: readonly string[], random: Random): Buffer {
  let bytes = Buffer.from(random.pick(inputs));
  const changes = 1 + random.int(MOST_CHANGES);
  for (let i = 0; i < changes; i++) {
    bytes = Buffer.from(
      random
        .pick(MUTATIONS)(bytes, random, { other: random.pick(inputs), words })
        .subarray(0, LONGEST),
    );
  }
  return bytes;
}
