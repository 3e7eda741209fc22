/**
 * MD5 (RFC 1321), by which the two halves of a large XMP packet in a JPEG name each other (ISO 16684-3, section 1.1.3.1).
 * Not for anything that has to be safe. Browsers have no MD5 of their own.
 *
 * @module
 */

/** Left rotations of the four rounds. */
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;

/** floor(2^32 |sin(i + 1)|). */
const SINES = Uint32Array.from({ length: 64 }, (_, i) => Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))));

/** The digest as 32 upper-case hexadecimal digits. */
export function md5(message: Uint8Array): string {
  const blocks = Math.floor((message.length + 8) / 64) + 1;
  const padded = new Uint8Array(blocks * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  // The length in bits, 64 of them, the lowest first.
  view.setUint32(padded.length - 8, (message.length * 8) >>> 0, true);
  view.setUint32(padded.length - 4, Math.floor(message.length / 2 ** 29), true);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let block = 0; block < blocks; block++) addBlock(state, view, block * 64);
  const digest = new DataView(new ArrayBuffer(16));
  state.forEach((value, i) => {
    digest.setUint32(4 * i, value, true);
  });
  const bytes = [...new Uint8Array(digest.buffer)];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('');
}

function addBlock(state: Uint32Array, view: DataView, at: number): void {
  let [a = 0, b = 0, c = 0, d = 0] = state;
  for (let i = 0; i < 64; i++) {
    const round = i >> 4;
    const [mixed, word] = mix(round, i, b, c, d);
    const sum = (a + mixed + (SINES[i] as number) + view.getUint32(at + 4 * word, true)) >>> 0;
    const shift = SHIFTS[round]?.[i & 3] ?? 0;
    [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) >>> 0];
  }
  state.set([a, b, c, d].map((value, i) => value + (state[i] as number)));
}

/** The round's function of three words, and which word of the block it goes with. */
function mix(round: number, i: number, b: number, c: number, d: number): [mixed: number, word: number] {
  if (round === 0) return [(b & c) | (~b & d), i];
  if (round === 1) return [(b & d) | (c & ~d), (5 * i + 1) & 15];
  if (round === 2) return [b ^ c ^ d, (3 * i + 5) & 15];
  return [c ^ (b | ~d), (7 * i) & 15];
}
