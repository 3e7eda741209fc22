/**
 * Sixteen-bit floats as numbers.
 *
 * @module
 */

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** Number -> the bits of the nearest half-precision float, ties to even. */
export function toHalf(value: number): number {
  float[0] = value;
  const bits = word[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa ? 0x200 : 0);
  const e = exponent - 112;
  if (e >= 31) return sign | 0x7c00;
  // Below the normal range the implicit one becomes explicit and the mantissa moves right.
  const shift = e > 0 ? 13 : 14 - e;
  if (shift > 24) return sign;
  const full = e > 0 ? (e << 23) | mantissa : mantissa | 0x800000;
  const kept = full >>> shift;
  const rest = full & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  // A carry out of the mantissa rightly raises the exponent.
  return sign | (kept + (rest > half || (rest === half && kept & 1) ? 1 : 0));
}

/** IEEE 754 half precision: 1 sign bit, 5 of exponent, 10 of mantissa. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/**
 * Half-precision floats as float32. A file has millions of them: normal numbers get their exponent moved, all others are rare.
 */
export function fromHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(halves.length);
  const floats = new Float32Array(words.buffer);
  for (let i = 0; i < halves.length; i++) {
    const bits = halves[i] as number;
    const exponent = bits & 0x7c00;
    // 112: the difference of the exponents' biases, 127 - 15.
    if (exponent !== 0 && exponent !== 0x7c00)
      words[i] = ((bits & 0x8000) << 16) | (((bits & 0x7fff) << 13) + (112 << 23));
    else floats[i] = fromHalf(bits);
  }
  return floats;
}

/** bfloat16: the upper half of a float32. */
export function fromBfloat16(bits: number): number {
  word[0] = bits << 16;
  return float[0] ?? 0;
}
