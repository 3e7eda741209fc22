/**
 * Reading a picture: JPEG, PNG, WebP, TIFF or AVIF, from a path or from memory, into 8- or 16-bit pixels, with what has
 * to be remembered to write the result back the way it came. Writing is in image-encode.ts.
 *
 * @module
 */
import { deflateSync } from 'node:zlib';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { profileUse } from './colour-profile.ts';
import { nameOfInput, readBytes } from './image-bytes.ts';
import { HEIC_ADVICE, type ImageFormat, readSignature, type Signature } from './image-signature.ts';
import { DEFAULT_LIMITS, type ImageLimits } from './limits.ts';
import type { FileMetadata } from './metadata.ts';
import { type Picture, type Samples, splitAlpha } from './picture.ts';
import { isRawName, RAW_ADVICE } from './raw-signature.ts';
import { readFileMetadata } from './source-metadata.ts';
import { statedColours, withPngProfile } from './stated-colours.ts';
import { isXmp } from './xmp-tree.ts';

export { EXTENSIONS, formatOfName, IMAGE_FORMATS, type ImageFormat } from './image-signature.ts';
export { DEFAULT_LIMITS, type ImageLimits } from './limits.ts';

/** What the header of a picture says. Width and height are those after its EXIF orientation is applied. */
export interface ImageHeader {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** Bits a value as the file stores them; 8 where the format has no other. */
  readonly bits: number;
  readonly colour: 'grey' | 'rgb' | 'cmyk';
  readonly hasAlpha: boolean;
}

/** What is remembered of the file a picture came from; see `encodeImage`. */
export interface ImageSource extends ImageHeader {
  /** Profile to embed again, where the pixels are in it or have to be converted back to it. */
  readonly icc?: Uint8Array;
  /**
   * The pixels are not in `icc` but in what sharp converted them to: sRGB for 8 bits, Display P3 for 16 bits. They are
   * converted back when they are written.
   */
  readonly convertBack: boolean;
  /** EXIF upright and without a thumbnail, XMP, IPTC, resolution. */
  readonly metadata: FileMetadata;
}

