import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { patternPicture } from '../../test/support/pictures.ts';
import { joined, jpegParts, latin1 } from './file-parts.ts';
import { encodeImage } from './image-encode.ts';
import { IMAGE_FORMATS, type ImageFormat, readImage } from './image-file.ts';
import { md5 } from './md5.ts';
import type { Resolution } from './metadata.ts';
import { pngChunk } from './png-metadata.ts';
import { lostMetadata } from './source-metadata.ts';
import { mergeXmp } from './xmp.ts';
import { RDF } from './xmp-tree.ts';

const picture = patternPicture(24, 16);
const plain = Object.fromEntries(
  await Promise.all(IMAGE_FORMATS.map(async (format) => [format, await encodeImage(picture, { format })] as const)),
) as Record<ImageFormat, Buffer>;

const utf8 = (text: string) => new TextEncoder().encode(text);
const packet = (body: string) =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="${RDF}">${body}</rdf:RDF></x:xmpmeta>`;
const title = (text: string) =>
  packet(`<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:title="${text}"/>`);

function segment(marker: number, ...body: readonly Uint8Array[]): Uint8Array {
  const length = body.reduce((sum, part) => sum + part.length, 2);
  return joined([Uint8Array.of(0xff, marker, length >> 8, length & 0xff), ...body]);
}

/** The JPEG with segments after its first one. */
const jpegWith = (...segments: readonly Uint8Array[]) =>
  joined([plain.jpeg.subarray(0, 20), ...segments, plain.jpeg.subarray(20)]);
const pngWith = (...chunks: readonly Uint8Array[]) =>
  joined([plain.png.subarray(0, 33), ...chunks, plain.png.subarray(33)]);
const XMP = latin1('http://ns.adobe.com/xap/1.0/\0');
const EXTENSION = latin1('http://ns.adobe.com/xmp/extension/\0');
const IPTC = joined([Uint8Array.of(0x1c, 2, 25, 0, 4), latin1('rain')]);
const photoshop = (id: number, data: Uint8Array) =>
  joined([
    latin1('8BIM'),
    Uint8Array.of(id >> 8, id & 0xff, 0, 0, 0, 0, 0, data.length),
    data,
    new Uint8Array(data.length % 2),
  ]);

/** What comes out of the same picture written again. */
async function again(file: Uint8Array, format?: ImageFormat) {
  const { picture: read, source } = await readImage(file);
  const bytes = await encodeImage(read, {
    format: format ?? source.format,
    source,
    xmp: mergeXmp(source.metadata.xmp, { seed: 1 }),
  });
  return { bytes, before: source.metadata, after: (await readImage(bytes)).source.metadata };
}

describe('XMP', () => {
  it('larger than a segment comes in pieces and goes out in pieces', async () => {
    const large = `<rdf:Description rdf:about="" xmlns:d="urn:d" d:data="${'QUJD'.repeat(40_000)}"/>`;
    const extended = utf8(packet(large));
    const id = md5(extended);
    const main = packet(
      `<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:title="kept"
        xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="${id}"/>`,
    );
    const pieces: Uint8Array[] = [];
    // The last first: their order is in them, not in the file.
    for (let at = 0; at < extended.length; at += 60_000) {
      const head = Buffer.alloc(40);
      head.write(id, 'latin1');
      head.writeUInt32BE(extended.length, 32);
      head.writeUInt32BE(at, 36);
      pieces.unshift(segment(0xe1, EXTENSION, head, extended.subarray(at, at + 60_000)));
    }
    const { bytes, after } = await again(jpegWith(segment(0xe1, XMP, utf8(main)), ...pieces));
    expect(after.xmp).toContain('QUJD'.repeat(40_000));
    expect(after.xmp).toContain('dc:title="kept"');
    const segments = jpegParts(bytes).map(({ start, end }) => bytes.subarray(start + 4, end));
    const extensions = segments.filter((body) => body.subarray(0, EXTENSION.length).equals(EXTENSION));
    expect(extensions).toHaveLength(3);
    const whole = joined(extensions.map((body) => body.subarray(EXTENSION.length + 40)));
    const named = extensions[0]?.toString('latin1', EXTENSION.length, EXTENSION.length + 32);
    expect(md5(whole)).toBe(named);
    expect(bytes.toString('latin1')).toContain(`xmpNote:HasExtendedXMP="${named}"`);
    expect((await again(bytes, 'png')).after.xmp).not.toContain('HasExtendedXMP');
  });

  it('that names an extension which is missing names it no more', async () => {
    const main = packet(
      `<rdf:Description rdf:about="" xmlns:n="http://ns.adobe.com/xmp/note/"><n:HasExtendedXMP>AB</n:HasExtendedXMP></rdf:Description>`,
    );
    expect((await again(jpegWith(segment(0xe1, XMP, utf8(main))))).after.xmp).not.toContain('HasExtendedXMP');
  });

  it('that is damaged is left out, with a warning', async () => {
    const file = jpegWith(segment(0xe1, XMP, utf8(title('t').slice(0, -20))));
    expect((await readImage(file)).warnings).toEqual(['its XMP is damaged or far too large, and is left out']);
    expect((await again(file)).after.xmp).toContain('clearword:seed="1"');
  });

  it('in UTF-16 of both orders, compressed, after the picture, between scans and beside another', async () => {
    const little = Buffer.from(`\uFEFF${title('ä')}`, 'utf16le');
    const big = Buffer.from(little).swap16();
    const itxt = (compressed: number, body: Uint8Array) =>
      joined(pngChunk('iTXt', joined([latin1('XML:com.adobe.xmp\0'), Uint8Array.of(compressed, 0, 0, 0), body])));
    const progressive = new Uint8Array(
      await sharp(picture.data, { raw: { width: 24, height: 16, channels: 3 } })
        .jpeg({ progressive: true })
        .toBuffer(),
    );
    const lastTable = jpegParts(progressive).at(-1)?.start ?? 0;
    const end = plain.png.length - 12;
    const files = {
      'little-endian': jpegWith(segment(0xe1, XMP, little)),
      'big-endian': jpegWith(segment(0xe1, XMP, big)),
      compressed: pngWith(itxt(1, deflateSync(utf8(title('ä'))))),
      'after the picture': joined([plain.png.subarray(0, end), itxt(0, utf8(title('ä'))), plain.png.subarray(end)]),
      'between scans': joined([
        progressive.subarray(0, lastTable),
        segment(0xe1, XMP, utf8(title('ä'))),
        progressive.subarray(lastTable),
      ]),
      'beside another': jpegWith(
        segment(0xe1, XMP, utf8(packet('<rdf:Description rdf:about="" xmlns:e="urn:e" e:other="1"/>'))),
        segment(0xe1, XMP, utf8(title('ä'))),
      ),
    };
    for (const [name, file] of Object.entries(files)) {
      const { after } = await again(file);
      expect(after.xmp, name).toContain('dc:title="ä"');
      if (name === 'beside another') expect(after.xmp).toContain('e:other="1"');
    }
  });

  it('promises nothing that was cut off: motion photos, gain maps, thumbnails', async () => {
    const camera = packet(`<rdf:Description rdf:about=""
      xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="9"
      GCamera:SpecialTypeID="burst" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"
      xmlns:Container="http://ns.google.com/photos/1.0/container/"
      xmlns:Item="http://ns.google.com/photos/1.0/container/item/"><Container:Directory><rdf:Seq>
      <rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="MotionPhoto" Item:Length="9"/></rdf:li>
      </rdf:Seq></Container:Directory><xmp:Thumbnails xmlns:xmp="http://ns.adobe.com/xap/1.0/"/></rdf:Description>`);
    const { after } = await again(joined([jpegWith(segment(0xe1, XMP, utf8(camera))), latin1('a video')]));
    expect(after.xmp).toContain('GCamera:SpecialTypeID="burst"');
    expect(after.xmp).not.toMatch(/MotionPhoto|MicroVideo|hdrgm|Container|Item|Thumbnails/);
  });
});

describe('IPTC, comments and texts', () => {
  const records = segment(0xed, latin1('Photoshop 3.0\0'), photoshop(0x0409, IPTC), photoshop(0x0404, IPTC));

  it('IPTC goes from JPEG to JPEG and TIFF and back; other formats lose it, and say so', async () => {
    const file = jpegWith(records);
    const kept = [{ id: 0x0404, data: IPTC }];
    const { bytes, before, after } = await again(file);
    // Photoshop's own resource, such as a thumbnail, is not kept.
    expect(before.iptc).toEqual(kept);
    expect(after.iptc).toEqual(kept);
    expect(Buffer.from((await sharp(bytes).metadata()).iptc ?? []).includes('rain')).toBe(true);
    const tiff = await again(file, 'tiff');
    expect(tiff.after.iptc).toEqual(kept);
    expect((await sharp(tiff.bytes).metadata()).iptc).toEqual(Buffer.from(IPTC));
    expect((await again(tiff.bytes, 'jpeg')).after.iptc).toEqual(kept);
    expect(IMAGE_FORMATS.filter((format) => lostMetadata(before, 'jpeg', format).includes('IPTC'))).toEqual([
      'png',
      'webp',
      'avif',
    ]);
  });

  it('comments of a JPEG and texts of a PNG stay in their format', async () => {
    const comment = segment(0xfe, latin1('a comment'));
    expect((await again(jpegWith(comment))).after.texts).toEqual([comment]);
    const author = joined(pngChunk('tEXt', latin1('Author\0Ada')));
    const { before, after } = await again(pngWith(author));
    expect(after.texts).toEqual([author]);
    expect(lostMetadata(before, 'png', 'jpeg')).toEqual(['PNG texts']);
  });

  it('profiles that ImageMagick wrote as text are read', async () => {
    const hex = (bytes: Uint8Array) =>
      Buffer.from(bytes)
        .toString('hex')
        .replace(/(.{72})/g, '$1\n');
    const profile = (name: string, body: Uint8Array) =>
      joined(
        pngChunk(
          'zTXt',
          joined([
            latin1(`Raw profile type ${name}\0\0`),
            deflateSync(latin1(`\n${name}\n      ${body.length}\n${hex(body)}\n`)),
          ]),
        ),
      );
    const { before, after } = await again(
      pngWith(profile('iptc', photoshop(0x0404, IPTC)), profile('xmp', utf8(title('t')))),
    );
    expect(before.iptc).toEqual([{ id: 0x0404, data: IPTC }]);
    expect(after.xmp).toContain('dc:title="t"');
    expect(after.iptc).toEqual(before.iptc);
  });
});

describe('resolution', () => {
  const jfif = (unit: number, x: number, y: number) => {
    const file = new Uint8Array(plain.jpeg);
    file.set([unit, x >> 8, x & 0xff, y >> 8, y & 0xff], 13);
    return file;
  };

  it('of a JPEG goes into every format that has a field for it', async () => {
    const inch: Resolution = { x: 300, y: 150, unit: 'inch' };
    const cm: Resolution = { x: 118, y: 118, unit: 'cm' };
    const ratio: Resolution = { x: 1, y: 2, unit: 'none' };
    const cases = [
      { file: jfif(1, 300, 150), jpeg: inch, tiff: inch, png: { x: 11811, y: 5906, unit: 'metre' } },
      { file: jfif(2, 118, 118), jpeg: cm, tiff: cm, png: { x: 11800, y: 11800, unit: 'metre' } },
      { file: jfif(0, 1, 2), jpeg: ratio, tiff: ratio, png: ratio },
      { file: jfif(0, 1, 1), jpeg: undefined, tiff: undefined, png: undefined },
    ];
    for (const { file, ...expected } of cases) {
      for (const format of ['jpeg', 'tiff', 'png'] as const) {
        expect((await again(file, format)).after.resolution, format).toEqual(expected[format]);
      }
    }
    const { bytes } = await again((await again(jfif(1, 300, 300), 'png')).bytes, 'jpeg');
    expect((await sharp(bytes).metadata()).density).toBe(300);
  });
});

describe('EXIF', () => {
  /** Make in IFD0 and a thumbnail in IFD1, big-endian; neither colour space nor resolution nor orientation. */
  const block = Buffer.from([
    ...[0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x0f, 0, 2, 0, 0, 0, 4, ...Buffer.from('Cam\0'), 0, 0, 0, 26],
    ...[0, 2, 2, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 56, 2, 2, 0, 4, 0, 0, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0],
    ...Buffer.from('old photo').subarray(0, 6),
  ]);

  it('comes out byte for byte, without the thumbnail and with nothing added, in every format', async () => {
    const file = jpegWith(segment(0xe1, latin1('Exif\0\0'), block));
    for (const format of IMAGE_FORMATS) {
      const { bytes, after } = await again(file, format);
      expect(bytes.includes('old ph'), format).toBe(false);
      if (format === 'tiff') {
        // There it stands in the file's own directory.
        expect(Buffer.from(after.exif ?? []).includes('Cam')).toBe(true);
        continue;
      }
      const expected = Buffer.from(block.subarray(0, 56));
      expected.writeUInt32BE(0, 22);
      expect(Buffer.from(after.exif ?? []), format).toEqual(expected);
    }
  });

  it('changes width and height with the orientation', async () => {
    const turned = await sharp(picture.data, { raw: { width: 24, height: 16, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { bytes } = await again(turned);
    const exif = (await sharp(bytes).metadata()).exif ?? Buffer.alloc(0);
    const value = (tag: number) => exif.readUInt32LE(exif.indexOf(Uint8Array.of(tag & 0xff, tag >> 8)) + 8);
    expect([value(0xa002), value(0xa003)]).toEqual([16, 24]);
  });
});
