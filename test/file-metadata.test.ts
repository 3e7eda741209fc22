import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CanvasFormat, readMetadata, withMetadata } from '../src/browser/file-metadata.ts';

const FORMATS = ['jpeg', 'png', 'webp'] as const;
const XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>ä ✓ 𝄞</rdf:RDF></x:xmpmeta>';

const plain = {} as Record<CanvasFormat, Uint8Array<ArrayBuffer>>;
let exif: Uint8Array;

beforeAll(async () => {
  const image = () => sharp({ create: { width: 33, height: 21, channels: 3, background: '#a52' } });
  for (const format of FORMATS) plain[format] = new Uint8Array(await image().toFormat(format).toBuffer());
  const tagged = await image()
    .withExif({ IFD0: { Copyright: 'somebody' } })
    .withMetadata({ orientation: 8 })
    .jpeg()
    .toBuffer();
  exif = readMetadata(new Uint8Array(tagged), 'jpeg').exif as Uint8Array;
});

describe.each(FORMATS)('%s', (format) => {
  it('gives back what was written, readable to others, with the same pixels', async () => {
    const file = withMetadata(plain[format], format, { exif, xmp: XMP });
    expect(readMetadata(file, format)).toEqual({ format, exif, xmp: XMP });
    const metadata = await sharp(file).metadata();
    // Upright, although the photo was not.
    expect(metadata).toMatchObject({ format, width: 33, height: 21, xmpAsString: XMP, orientation: 1 });
    expect(metadata.exif?.includes('somebody')).toBe(true);
    const pixels = (bytes: Uint8Array) => sharp(bytes).raw().toBuffer();
    expect((await pixels(file)).equals(await pixels(plain[format]))).toBe(true);
  });

  it('stays as it is without metadata, but for its container', async () => {
    const file = withMetadata(plain[format], format, {});
    expect(readMetadata(file, format)).toEqual({ format });
    expect((await sharp(file).metadata()).width).toBe(33);
  });

  it('is read without an error however it is damaged', () => {
    const whole = withMetadata(plain[format], format, { exif, xmp: XMP });
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 });
    fc.assert(
      fc.property(damage, fc.nat(whole.length), (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        expect(readMetadata(bytes, format).format).toBe(format);
      }),
      { numRuns: 300 },
    );
  });
});

it('a JPEG leaves out what does not fit into a segment', () => {
  const file = withMetadata(plain.jpeg, 'jpeg', { exif, xmp: 'x'.repeat(70_000) });
  expect(readMetadata(file, 'jpeg')).toEqual({ format: 'jpeg', exif });
});

it('other formats have none that is kept', () => {
  expect(readMetadata(Uint8Array.of(1, 2, 3), 'tiff')).toEqual({ format: undefined });
  expect(readMetadata(Uint8Array.of(), undefined)).toEqual({ format: undefined });
});
