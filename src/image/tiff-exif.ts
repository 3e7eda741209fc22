/**
 * EXIF in TIFF files, which libvips neither reads nor writes.
 *
 * In a TIFF the facts of EXIF stand in the file's own first directory and in directories that it points to; in other
 * formats they are a block of the same form. Both ways between them are here.
 *
 * @module
 */
import { joined } from './file-parts.ts';
import {
  even,
  type Field,
  pointedAt,
  pointer,
  readDirectory,
  readHeader,
  type TiffHeader,
  writeDirectory,
} from './tiff-directory.ts';

const EXIF_DIRECTORY = 0x8769;
const GPS_DIRECTORY = 0x8825;
/** Points to a third directory, of no use without the camera's own file layout. */
const INTEROPERABILITY = 0xa005;
/** Of a TIFF's first directory those fields that are about the photo and not about how its pixels are stored. */
const DESCRIPTIVE = new Set([
  0x010e, // ImageDescription
  0x010f, // Make
  0x0110, // Model
  0x010d, // DocumentName
  0x011d, // PageName
  0x0131, // Software
  0x0132, // DateTime
  0x013b, // Artist
  0x013c, // HostComputer
  0x4746, // Rating
  0x4749, // RatingPercent
  0x8298, // Copyright
  0x9c9b, // XPTitle
  0x9c9c, // XPComment
  0x9c9d, // XPAuthor
  0x9c9e, // XPKeywords
  0x9c9f, // XPSubject
]);

interface PhotoFacts {
  readonly descriptive: readonly Field[];
  readonly exif: readonly Field[];
  readonly gps: readonly Field[];
}

/** The EXIF of a TIFF file as a block for other formats; undefined when it has none. */
export function exifOfTiff(file: Uint8Array): Uint8Array | undefined {
  const header = readHeader(file);
  const facts = header && readFacts(file, header);
  if (facts === undefined || facts.descriptive.length + facts.exif.length + facts.gps.length === 0) return undefined;
  const block = Uint8Array.from([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  return joined([block, ...placed(facts, facts.descriptive, block.length)]);
}

/**
 * A little-endian TIFF file, as libvips writes it, with fields set and the EXIF of a block added: a new first directory at
 * the end of the file, with the old one's other fields. The file as it is when its directory cannot be read.
 */
export function withTiffFields(file: Uint8Array, set: readonly Field[], exif?: Uint8Array): Uint8Array {
  const header = readHeader(file);
  const old = header?.little === true ? readDirectory(file, header.first, true) : undefined;
  if (old === undefined) return file;
  const blockHeader = exif && readHeader(exif);
  const facts = (exif && blockHeader && readFacts(exif, blockHeader)) ?? NO_FACTS;
  const changed = new Set(set.map(({ tag }) => tag));
  const fields = [...old.filter(({ tag }) => !changed.has(tag)), ...set];
  const present = new Set(fields.map(({ tag }) => tag));
  const added = facts.descriptive.filter(({ tag }) => !present.has(tag));
  const end = even(file.length);
  const directories = placed(facts, [...fields, ...added], end);
  const result = joined([file, new Uint8Array(end - file.length), ...directories]);
  new DataView(result.buffer).setUint32(4, end, true);
  return result;
}

const NO_FACTS: PhotoFacts = { descriptive: [], exif: [], gps: [] };

function readFacts(bytes: Uint8Array, { first, little }: TiffHeader): PhotoFacts | undefined {
  const main = readDirectory(bytes, first, little);
  if (main === undefined) return undefined;
  const below = (tag: number): Field[] => {
    const field = main.find((candidate) => candidate.tag === tag);
    const offset = field && pointedAt(field);
    const fields = offset === undefined ? undefined : readDirectory(bytes, offset, little);
    return (fields ?? []).filter((candidate) => candidate.tag !== INTEROPERABILITY);
  };
  return {
    descriptive: main.filter(({ tag }) => DESCRIPTIVE.has(tag)),
    exif: below(EXIF_DIRECTORY),
    gps: below(GPS_DIRECTORY),
  };
}

/** The directories for the place `start`: the main one with the given fields, then those that it points to. */
function placed({ exif, gps }: PhotoFacts, main: readonly Field[], start: number): Uint8Array[] {
  // The size of the main directory does not depend on where its pointers lead.
  const withPointers = (exifAt: number, gpsAt: number) => [
    ...main.filter(({ tag }) => tag !== EXIF_DIRECTORY && tag !== GPS_DIRECTORY),
    ...(exif.length > 0 ? [pointer(EXIF_DIRECTORY, exifAt)] : []),
    ...(gps.length > 0 ? [pointer(GPS_DIRECTORY, gpsAt)] : []),
  ];
  const exifAt = start + writeDirectory(withPointers(0, 0), start).length;
  const exifDirectory = exif.length > 0 ? writeDirectory(exif, exifAt) : new Uint8Array();
  const gpsAt = exifAt + exifDirectory.length;
  const gpsDirectory = gps.length > 0 ? writeDirectory(gps, gpsAt) : new Uint8Array();
  return [writeDirectory(withPointers(exifAt, gpsAt), start), exifDirectory, gpsDirectory];
}
