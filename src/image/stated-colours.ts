/**
 * Colours that a file describes by numbers instead of a profile: PNG's cICP, gAMA and cHRM (third edition, section 4.3), and
 * the nclx box of AVIF, with the code points of ITU-T H.273. libvips uses none of them.
 *
 * They become a profile, so that everything after that (the conversion for the network, the result in any format) treats
 * them as it treats profiles.
 *
 * @module
 */
import { ascii, isoBoxes, joined, latin1, pngParts, viewOf } from './file-parts.ts';
import { type Curve, matrixProfile, type Primaries } from './icc-profile.ts';
import type { ImageFormat } from './image-signature.ts';
import { pngChunk } from './png-metadata.ts';

/** What a file says; nothing where it says sRGB, has a profile, or says nothing. */
export type StatedColours =
  | { readonly kind: 'profile'; readonly icc: Uint8Array }
  /** Encodings whose light cannot be shown as a photo's without a decision about its brightness; `name` in words. */
  | { readonly kind: 'refused'; readonly name: string };

const D65 = [0.3127, 0.329] as const;
const BT709: Primaries = { white: D65, red: [0.64, 0.33], green: [0.3, 0.6], blue: [0.15, 0.06] };
/** By their code point; 2 is "unspecified". */
const PRIMARIES: Readonly<Record<number, Primaries>> = {
  1: BT709,
  2: BT709,
  5: { white: D65, red: [0.64, 0.33], green: [0.29, 0.6], blue: [0.15, 0.06] },
  6: { white: D65, red: [0.63, 0.34], green: [0.31, 0.595], blue: [0.155, 0.07] },
  9: { white: D65, red: [0.708, 0.292], green: [0.17, 0.797], blue: [0.131, 0.046] },
  11: { white: [0.314, 0.351], red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06] },
  12: { white: D65, red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06] },
};
const SRGB: Curve = { gamma: 2.4, abcd: [1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045] };
/** Pictures in the encoding of cameras are shown as sRGB by browsers and by this program, whatever the curve's letter says. */
const CURVES: Readonly<Record<number, Curve>> = {
  1: SRGB,
  2: SRGB,
  4: { gamma: 2.2 },
  5: { gamma: 2.8 },
  6: SRGB,
  8: { gamma: 1 },
  13: SRGB,
  14: SRGB,
  15: SRGB,
};
const HDR: Readonly<Record<number, string>> = { 16: 'PQ', 18: 'HLG' };

export function statedColours(bytes: Uint8Array, format: ImageFormat, grey: boolean): StatedColours | undefined {
  if (format === 'png') return ofPng(bytes, grey);
  return format === 'avif' ? ofAvif(bytes, grey) : undefined;
}

/** The PNG with a profile in place of every other description of its colours. */
export function withPngProfile(bytes: Uint8Array, icc: Uint8Array, deflate: (bytes: Uint8Array) => Uint8Array) {
  const [header, ...parts] = pngParts(bytes);
  const rest = parts.filter(({ type }) => !DESCRIPTIONS.includes(type));
  const profile = pngChunk('iCCP', joined([latin1('icc\0\0'), deflate(icc)]));
  return joined([
    bytes.subarray(0, header?.end ?? 8),
    ...profile,
    ...rest.map(({ start, end }) => bytes.subarray(start, end)),
  ]);
}

const DESCRIPTIONS: readonly string[] = ['cICP', 'iCCP', 'sRGB', 'gAMA', 'cHRM'];

function ofPng(bytes: Uint8Array, grey: boolean): StatedColours | undefined {
  const chunks = new Map(pngParts(bytes).map(({ type, start, end }) => [type, bytes.subarray(start + 8, end - 4)]));
  const cicp = chunks.get('cICP');
  // A profile beside it says the same in other words; only what no profile can say comes first.
  if (cicp?.length === 4 && (!chunks.has('iCCP') || HDR[cicp[1] as number] !== undefined)) {
    return ofCodePoints(cicp[0] as number, cicp[1] as number, cicp[3] === 1, grey);
  }
  const gamma = chunks.get('gAMA');
  if (chunks.has('iCCP') || chunks.has('sRGB') || gamma?.length !== 4) return undefined;
  const exponent = 100_000 / viewOf(gamma).getUint32(0);
  const primaries = chromaticities(chunks.get('cHRM'));
  const near = Math.abs(exponent - SRGB_EXPONENT) < NEAR_EXPONENT;
  if (!(exponent > 0.1 && exponent < 10) || (near && primaries === BT709)) return undefined;
  return { kind: 'profile', icc: matrixProfile(primaries, near ? SRGB : { gamma: exponent }, grey) };
}

