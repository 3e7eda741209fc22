import { DOMParser } from '@xmldom/xmldom';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import { patternPicture } from '../../test/support/pictures.ts';
import { encodeImage } from './image-encode.ts';
import { IMAGE_FORMATS, readImage } from './image-file.ts';
import { mergeXmp, readXmpProperties, XMP_NAMESPACE } from './xmp.ts';
import { RDF } from './xmp-tree.ts';

const CAMERA =
  '<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">' +
  '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" ' +
  'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" dc:format="Zoë" ' +
  `tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>${' '.repeat(2000)}<?xpacket end="w"?>`;

/** Characters that XML 1.0 cannot hold become the replacement character. */
const writable = (text: string) =>
  [...text]
    .map((character) =>
      /[^\P{Cc}\n\r\t\u007f-\u009f]|[\uFFFE\uFFFF]|\p{Surrogate}/u.test(character) ? '\uFFFD' : character,
    )
    .join('');

describe('merging', () => {
  it('makes a packet where there is none', () => {
    const packet = mergeXmp(undefined, { prompt: 'remove the rain', seed: 7, sampler: undefined });
    expect(packet).toContain(`xmlns:clearword="${XMP_NAMESPACE}"`);
    expect(readXmpProperties(packet)).toEqual({ prompt: 'remove the rain', seed: '7' });
  });

  it('keeps what the packet had, but not its orientation and padding', () => {
    const packet = mergeXmp(CAMERA, { seed: 1 });
    expect(packet).toContain('dc:format="Zoë"');
    expect(packet).toContain('tiff:Orientation="1"');
    expect(packet.length).toBeLessThan(CAMERA.length);
    expect(packet.match(/<\/rdf:RDF>/g)).toHaveLength(1);
  });

  it('replaces the properties of an earlier restoration', () => {
    const packet = mergeXmp(mergeXmp(CAMERA, { seed: 1, prompt: 'a "quoted" <prompt>' }), { seed: 2 });
    expect(readXmpProperties(packet)).toEqual({ seed: '2' });
    expect(packet.match(/xmlns:clearword/g)).toHaveLength(1);
  });

  it('opens an empty rdf:RDF and replaces what is no XMP', () => {
    const empty = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="${RDF}"/></x:xmpmeta>`;
    expect(mergeXmp(empty, { seed: 1 })).toMatch(/<rdf:RDF [^>]*><rdf:Description.*<\/rdf:RDF><\/x:xmpmeta>/);
    expect(readXmpProperties(mergeXmp('not xmp', { seed: 3 }))).toEqual({ seed: '3' });
  });

  it('a packet made to keep the parser busy is replaced unparsed', () => {
    const description = (attributes: string, body: string) =>
      `<rdf:RDF xmlns:rdf="${RDF}"><rdf:Description rdf:about="" ${attributes}>${body}</rdf:Description></rdf:RDF>`;
    const many = 500_000;
    for (const packet of [
      description('', '<a>'.repeat(many) + '</a>'.repeat(many)),
      description('', '<a/>'.repeat(many)),
      description(Array.from({ length: many }, (_, i) => `a${i}="1"`).join(' '), ''),
      description(Array.from({ length: many }, (_, i) => `a${i}='1'`).join(' '), ''),
      '<x:xmpmeta '.repeat(many),
      '<x:xmpmeta '.repeat(30_000),
      `${'&amp;'.repeat(many)}>`,
    ]) {
      const parse = vi.spyOn(DOMParser.prototype, 'parseFromString');
      expect(readXmpProperties(mergeXmp(packet, { seed: 1 }))).toEqual({ seed: '1' });
      // The parser sees the new packet only.
      for (const [text] of parse.mock.calls) expect(text.length).toBeLessThan(1000);
      expect(parse).toHaveBeenCalled();
      parse.mockRestore();
    }
  });

  it('any text comes back, except characters that XML cannot hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (prompt) => {
        const back = readXmpProperties(mergeXmp(CAMERA, { prompt })).prompt as string;
        expect(back).toBe(writable(prompt));
      }),
    );
  });
});

describe('in files', () => {
  it('every format carries the packet', async () => {
    const picture = patternPicture(16, 12);
    const xmp = mergeXmp(CAMERA, { prompt: 'Nebel entfernen – bitte', seed: 5 });
    for (const format of IMAGE_FORMATS) {
      const file = await encodeImage(picture, { format, xmp });
      const { source } = await readImage(file);
      expect(source.metadata.xmp, format).toBe(xmp);
      expect((await sharp(file).metadata()).xmpAsString, format).toContain('Nebel entfernen – bitte');
    }
  });
});