export interface ReadOptions {
  readonly limits?: Partial<ImageLimits> | undefined;
  /** Convert any profile to sRGB and forget it, as for a result without metadata. Default false. */
  readonly toSrgb?: boolean | undefined;
  /** Refuse a JPEG that ends early. Default false: what is missing is grey, and `warnings` says so. */
  readonly strict?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DecodedImage {
  readonly picture: Picture;
  readonly source: ImageSource;
  /** What a person should know about the picture, in sentences without a point. */
  readonly warnings: readonly string[];
  /** The file itself, where all of it is there. */
  readonly file?: Uint8Array | undefined;
}

/**
 * Reads a picture.
 *
 * Orientation is applied. Grey stays one channel; palettes and CMYK become RGB; 16 bits stay 16. Alpha is kept apart.
 * Header and limits are checked before anything is decoded.
 *
 * Errors: INPUT_NOT_FOUND, INPUT_UNREADABLE, NOT_AN_IMAGE, IMAGE_DAMAGED, IMAGE_ANIMATED, IMAGE_TOO_LARGE, CANCELLED.
 */
export async function readImage(input: string | Uint8Array, options: ReadOptions = {}): Promise<DecodedImage> {
  const { bytes, stated, metadata, header, limits } = await open(input, options);
  const name = nameOfInput(input);
  const { colour } = header;
  const grey = colour === 'grey';
  const icc = stated ?? metadata.icc;
  const use = icc === undefined || colour === 'cmyk' ? 'foreign' : undefined;
  const profile = use ?? (await profileUse(icc as Uint8Array, grey ? 1 : 3));
  const convert = colour === 'cmyk' || (!grey && profile === 'convert');
  const toSrgb = options.toSrgb === true && profile === 'as-is' && !grey;

  const deep = metadata.depth === 'ushort' && colour !== 'cmyk';
  throwIfCancelled(options.signal, `reading ${name}`);
  const file = stated === undefined ? bytes : await withProfile(bytes, header.format, stated);
  const decode = (failOn: FailOn) => {
    let image = sharp(file, {
      failOn,
      limitInputPixels: limits.pixels,
      autoOrient: true,
      ignoreIcc: !convert && !toSrgb,
    });
    // Without a target sharp leaves 16-bit pictures in Display P3 (see `convertBack`) and 8-bit ones in sRGB.
    if (toSrgb || (convert && (!deep || options.toSrgb === true)))
      image = image.withIccProfile('srgb', { attach: false });
    return decodePixels(image, { grey, deep, alpha: header.hasAlpha });
  };
  const { picture, complete } = await decodeWhole(decode, header.format, options.strict === true, name);
  throwIfCancelled(options.signal, `reading ${name}`);

  const kept = readFileMetadata(bytes, header.format, metadata);
  const keepProfile = icc !== undefined && profile !== 'foreign' && options.toSrgb !== true;
  return {
    picture,
    source: {
      ...header,
      convertBack: keepProfile && profile === 'convert',
      ...(keepProfile && { icc }),
      metadata: kept,
    },
    file: complete ? bytes : undefined,
    warnings: [
      ...(complete ? [] : ['the file ends early; what is missing of the picture, if anything, is grey']),
      ...(kept.xmp !== undefined && !isXmp(kept.xmp) ? ['its XMP is damaged or far too large, and is left out'] : []),
    ],
  };
}

/**
 * A JPEG that ends early (a broken copy, a full card) is worth restoring: what is there is right. Other formats have no
 * picture before their end.
 */
async function decodeWhole(
  decode: (failOn: FailOn) => Promise<Picture>,
  format: ImageFormat,
  strict: boolean,
  name: string,
): Promise<{ readonly picture: Picture; readonly complete: boolean }> {
  try {
    return { picture: await decode('error'), complete: true };
  } catch (cause) {
    const endsEarly = format === 'jpeg' && cause instanceof Error && /premature end/i.test(cause.message);
    if (!endsEarly || strict) {
      const fix = endsEarly ? 'Get a complete copy, or leave --strict out to restore what is there.' : undefined;
      throw damaged(name, cause, fix);
    }
    const picture = await decode('none').catch((worse: unknown) => {
      throw damaged(name, worse);
    });
    return { picture, complete: false };
  }
}

/** Puts a profile into a file that described its colours in another way; an AVIF becomes a PNG for that. */
async function withProfile(bytes: Uint8Array, format: ImageFormat, icc: Uint8Array): Promise<Uint8Array> {
  const png = format === 'png' ? bytes : await sharp(bytes).png({ compressionLevel: 1 }).toBuffer();
  return withPngProfile(png, icc, deflateSync);
}

/** Reads and checks only the header; the same errors as `readImage`, as far as a header shows them. */
export async function readImageHeader(input: string | Uint8Array, options: ReadOptions = {}): Promise<ImageHeader> {
  return (await open(input, options)).header;
}

interface Opened {
  readonly bytes: Uint8Array;
  /** Profile of colours that the file states in another way. */
  readonly stated: Uint8Array | undefined;
  readonly metadata: Metadata;
  readonly header: ImageHeader;
  readonly limits: ImageLimits;
}

async function open(input: string | Uint8Array, options: ReadOptions): Promise<Opened> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const name = nameOfInput(input);
  const bytes = await readBytes(input, limits, options.signal);
  const signature = readSignature(bytes);
  if (signature.animated) throw animated(name, 'an animation');
  if (signature.format === undefined) throw notAnImage(name, signature);
  // What a photo editor saved under a camera's name would be taken for a photo, and is one; a camera's own file is none.
  if (signature.format === 'tiff' && typeof input === 'string' && isRawName(input)) throw notAnImage(name, RAW_FILE);

  // The pixel limit is this module's own check: sharp's would hide the numbers that the message needs.
  const metadata = await sharp(bytes, { failOn: 'error', limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw damaged(name, cause);
    });
  if ((metadata.pages ?? 1) > 1) throw animated(name, `${metadata.pages} pages`);
  const header = checkedHeader(metadata, signature.format, name, limits);
  const stated = statedColours(bytes, signature.format, header.colour === 'grey');
  if (stated?.kind === 'refused') throw unusualColours(name, stated.name);
  return { bytes, stated: stated?.icc, metadata, header, limits };
}

