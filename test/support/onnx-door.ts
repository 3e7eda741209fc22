/**
 * Whole restorations with ONNX networks, and how far they are from plain loops.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Clearword, type LoadOptions, type RestoreOptions } from '../../src/index.ts';
import { type Expectation, type Form, pictureNetwork, plainLoop } from './picture-network.ts';
import { patternPicture, temporaryFolders } from './pictures.ts';

const newFolder = await temporaryFolders();

/** A model file, perhaps with a descriptor beside it. */
export async function modelFile(network: Form | Uint8Array, descriptor?: object): Promise<string> {
  const folder = await newFolder();
  const path = join(folder, 'network.onnx');
  await writeFile(path, network instanceof Uint8Array ? network : pictureNetwork(network));
  if (descriptor !== undefined) await writeFile(join(folder, 'network.json'), JSON.stringify(descriptor));
  return path;
}

export async function withModel<T>(options: LoadOptions, use: (clearword: Clearword) => Promise<T>): Promise<T> {
  const clearword = await Clearword.load({ threads: 1, ...options });
  try {
    return await use(clearword);
  } finally {
    await clearword.dispose();
  }
}

export type DifferenceOptions = {
  readonly width?: number;
  readonly height?: number;
  readonly bits?: 8 | 16;
} & RestoreOptions;

/** Largest difference from the plain loop, in steps of the picture's depth, and where nothing is clipped. */
export async function differenceOf(
  clearword: Clearword,
  expectation: Expectation,
  { width = 150, height = 101, bits = 16, ...options }: DifferenceOptions = {},
): Promise<number> {
  const { data } = patternPicture(width, height, { bits });
  const white = 2 ** bits - 1;
  const before = Array.from(data, (value) => value / white);
  const result = await clearword.restore({ data, width, height, channels: 3 }, options);
  const expected = plainLoop(before, width, height, expectation);
  const pixels = result.pixels().data;
  return expected.reduce((most, value, i) => {
    const clipped = Math.min(1, Math.max(0, value));
    return Math.max(most, Math.abs(clipped * white - (pixels[i] as number)));
  }, 0);
}

/** Rounding to the depth, and float32 in between. */
export const ROUNDING = 0.51;
/** In 16 bits: a half has 11 significant bits; at 0..1 a step is up to 2^-11, at 0..255 up to 1/8 of a level. */
export const HALF = 65535 * 2 ** -10;
/** In 16 bits: rounding to 8 before and after. */
export const BYTES = 257;
