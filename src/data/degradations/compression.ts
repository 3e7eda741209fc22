/**
 * Traces of lossy files: JPEG mostly, saved once or twice, now and then WebP or AVIF.
 *
 * @module
 */
import sharp from 'sharp';
import { z } from 'zod';
import { createRaster, type Raster, reflect } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { range, share } from '../schema.ts';
import { logUniform } from './fields.ts';
import type { DegradationRecord, DrawContext, Effect, Reading } from './record.ts';

const PLACE = 60;
/** JPEG quality from which on a file counts as untouched: its traces are below what anybody sees. */
export const CLEAN_QUALITY = 88;
/** Root mean square change below which a file shows nothing, 8-bit units: a flat picture stays flat. */
const LEAST_CHANGE = 0.7;

/** How a picture was saved. */
export interface Saved {
  readonly format: 'jpeg' | 'webp' | 'avif';
  /** 1..100, on the format's own scale. */
  readonly quality: number;
  /** Colours at half the resolution (4:2:0), as most cameras store them. */
  readonly subsampled: boolean;
  /** Pixels that were cut off at the left and at the top afterwards: the file's grid of blocks begins there. */
  readonly cut?: readonly [number, number];
  /** An earlier JPEG of a picture that reached `shift` pixels farther to the left and to the top. */
  readonly before?: { readonly quality: number; readonly shift: readonly [number, number] };
}

const options = z
  .strictObject({
    /** JPEG quality; drawn log-uniformly. */
    quality: range(1, 100).default([8, 90]),
    /** Share of the files with colours at half the resolution (4:2:0). */
    subsampled: share.default(0.65),
    /** Share that was saved before, on another grid. */
    twice: share.default(0.2),
    /** Share of pictures that were cut out of a larger one after they were saved, so that blocks begin anywhere. */
    cut: share.default(0),
    /** Shares of WebP and AVIF files, which take longer to make. */
    webp: share.default(0.05),
    avif: share.default(0),
  })
  .prefault({});

type Options = z.output<typeof options>;

export const compression: DegradationRecord<Options> = {
  options,
  weight: 0,
  draw(random, section) {
    const quality = Math.round(logUniform(random, ...section.quality));
    const format = drawFormat(random, section);
    const subsampled = random.uniform() < section.subsampled;
    const twice = format === 'jpeg' && random.uniform() < section.twice;
    const before = twice
      ? {
          quality: Math.round(logUniform(random, Math.max(20, section.quality[0]), 95)),
          shift: [random.int(8), random.int(8)] as const,
        }
      : undefined;
    const cut =
      section.cut > 0 && random.uniform() < section.cut ? ([random.int(16), random.int(16)] as const) : undefined;
    const saved = { format, quality, subsampled, ...(cut && { cut }), ...(before && { before }) };
    return { effects: [savedEffect(saved, 'compression')] };
  },
  async measure(without, after) {
    return reading(await equivalentQuality(without, after), without, after);
  },
};

function drawFormat(random: Random, { webp, avif }: Options): Saved['format'] {
  const kind = random.uniform();
  return kind < webp ? 'webp' : kind < webp + avif ? 'avif' : 'jpeg';
}

/** A JPEG of a quality within a range, as cameras and editors write it. */
export function drawSaved(random: Random, quality: readonly [number, number]): Saved {
  return { format: 'jpeg', quality: Math.round(random.uniform(...quality)), subsampled: random.uniform() < 0.67 };
}

/**
 * What a file counts to that came with another degradation: to compression where it shows and the model knows of that;
 * otherwise it goes with the other.
 */
export function countsTo(other: string, quality: number, context: Pick<DrawContext, 'knows'>): string {
  return quality < CLEAN_QUALITY && context.knows('compression') ? 'compression' : other;
}

/** @param of the degradation that the file counts to */
export function savedEffect(saved: Saved, of: string): Effect {
  const { format, quality, subsampled, cut, before } = saved;
  const later = cut ? `, cut by ${cut.join(', ')}` : '';
  const earlier = before ? `, before that ${before.quality} shifted by ${before.shift.join(', ')}` : '';
  return {
    of,
    place: PLACE,
    drawn: `${format} ${quality} ${subsampled || format === 'webp' ? '4:2:0' : '4:4:4'}${later}${earlier}`,
    apply: (image) => save(image, saved),
    ...(of === 'compression' && {
      async measure(without: Raster, after: Raster) {
        const same = format === 'jpeg';
        const worst = Math.min(quality, before?.quality ?? 100);
        return reading(same ? worst : await equivalentQuality(without, after), without, after);
      },
    }),
  };
}

