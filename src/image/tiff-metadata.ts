/**
 * Metadata in TIFF files: fields of the first directory (TIFF 6.0; ISO 16684-3 for XMP), in which libvips neither reads EXIF
 * nor writes what the source had.
 *
 * @module
 */
import {
  decodeXmp,
  type FileMetadata,
  ifAny,
  type PhotoshopResource,
  type Resolution,
  resolutionIn,
} from './metadata.ts';
import { IPTC_RESOURCE, iptcResources, readResources } from './photoshop-resources.ts';
import { type Field, readDirectory, readHeader } from './tiff-directory.ts';
import { exifOfTiff, withTiffFields } from './tiff-exif.ts';

const X_RESOLUTION = 0x011a;
const Y_RESOLUTION = 0x011b;
const RESOLUTION_UNIT = 0x0128;
const XMP = 0x02bc;
const IPTC = 0x83bb;
const PHOTOSHOP = 0x8649;
/** By the number of the unit. */
const UNITS: Readonly<Record<number, Resolution['unit']>> = { 1: 'none', 2: 'inch', 3: 'cm' };
const TYPE = { byte: 1, short: 3, long: 4, rational: 5, undefined: 7 } as const;

export function readTiffMetadata(file: Uint8Array): FileMetadata {
  const header = readHeader(file);
  const fields = (header && readDirectory(file, header.first, header.little)) ?? [];
  const find = (wanted: number) => fields.find(({ tag }) => tag === wanted);
  const [xmp, iptc, photoshop] = [find(XMP), find(IPTC), find(PHOTOSHOP)];
  return {
    exif: exifOfTiff(file),
    xmp: xmp && decodeXmp(xmp.bytes),
    iptc: ifAny(iptc ? iptcOf(iptc, header?.little === true) : photoshop ? readResources(photoshop.bytes) : []),
    resolution: readResolution(find(X_RESOLUTION), find(Y_RESOLUTION), find(RESOLUTION_UNIT)),
  };
}

/** A little-endian TIFF file, as libvips writes it, with metadata, and with no other resolution than theirs. */
export function withTiffMetadata(file: Uint8Array, { exif, xmp, iptc, resolution }: FileMetadata): Uint8Array {
  const records = iptc?.find(({ id }) => id === IPTC_RESOURCE)?.data;
  const fields = [
    ...resolutionFields(resolution ?? (exif && exifResolution(exif))),
    ...(xmp === undefined ? [] : [bytesField(XMP, TYPE.byte, new TextEncoder().encode(xmp))]),
    ...(records === undefined ? [] : [bytesField(IPTC, TYPE.undefined, records)]),
  ];
  return withTiffFields(file, fields, exif);
}

/** The resolution that a block of EXIF has, for a format whose own field has to say something. */
function exifResolution(exif: Uint8Array): Resolution | undefined {
  const header = readHeader(exif);
  const fields = (header && readDirectory(exif, header.first, header.little)) ?? [];
  const find = (wanted: number) => fields.find(({ tag }) => tag === wanted);
  return readResolution(find(X_RESOLUTION), find(Y_RESOLUTION), find(RESOLUTION_UNIT));
}

/** Some programs write the records as LONGs, whose order then depends on that of the file. */
function iptcOf({ type, bytes }: Field, little: boolean): PhotoshopResource[] {
  const resources = iptcResources(bytes);
  if (resources.length > 0 || type !== TYPE.long) return resources;
  const swapped = bytes.slice();
  for (let at = 0; at + 4 <= swapped.length; at += 4) swapped.subarray(at, at + 4).reverse();
  return little ? [] : iptcResources(swapped);
}

function readResolution(x?: Field, y?: Field, unit?: Field): Resolution | undefined {
  if (x?.type !== TYPE.rational || y?.type !== TYPE.rational) return undefined;
  const [across, down] = [rational(x), rational(y)];
  // Inches unless told otherwise.
  const named = unit === undefined ? 'inch' : UNITS[unit.bytes[0] ?? 0];
  if (named === undefined || !(across > 0 && down > 0) || !Number.isFinite(across * down)) return undefined;
  return named === 'none' && across === down ? undefined : { x: across, y: down, unit: named };
}

function rational({ bytes }: Field): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(0, true) / view.getUint32(4, true);
}

/** The three fields are required: where nothing is known, a ratio of 1 without a unit. */
function resolutionFields(resolution: Resolution = { x: 1, y: 1, unit: 'none' }): Field[] {
  const given = resolution.unit === 'metre' ? resolutionIn(resolution, 'inch') : resolution;
  const unit = given.unit === 'none' ? 1 : given.unit === 'cm' ? 3 : 2;
  return [
    rationalField(X_RESOLUTION, given.x),
    rationalField(Y_RESOLUTION, given.y),
    { tag: RESOLUTION_UNIT, type: TYPE.short, count: 1, bytes: Uint8Array.of(unit, 0) },
  ];
}

/** Thousandths where the number is not whole; whole numbers stay as people know them. */
function rationalField(tag: number, value: number): Field {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  const denominator = Math.abs(value - Math.round(value)) < 5e-4 ? 1 : 1000;
  view.setUint32(0, Math.max(1, Math.round(value * denominator)), true);
  view.setUint32(4, denominator, true);
  return { tag, type: TYPE.rational, count: 1, bytes };
}

function bytesField(tag: number, type: number, bytes: Uint8Array): Field {
  return { tag, type, count: bytes.length, bytes };
}