function checkedHeader(metadata: Metadata, format: ImageFormat, name: string, limits: ImageLimits): ImageHeader {
  const { width, height } = metadata.autoOrient;
  if (width * height > limits.pixels) {
    throw new ClearwordError(
      'IMAGE_TOO_LARGE',
      `expected at most ${limits.pixels} pixels for ${name}, received ${width} x ${height} = ${width * height}`,
    );
  }
  if (format === 'avif' && metadata.compression !== 'av1') {
    throw notAnImage(name, { description: 'a HEIC picture', fix: HEIC_ADVICE });
  }
  const colour = colourOf(metadata);
  if (['float', 'double', 'complex', 'dpcomplex'].includes(metadata.depth)) {
    throw new ClearwordError(
      'NOT_AN_IMAGE',
      `expected a picture with 8 or 16 bits a value for ${name}, received a floating-point picture`,
      { fix: 'Convert it to 16 bits a value with the program that made it, and restore that.' },
    );
  }
  if (colour === undefined || !['uchar', 'ushort'].includes(metadata.depth)) {
    const received = `${metadata.channels} channels of ${metadata.space} with values of type ${metadata.depth}`;
    throw new ClearwordError(
      'NOT_AN_IMAGE',
      `expected grey, RGB or CMYK with 8 or 16 bits a value for ${name}, received ${received}`,
      { fix: 'Convert the picture to 8- or 16-bit RGB, as a PNG or TIFF, with another program.' },
    );
  }
  const bits = metadata.depth === 'ushort' ? (metadata.bitsPerSample ?? 16) : 8;
  return { format, width, height, bits, colour, hasAlpha: metadata.hasAlpha };
}

function colourOf(metadata: Metadata): ImageHeader['colour'] | undefined {
  const colours = metadata.channels - (metadata.hasAlpha ? 1 : 0);
  if (metadata.space === 'cmyk') return colours === 4 ? 'cmyk' : undefined;
  if (['b-w', 'grey16'].includes(metadata.space)) return colours === 1 ? 'grey' : undefined;
  return ['srgb', 'rgb', 'rgb16'].includes(metadata.space) && colours === 3 ? 'rgb' : undefined;
}

/**
 * 'error' refuses what ends too early or cannot be decoded and tolerates what every viewer does (unknown TIFF tags,
 * stray bytes between JPEG markers), which sharp's default would refuse.
 */
type FailOn = 'error' | 'none';

interface Layout {
  readonly grey: boolean;
  /** 16 bits a value. */
  readonly deep: boolean;
  readonly alpha: boolean;
}

async function decodePixels(image: Sharp, { grey, deep, alpha }: Layout): Promise<Picture> {
  // libvips writes only the first band of an 8-bit grey picture as raw pixels, so grey with alpha goes by way of RGB.
  const asGrey = grey && (deep || !alpha);
  const space = asGrey ? (deep ? 'grey16' : 'b-w') : deep ? 'rgb16' : 'srgb';
  const { data, info } = await image
    .toColourspace(space)
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const channels = info.channels as 1 | 2 | 3 | 4;
  // A plain typed array instead of a Buffer, whose slice() would share memory. sharp's start at an even offset, 0.
  const samples: Samples = deep
    ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2)
    : new Uint8Array(data.buffer, data.byteOffset, data.length);
  const picture = splitAlpha(samples, info.width, info.height, channels);
  return grey && picture.channels === 3 ? firstChannel(picture) : picture;
}

function firstChannel(picture: Picture): Picture {
  return { ...picture, channels: 1, data: picture.data.filter((_, i) => i % 3 === 0) };
}

const RAW_FILE = { description: 'a raw file of a camera', fix: RAW_ADVICE } as const;

function notAnImage(name: string, { description, fix }: Pick<Signature, 'description' | 'fix'>): ClearwordError {
  return new ClearwordError(
    'NOT_AN_IMAGE',
    `expected a JPEG, PNG, WebP, TIFF or AVIF picture for ${name}, received ${description}`,
    fix === undefined ? {} : { fix },
  );
}

function unusualColours(name: string, received: string): ClearwordError {
  return new ClearwordError(
    'NOT_AN_IMAGE',
    `expected a picture of ordinary brightness for ${name}, received ${received}`,
    {
      fix: 'Export it in sRGB or Display P3 (SDR) with another program, and restore that.',
    },
  );
}

function animated(name: string, received: string): ClearwordError {
  return new ClearwordError('IMAGE_ANIMATED', `expected a single picture for ${name}, received ${received}`);
}

function damaged(name: string, cause: unknown, fix?: string): ClearwordError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new ClearwordError('IMAGE_DAMAGED', `expected a complete picture for ${name}: ${reason}`, {
    cause,
    ...(fix !== undefined && { fix }),
  });
}
