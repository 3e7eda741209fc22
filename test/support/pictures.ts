/**
 * Pictures for tests, made when they are needed.
 *
 * @module
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Picture, Samples } from '../../src/image/picture.ts';

/** A folder that is removed after the tests of the file that asks for it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clearword-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A function that makes a new folder at each call, all in one temporary folder. */
export async function temporaryFolders(): Promise<() => Promise<string>> {
  const root = await temporaryFolder();
  let count = 0;
  return async () => {
    const path = join(root, String(count++));
    await mkdir(path);
    return path;
  };
}

export interface PatternOptions {
  readonly channels?: 1 | 3;
  readonly bits?: 8 | 16;
  readonly alpha?: boolean;
}

/** Smooth colours that differ at every pixel and in every channel; alpha, if any, goes from 0 at the left to full. */
export function patternPicture(width: number, height: number, options: PatternOptions = {}): Picture {
  const { channels = 3, bits = 8, alpha = false } = options;
  const white = 2 ** bits - 1;
  const create = (length: number): Samples => (bits === 8 ? new Uint8Array(length) : new Uint16Array(length));
  const data = create(width * height * channels);
  const plane = create(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      for (let c = 0; c < channels; c++) {
        const wave = 0.5 + 0.25 * Math.sin(x * 0.11 + c) + 0.25 * Math.cos(y * 0.07 * (c + 1) + x * 0.02);
        data[at * channels + c] = Math.round(wave * white);
      }
      plane[at] = Math.round((white * x) / Math.max(1, width - 1));
    }
  }
  return { width, height, channels, data, ...(alpha && { alpha: plane }) };
}

/** Largest absolute difference of two arrays of one length. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`expected ${a.length} values, received ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)));
  return largest;
}

/** Mean absolute difference of two arrays of one length. */
export function meanDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`expected ${a.length} values, received ${b.length}`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] as number) - (b[i] as number));
  return sum / a.length;
}

type Triple = readonly [number, number, number];

/** Colorants (XYZ, adapted to D50) and gamma of an RGB encoding. */
export interface RgbEncoding {
  readonly colorants: readonly [Triple, Triple, Triple];
  readonly gamma: number;
}

const SRGB_COLORANTS = [
  [0.43607, 0.22249, 0.01392],
  [0.38515, 0.71687, 0.09708],
  [0.14307, 0.06061, 0.7141],
] as const;

export const ENCODINGS = {
  'Adobe RGB': {
    gamma: 2.19921875,
    colorants: [
      [0.60974, 0.31111, 0.01947],
      [0.20528, 0.62567, 0.06087],
      [0.14919, 0.06322, 0.74457],
    ],
  },
  'ProPhoto RGB': {
    gamma: 1.8,
    colorants: [
      [0.79767, 0.28804, 0],
      [0.13519, 0.71188, 0],
      [0.03134, 0.00009, 0.82491],
    ],
  },
  'linear sRGB': { gamma: 1, colorants: SRGB_COLORANTS },
} as const satisfies Record<string, RgbEncoding>;

/** A matrix profile of version 2.4 (ICC.1:2001-04), or a grey one without colorants. */
export function iccProfile(encoding: RgbEncoding | { readonly gamma: number }): Buffer {
  const fixed = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(Math.round(value * 65536));
    return bytes;
  };
  const white: Triple = [0.9642, 1, 0.8249];
  const xyz = (values: Triple) => Buffer.concat([Buffer.from('XYZ \0\0\0\0'), ...values.map(fixed)]);
  const curve = Buffer.alloc(16);
  curve.write('curv');
  curve.writeUInt32BE(1, 8);
  curve.writeUInt16BE(Math.round(encoding.gamma * 256), 12);
  const description = Buffer.alloc(104);
  description.write('desc');
  description.writeUInt32BE(5, 8);
  description.write('test', 12);
  const tags: [string, Buffer][] = [
    ['desc', description],
    ['cprt', Buffer.from('text\0\0\0\0none\0\0\0\0')],
    ['wtpt', xyz(white)],
  ];
  if ('colorants' in encoding) {
    const [red, green, blue] = encoding.colorants;
    tags.push(['rXYZ', xyz(red)], ['gXYZ', xyz(green)], ['bXYZ', xyz(blue)]);
    tags.push(['rTRC', curve], ['gTRC', curve], ['bTRC', curve]);
  } else {
    tags.push(['kTRC', curve]);
  }
  const table = Buffer.alloc(4 + tags.length * 12);
  table.writeUInt32BE(tags.length);
  let offset = 128 + table.length;
  tags.forEach(([name, body], i) => {
    table.write(name, 4 + i * 12);
    table.writeUInt32BE(offset, 8 + i * 12);
    table.writeUInt32BE(body.length, 12 + i * 12);
    offset += body.length;
  });
  const header = Buffer.alloc(128);
  header.writeUInt32BE(offset, 0);
  header.writeUInt32BE(0x02400000, 8);
  header.write(`mntr${'colorants' in encoding ? 'RGB ' : 'GRAY'}XYZ `, 12);
  header.write('acsp', 36);
  white.forEach((value, i) => {
    fixed(value).copy(header, 68 + i * 4);
  });
  return Buffer.concat([header, table, ...tags.map(([, body]) => body)]);
}
