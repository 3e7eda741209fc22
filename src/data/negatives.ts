/**
 * Pictures that invite a false finding and are to stay as they are: pale, flat, gridded, soft, low-key, drawn ones.
 *
 * @module
 */
import { resizeRaster } from '../image/area-average.ts';
import { createRaster, type Raster } from '../image/raster.ts';
import type { Random } from '../random/random.ts';
import { drawSaved, savedEffect } from './degradations/compression.ts';
import { gaussianBlur, pickWeighted, smoothField } from './degradations/fields.ts';
import { drawGrating, drawPage, drawSlope } from './drawn-pictures.ts';

export interface Negative {
  readonly image: Raster;
  readonly drawn: string;
  /** Whether nothing of the photo is left, so that its caption would not fit. */
  readonly invented: boolean;
}

const WEIGHTS = {
  contrast: 1.2,
  curve: 1,
  cast: 0.7,
  lowKey: 1,
  slope: 1.2,
  grating: 2,
  page: 1,
  soft: 1,
  focus: 1,
  file: 0.8,
} as const;

type Kind = keyof typeof WEIGHTS;

const MAKERS: Readonly<Record<Kind, (random: Random, photo: Raster) => Raster | Promise<Raster>>> = {
  contrast: lowContrast,
  curve: (random, photo) => toned(photo, random.uniform(0.6, 1.6)),
  cast: colourCast,
  // Dark middle tones and full highlights, as at night: less light would lower these too.
  lowKey: (random, photo) => toned(photo, random.uniform(1.5, 2.6)),
  slope: (random, { width, height }) => drawSlope(random, width, height),
  grating: drawGrating,
  page: (random, { width, height }) => drawPage(random, width, height),
  soft: enlargedPhoto,
  focus: shallowFocus,
  // A file of high quality, which nobody sees.
  file: (random, photo) => savedEffect(drawSaved(random, [90, 98]), '').apply(photo),
};

const INVENTED: ReadonlySet<Kind> = new Set(['slope', 'page']);

export async function drawNegative(random: Random, photo: Raster): Promise<Negative> {
  const kind = pickWeighted(random, WEIGHTS);
  return { image: await MAKERS[kind](random, photo), drawn: `untouched: ${kind}`, invented: INVENTED.has(kind) };
}

/** Each 8-bit value to another, by channel. */
function mapped(image: Raster, curve: (x: number, channel: number) => number): Raster {
  const out = createRaster(image.width, image.height);
  const plane = image.width * image.height;
  for (let c = 0; c < 3; c++) {
    const table = Float32Array.from({ length: 256 }, (_, i) => Math.min(1, Math.max(0, curve(i / 255, c))));
    for (let i = c * plane; i < (c + 1) * plane; i++) {
      out.data[i] = table[(255 * Math.min(1, Math.max(0, image.data[i] as number)) + 0.5) | 0] as number;
    }
  }
  return out;
}

const toned = (image: Raster, gamma: number): Raster => mapped(image, (x) => x ** gamma);

/** A dull day or a matte print: less contrast around a middle grey, not towards the light of the air. */
function lowContrast(random: Random, photo: Raster): Raster {
  const contrast = random.uniform(0.45, 0.9);
  const centre = random.uniform(0.2, 0.5);
  return mapped(photo, (x) => centre + contrast * (x - centre));
}

function colourCast(random: Random, photo: Raster): Raster {
  const gains = [0, 1, 2].map(() => random.uniform(0.8, 1.15));
  return mapped(photo, (x, c) => x * (gains[c] as number));
}

/** A photo that was enlarged: soft, without its finest detail. */
function enlargedPhoto(random: Random, photo: Raster): Raster {
  return blurred(photo, random.uniform(0.6, 2));
}

function blurred({ width, height, data }: Raster, sigma: number): Raster {
  const plane = width * height;
  const out = createRaster(width, height);
  for (let c = 0; c < 3; c++) {
    out.data.set(gaussianBlur(data.subarray(c * plane, (c + 1) * plane), width, height, sigma), c * plane);
  }
  return out;
}

/** Sharp in a part of the picture only. The far blur is made small and enlarged smoothly: it holds no detail anyway. */
function shallowFocus(random: Random, photo: Raster): Raster {
  const { width, height } = photo;
  const factor = 4;
  const small = resizeRaster(photo, Math.max(1, Math.round(width / factor)), Math.max(1, Math.round(height / factor)));
  const far = blurred(resizeRaster(blurred(small, random.uniform(0.6, 2)), width, height), factor / 2);
  const field = smoothField(random, width, height, 1 + random.int(3));
  const plane = width * height;
  const out = createRaster(width, height);
  for (let i = 0; i < plane; i++) {
    const share = Math.min(1, Math.max(0, 3 * ((field.data[i] as number) - 0.4)));
    for (let at = i; at < 3 * plane; at += plane) {
      out.data[at] = (1 - share) * (photo.data[at] as number) + share * (far.data[at] as number);
    }
  }
  return out;
}