function reading(quality: number, without: Raster, after: Raster): Reading {
  const change = 255 * Math.sqrt(meanSquare(without, after));
  return { strength: 1 - quality / 100, present: quality < CLEAN_QUALITY && change >= LEAST_CHANGE };
}

function meanSquare(a: Raster, b: Raster): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += ((a.data[i] as number) - (b.data[i] as number)) ** 2;
  return sum / a.data.length;
}

/** The quality whose JPEG changes the picture as much, by six halvings. */
async function equivalentQuality(without: Raster, after: Raster): Promise<number> {
  const change = meanSquare(without, after);
  let [low, high] = [1, 100];
  while (high - low > 1.5) {
    const quality = Math.round((low + high) / 2);
    if (meanSquare(without, await compressJpeg(without, quality, true)) > change) low = quality;
    else high = quality;
  }
  return high;
}

/**
 * The picture as it comes out of a JPEG file.
 *
 * @param image values 0..1, rounded to 8 bits
 * @param quality 1..100
 * @param subsampled colours at half the resolution (4:2:0)
 */
export function compressJpeg(image: Raster, quality: number, subsampled: boolean): Promise<Raster> {
  return save(image, { format: 'jpeg', quality, subsampled });
}

async function save(image: Raster, { format, quality, subsampled, cut, before }: Saved): Promise<Raster> {
  const { width, height } = image;
  let bytes = interleaved(image);
  if (before) bytes = await cutOut(bytes, width, height, 'jpeg', before.quality, subsampled, before.shift);
  const saved = await cutOut(bytes, width, height, format, quality, subsampled, cut ?? [0, 0]);
  return planar(saved, width, height);
}

/** A picture out of the file of a larger one, which has [dx, dy] more pixels at the left and at the top. */
async function cutOut(
  bytes: Uint8Array,
  width: number,
  height: number,
  format: Saved['format'],
  quality: number,
  subsampled: boolean,
  [dx, dy]: readonly [number, number],
): Promise<Uint8Array> {
  if (dx === 0 && dy === 0) return coded(bytes, width, height, format, quality, subsampled);
  const [wide, tall] = [width + dx, height + dy];
  const larger = await coded(shifted(bytes, width, height, dx, dy), wide, tall, format, quality, subsampled);
  const out = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((y + dy) * wide + dx);
    out.set(larger.subarray(from, from + 3 * width), 3 * y * width);
  }
  return out;
}

async function coded(
  bytes: Uint8Array,
  width: number,
  height: number,
  format: Saved['format'],
  quality: number,
  subsampled: boolean,
): Promise<Uint8Array> {
  const picture = sharp(bytes, { raw: { width, height, channels: 3 } });
  const chromaSubsampling = subsampled ? '4:2:0' : '4:4:4';
  const file =
    format === 'jpeg'
      ? picture.jpeg({ quality, chromaSubsampling })
      : format === 'webp'
        ? picture.webp({ quality, effort: 1 })
        : picture.avif({ quality, effort: 0, chromaSubsampling });
  return sharp(await file.toBuffer())
    .raw()
    .toBuffer();
}

/** [height + dy, width + dx, 3], mirrored beyond the left and the top border. */
function shifted(bytes: Uint8Array, width: number, height: number, dx: number, dy: number): Uint8Array {
  const wide = width + dx;
  const out = new Uint8Array(3 * wide * (height + dy));
  for (let y = 0; y < height + dy; y++) {
    const from = 3 * reflect(y - dy, height) * width;
    const to = 3 * y * wide;
    out.set(bytes.subarray(from, from + 3 * width), to + 3 * dx);
    for (let x = 0; x < dx; x++) {
      const source = from + 3 * reflect(x - dx, width);
      for (let c = 0; c < 3; c++) out[to + 3 * x + c] = bytes[source + c] as number;
    }
  }
  return out;
}

/** 8-bit values of a picture, colours interleaved. */
export function interleaved({ width, height, data }: Raster): Uint8Array {
  const plane = width * height;
  const bytes = new Uint8ClampedArray(3 * plane);
  for (let i = 0, to = 0; i < plane; i++, to += 3) {
    bytes[to] = 255 * (data[i] as number);
    bytes[to + 1] = 255 * (data[plane + i] as number);
    bytes[to + 2] = 255 * (data[2 * plane + i] as number);
  }
  return new Uint8Array(bytes.buffer);
}

function planar(bytes: Uint8Array, width: number, height: number): Raster {
  const out = createRaster(width, height);
  const plane = width * height;
  for (let i = 0, from = 0; i < plane; i++, from += 3) {
    out.data[i] = (bytes[from] as number) / 255;
    out.data[plane + i] = (bytes[from + 1] as number) / 255;
    out.data[2 * plane + i] = (bytes[from + 2] as number) / 255;
  }
  return out;
}
