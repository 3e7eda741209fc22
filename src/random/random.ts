/**
 * Seeded random numbers that do not depend on who draws them, or in which order.
 *
 * The generator is counter-based: block n of a stream is a pure function of (key, n). A sample of training data is
 * addressed by (seed, step, index) and the noise of a pixel by its position, so neither the number of workers nor the
 * order of tiles changes a value.
 *
 * @module
 */

/** The four 32-bit words of one Philox block. */
export type Block = [number, number, number, number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
/** Weyl increments of the key: the golden ratio and sqrt(3) - 1, as 32-bit fractions. */
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** Divides a 32-bit word into 0..1, 1 excluded. */
const FROM_UINT32 = 2 ** -32;

/** Keeps the counters of keys, streams and pixel noise apart, so that no two uses share a block. */
const DOMAIN = { draws: 0, pixels: 1, keys: 2 } as const;

/**
 * Philox4x32-10: ten rounds of the bijection (c0, c1, c2, c3) -> (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1,
 * lo(M0 c0)), the key advancing by the Weyl constants. Writes four signed 32-bit words into `out`.
 *
 * Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
 */
function philoxInto(
  out: Int32Array | Block,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(c0, MULTIPLIER_0 & 0xffff, MULTIPLIER_0 >>> 16);
    const high1 = multiplyHigh(c2, MULTIPLIER_1 & 0xffff, MULTIPLIER_1 >>> 16);
    const low0 = Math.imul(c0, MULTIPLIER_0);
    const low1 = Math.imul(c2, MULTIPLIER_1);
    c0 = high1 ^ c1 ^ k0;
    c2 = high0 ^ c3 ^ k1;
    c1 = low1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Upper 32 bits of the unsigned product of `a` and a constant given as two 16-bit halves (every step fits 32 bits). */
function multiplyHigh(a: number, low: number, high: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const middle = (Math.imul(aHigh, low) + (Math.imul(aLow, low) >>> 16)) | 0;
  const carry = (Math.imul(aLow, high) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, high) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** One Philox4x32-10 block as unsigned words; counter and key are unsigned 32-bit words. */
export function philox4x32(counter: Readonly<Block>, key: readonly [number, number]): Block {
  const out: Block = [0, 0, 0, 0];
  philoxInto(out, counter[0] | 0, counter[1] | 0, counter[2] | 0, counter[3] | 0, key[0] | 0, key[1] | 0);
  return [out[0] >>> 0, out[1] >>> 0, out[2] >>> 0, out[3] >>> 0];
}

/** Low and high 32-bit words of an integer within +-2^53 (two's complement). */
function words(value: number): [number, number] {
  if (!Number.isSafeInteger(value))
    throw new RangeError(`expected an integer within 2^53 for a seed, received ${value}`);
  return [value >>> 0, Math.floor(value / 2 ** 32) >>> 0];
}

/** Key of a stream: the seed's words, then one block of the generator for each stream number. */
function deriveKey(seed: number, streams: readonly number[]): [number, number] {
  let key = words(seed);
  for (const stream of streams) {
    const [low, high] = words(stream);
    const block = philox4x32([low, high, 0, DOMAIN.keys], key);
    key = [block[0], block[1]];
  }
  return key;
}

/** What is needed to go on drawing where a `Random` stopped; plain JSON. */
export interface RandomState {
  readonly key: readonly [number, number];
  /** Words drawn so far. */
  readonly drawn: number;
}

/** A stream of random numbers, addressed by a seed and any number of stream numbers (integers within 2^53). */
export class Random {
  #key: readonly [number, number];
  #drawn = 0;
  readonly #block = new Int32Array(4);

  constructor(seed: number, ...streams: readonly number[]) {
    this.#key = deriveKey(seed, streams);
  }

  /** The stream that `state()` came from, at the position where it was. */
  static fromState(state: RandomState): Random {
    const random = new Random(0);
    random.#key = [state.key[0], state.key[1]];
    random.#drawn = state.drawn;
    if (state.drawn % 4 !== 0) random.#fill();
    return random;
  }

  state(): RandomState {
    return { key: [this.#key[0], this.#key[1]], drawn: this.#drawn };
  }

  /** Uniform integer in 0..2^32 - 1. */
  uint32(): number {
    const offset = this.#drawn % 4;
    if (offset === 0) this.#fill();
    this.#drawn++;
    return (this.#block[offset] as number) >>> 0;
  }

  /** Uniform in a..b, b excluded, in steps of (b - a) / 2^32. */
  uniform(a = 0, b = 1): number {
    return a + (b - a) * this.uint32() * FROM_UINT32;
  }

  /** Uniform integer in 0..n - 1 (1 <= n <= 2^32; the bias is below n / 2^32). */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) throw new RangeError(`expected 1..2^32 for n, received ${n}`);
    return Math.floor(this.uint32() * FROM_UINT32 * n);
  }

  /** N(0, 1) by Box and Muller; uses two words, so that the state needs no spare value. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log((this.uint32() + 0.5) * FROM_UINT32));
    return radius * Math.cos(2 * Math.PI * this.uint32() * FROM_UINT32);
  }

  /** One of the values, each equally likely. */
  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError('expected at least one value to pick from, received none');
    return values[this.int(values.length)] as T;
  }

  /** A shuffled copy (Fisher and Yates). */
  shuffle<T>(values: readonly T[]): T[] {
    const shuffled = [...values];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
    }
    return shuffled;
  }

  #fill(): void {
    const [low, high] = words(Math.floor(this.#drawn / 4));
    philoxInto(this.#block, low | 0, high | 0, 0, DOMAIN.draws, this.#key[0] | 0, this.#key[1] | 0);
  }
}

/** A rectangle of a picture's noise. `x0`, `y0` are absolute pixels of a picture `imageWidth` pixels wide. */
export interface GaussianFieldRequest {
  readonly seed: number;
  /** Tells apart several fields of one picture: steps of a sampler, samples, degradations. */
  readonly stream: number;
  readonly x0: number;
  readonly y0: number;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly imageWidth: number;
}

/**
 * N(0, 1) noise [channels, height, width], a function of the absolute position alone: a tile of a picture gets the
 * values that the whole picture has there.
 *
 * Value number f = (y imageWidth + x) channels + c is the (f mod 4)-th normal of block floor(f / 4); a block gives four
 * (two Box-Muller pairs).
 */
export function gaussianField(request: GaussianFieldRequest): Float32Array {
  const { x0, y0, width, height, channels, imageWidth } = request;
  const [k0, k1] = deriveKey(request.seed, [request.stream]);
  const plane = height * width;
  const field = new Float32Array(channels * plane);
  const block = new Int32Array(4);
  const count = width * channels;
  // A row's values as they are numbered; its first and last block may begin and end beyond it.
  const row = new Float32Array(count + 6);
  for (let y = 0; y < height; y++) {
    const first = ((y0 + y) * imageWidth + x0) * channels;
    const index = Math.floor(first / 4);
    const before = first - 4 * index;
    for (let i = 0; i < before + count; i += 4) {
      const at = index + i / 4;
      philoxInto(block, at | 0, Math.floor(at * FROM_UINT32) | 0, 0, DOMAIN.pixels, k0 | 0, k1 | 0);
      boxMuller(block, row, i);
    }
    for (let channel = 0; channel < channels; channel++) {
      const to = channel * plane + y * width;
      const from = before + channel;
      for (let x = 0; x < width; x++) field[to + x] = row[from + x * channels] as number;
    }
  }
  return field;
}

/** Four N(0, 1) from the four words of a block, from `at` on: r cos(a), r sin(a), r = sqrt(-2 ln u), u > 0. */
function boxMuller(block: Int32Array, normals: Float32Array, at: number): void {
  for (let pair = 0; pair < 4; pair += 2) {
    const radius = Math.sqrt(-2 * Math.log((((block[pair] as number) >>> 0) + 0.5) * FROM_UINT32));
    const angle = 2 * Math.PI * FROM_UINT32 * ((block[pair + 1] as number) >>> 0);
    normals[at + pair] = radius * Math.cos(angle);
    normals[at + pair + 1] = radius * Math.sin(angle);
  }
}