/** gAMA of pictures in sRGB: 45455, 1 / 2.2. */
const SRGB_EXPONENT = 2.2;
const NEAR_EXPONENT = 0.03;
/** Chromaticities are written with five digits; programs round them in different ways. */
const NEAR_CHROMATICITY = 0.002;

/** White, red, green and blue, each x and y in hundred thousandths. Those of sRGB where there are none that make sense. */
function chromaticities(body: Uint8Array | undefined): Primaries {
  if (body?.length !== 32) return BT709;
  const at = (i: number) => [viewOf(body).getUint32(8 * i) / 1e5, viewOf(body).getUint32(8 * i + 4) / 1e5] as const;
  const given: Primaries = { white: at(0), red: at(1), green: at(2), blue: at(3) };
  const pairs = [given.white, given.red, given.green, given.blue];
  if (pairs.some(([x, y]) => !(x >= 0 && y > 0.001 && x + y <= 1))) return BT709;
  const known = [BT709.white, BT709.red, BT709.green, BT709.blue];
  const same = pairs.every(([x, y], i) => {
    const [a, b] = known[i] ?? [0, 0];
    return Math.abs(x - a) < NEAR_CHROMATICITY && Math.abs(y - b) < NEAR_CHROMATICITY;
  });
  // Three primaries on a line have no colours between them.
  const [rx, ry, gx, gy, bx, by] = [...given.red, ...given.green, ...given.blue];
  const area = Math.abs((gx - rx) * (by - ry) - (bx - rx) * (gy - ry));
  return same || area < 0.01 ? BT709 : given;
}

function ofAvif(bytes: Uint8Array, grey: boolean): StatedColours | undefined {
  const meta = isoBoxes(bytes, 0, bytes.length).find(({ type }) => type === 'meta');
  const inside = (
    boxes: readonly { readonly type: string; readonly body: number; readonly end: number }[],
    name: string,
  ) => boxes.filter(({ type }) => type === name).flatMap(({ body, end }) => isoBoxes(bytes, body, end));
  const properties = inside(inside(meta ? isoBoxes(bytes, meta.body + 4, meta.end) : [], 'iprp'), 'ipco');
  const colours = properties.filter(({ type }) => type === 'colr');
  const hasProfile = colours.some(({ body }) => ['prof', 'rICC'].includes(ascii(bytes, body)));
  const nclx = colours.find(({ body, end }) => ascii(bytes, body) === 'nclx' && end - body >= 11);
  if (nclx === undefined) return undefined;
  const view = viewOf(bytes);
  const [primaries, transfer] = [view.getUint16(nclx.body + 4), view.getUint16(nclx.body + 6)];
  if (hasProfile && HDR[transfer] === undefined) return undefined;
  // The decoder takes care of the matrix and the range.
  return ofCodePoints(primaries, transfer, true, grey);
}

function ofCodePoints(
  primaries: number,
  transfer: number,
  fullRange: boolean,
  grey: boolean,
): StatedColours | undefined {
  const hdr = HDR[transfer];
  if (hdr !== undefined) return { kind: 'refused', name: `an HDR picture (${hdr})` };
  if (!fullRange) return { kind: 'refused', name: 'a picture with the narrow range of video' };
  const [colours, curve] = [PRIMARIES[primaries], CURVES[transfer]];
  if (colours === undefined || curve === undefined) {
    return { kind: 'refused', name: `a picture with the rare colours ${primaries}/${transfer} of ITU-T H.273` };
  }
  if (curve === SRGB && colours === BT709) return undefined;
  return { kind: 'profile', icc: matrixProfile(colours, curve, grey) };
}
