/**
 * What to do with a picture's ICC profile.
 *
 * The networks are trained on sRGB. Pictures in Display P3 (every recent phone) or Adobe RGB are close enough to it that
 * their values are restored as they are and the profile is carried over: no colour is lost to a smaller gamut and nothing
 * is rounded twice. Pictures in an encoding far from sRGB (ProPhoto RGB, linear light) would look wrong to the network
 * and are converted, and converted back when they are written.
 *
 * @module
 */
import sharp from 'sharp';
import { blankPng } from './blank-png.ts';

/** `as-is`: close to sRGB, or grey. `convert`: an RGB profile far from sRGB. `foreign`: not a profile for these colours. */
export type ProfileUse = 'as-is' | 'convert' | 'foreign';

/**
 * Largest mean deviation from sRGB, 0..1, of a profile that is used as it is. Measured on the cube below: Display P3
 * 0.033, Adobe RGB 0.035, ProPhoto RGB 0.081, linear sRGB 0.131.
 */
const NEAR_SRGB = 0.05;

/** Decides from the profile's own header and, for RGB, from what it makes of a cube of colours. */
export async function profileUse(icc: Uint8Array, channels: 1 | 3): Promise<ProfileUse> {
  const space = String.fromCharCode(...icc.subarray(16, 20));
  if (channels === 1) return space === 'GRAY' ? 'as-is' : 'foreign';
  if (space !== 'RGB ') return 'foreign';
  const deviation = await deviationFromSrgb(icc);
  if (deviation === undefined) return 'foreign';
  return deviation <= NEAR_SRGB ? 'as-is' : 'convert';
}

/** Values per axis of the cube of colours. */
const CUBE = 5;

/**
 * Mean absolute difference, 0..1, between colours and what they are in sRGB when read with the profile. Undefined when
 * the colour engine refuses the profile.
 */
export async function deviationFromSrgb(icc: Uint8Array): Promise<number | undefined> {
  const pixels = CUBE ** 3;
  const cube = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) cube[i * 3 + c] = ((Math.floor(i / CUBE ** c) % CUBE) * 255) / (CUBE - 1);
  }
  try {
    const tagged = await sharp(blankPng({ channels: 3, bits: 8, icc }), { ignoreIcc: true })
      .resize(pixels, 1, { fit: 'fill', kernel: 'nearest' })
      .boolean(Buffer.from(cube.buffer), 'or', { raw: { width: pixels, height: 1, channels: 3 } })
      .keepIccProfile()
      .png()
      .toBuffer();
    // libvips drops a profile that it cannot parse, and keeps the colours as they are when it cannot apply one.
    if (!(await sharp(tagged).metadata()).hasProfile) return undefined;
    const converted = await sharp(tagged).withIccProfile('srgb', { attach: false }).removeAlpha().raw().toBuffer();
    let sum = 0;
    for (let i = 0; i < cube.length; i++) sum += Math.abs((converted[i] as number) - (cube[i] as number));
    return sum / cube.length / 255;
  } catch {
    return undefined;
  }
}
