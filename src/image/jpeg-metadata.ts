/**
 * Metadata in JPEG files: segments (ITU-T T.81; JFIF 1.02; EXIF 2.3 and ISO 16684-3 for APP1; Adobe's image resource block
 * in APP13).
 *
 * @module
 */
import { joined, jpegParts, latin1, startsWith, viewOf } from './file-parts.ts';
import { type FileMetadata, ifAny, type Resolution, resolutionIn } from './metadata.ts';
import { readResources, writeResources } from './photoshop-resources.ts';
import { EXTENSION_NAME, joinSegments, splitXmp, XMP_NAME } from './xmp-extended.ts';

const EXIF_NAME = 'Exif\0\0';
const JFIF_NAME = 'JFIF\0';
const PHOTOSHOP_NAME = 'Photoshop 3.0\0';
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP13 = 0xed;
const COMMENT = 0xfe;
/** A segment counts its own two length bytes. */
const LARGEST_SEGMENT = 65_533;
/** JFIF's units of density, by their number. */
const UNITS = ['none', 'inch', 'cm'] as const;

export function readJpegMetadata(bytes: Uint8Array): FileMetadata {
  const parts = jpegParts(bytes);
  const bodies = (marker: number, name: string): Uint8Array[] =>
    parts
      .filter((part) => part.marker === marker && startsWith(bytes.subarray(part.start + 4, part.end), name))
      .map(({ start, end }) => bytes.subarray(start + 4 + name.length, end));
  const [exif] = bodies(APP1, EXIF_NAME);
  const [jfif] = bodies(APP0, JFIF_NAME);
  return {
    exif,
    xmp: joinSegments(bodies(APP1, XMP_NAME), bodies(APP1, EXTENSION_NAME)),
    iptc: ifAny(readResources(joined(bodies(APP13, PHOTOSHOP_NAME)))),
    resolution: jfif && readDensity(jfif),
    texts: ifAny(parts.filter(({ marker }) => marker === COMMENT).map(({ start, end }) => bytes.slice(start, end))),
  };
}

/** The file with metadata. Blocks that a JPEG cannot hold are left out. */
export function withJpegMetadata(bytes: Uint8Array, metadata: FileMetadata): Uint8Array<ArrayBuffer> {
  const { exif, xmp, iptc = [], resolution, texts = [] } = metadata;
  const segment = (marker: number, name: string, body: Uint8Array): Uint8Array[] => {
    const length = name.length + body.length + 2;
    return length > LARGEST_SEGMENT + 2
      ? []
      : [Uint8Array.of(0xff, marker, length >> 8, length & 0xff), latin1(name), body];
  };
  const packets = xmp === undefined ? undefined : splitXmp(xmp);
  const added = [
    ...(exif === undefined ? [] : segment(APP1, EXIF_NAME, exif)),
    ...(packets === undefined ? [] : segment(APP1, XMP_NAME, packets.main)),
    ...(packets?.pieces ?? []).flatMap((piece) => segment(APP1, EXTENSION_NAME, piece)),
    ...(iptc.length === 0 ? [] : segment(APP13, PHOTOSHOP_NAME, writeResources(iptc))),
    ...texts,
  ];
  // The JFIF header has to come first. Every result has one: without it, programs guess what the colours are.
  const old = jpegParts(bytes).find(
    ({ marker, start }) => marker === APP0 && startsWith(bytes.subarray(start + 4), JFIF_NAME),
  );
  const jfif = Uint8Array.from(JFIF_HEADER);
  writeDensity(jfif, resolution);
  return joined([bytes.subarray(0, 2), jfif, ...added, bytes.subarray(old?.end ?? 2)]);
}

/** Version 1.01, no units, a ratio of 1 to 1, no thumbnail. */
const JFIF_HEADER = [0xff, APP0, 0, 16, ...latin1(JFIF_NAME), 1, 1, 0, 0, 1, 0, 1, 0, 0];

/** Version, units, density in x and y, each two bytes but the units. */
function readDensity(jfif: Uint8Array): Resolution | undefined {
  if (jfif.length < 7) return undefined;
  const unit = UNITS[jfif[2] as number];
  const [x, y] = [viewOf(jfif).getUint16(3), viewOf(jfif).getUint16(5)];
  // A ratio of 1 says nothing.
  return unit === undefined || x === 0 || y === 0 || (unit === 'none' && x === y) ? undefined : { x, y, unit };
}

/** @param header a whole segment; changed in place */
function writeDensity(header: Uint8Array, resolution: Resolution = { x: 1, y: 1, unit: 'none' }): void {
  const { x, y, unit } = resolution.unit === 'metre' ? resolutionIn(resolution, 'inch') : resolution;
  const view = viewOf(header);
  view.setUint8(11, UNITS.indexOf(unit === 'metre' ? 'inch' : unit));
  view.setUint16(12, Math.min(0xffff, Math.max(1, Math.round(x))));
  view.setUint16(14, Math.min(0xffff, Math.max(1, Math.round(y))));
}
