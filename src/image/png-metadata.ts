/**
 * Metadata in PNG files: chunks (PNG, third edition: eXIf, iTXt, pHYs and the texts).
 *
 * @module
 */
import { joined, latin1, pngParts, startsWith, viewOf, word } from './file-parts.ts';
import { decodeXmp, type FileMetadata, ifAny, type Resolution, resolutionIn } from './metadata.ts';
import { iptcResources } from './photoshop-resources.ts';
import { joinXmp, MOST_PACKETS } from './xmp.ts';

const XMP_KEYWORD = 'XML:com.adobe.xmp\0';
const RAW_PROFILE = 'Raw profile type ';
/** Stays among the texts, because a PNG has no other place for IPTC. */
const IPTC_PROFILE = 'Raw profile type iptc';

/** Uncompresses a zlib stream; undefined where it is damaged or too large. Browsers have none that answers at once. */
export type Inflate = (bytes: Uint8Array) => Uint8Array | undefined;

interface Chunk {
  readonly type: string;
  readonly body: Uint8Array;
  readonly whole: Uint8Array;
}

/** Chunks anywhere in the file, after the picture too. Without `inflate` compressed ones are left out. */
export function readPngMetadata(bytes: Uint8Array, inflate: Inflate = () => undefined): FileMetadata {
  const chunks: Chunk[] = pngParts(bytes).map(({ type, start, end }) => ({
    type,
    body: bytes.subarray(start + 8, end - 4),
    whole: bytes.subarray(start, end),
  }));
  const texts = chunks.filter(({ type }) => ['tEXt', 'zTXt', 'iTXt'].includes(type));
  const isXmp = ({ type, body }: Chunk) => type === 'iTXt' && startsWith(body, XMP_KEYWORD);
  const isProfile = ({ body }: Chunk) => startsWith(body, RAW_PROFILE);
  const isRead = (chunk: Chunk) => isXmp(chunk) || (isProfile(chunk) && !startsWith(chunk.body, IPTC_PROFILE));
  // The first of each: a file may have thousands, each of which would be uncompressed.
  const profile = (name: string): Uint8Array | undefined => {
    const chunk = texts.find(({ body }) => startsWith(body, `${RAW_PROFILE}${name}\0`));
    return chunk && rawProfile(chunk, inflate);
  };
  const packets = texts.filter(isXmp).slice(0, MOST_PACKETS);
  const eXIf = chunks.find(({ type }) => type === 'eXIf')?.body;
  const xmp = [...packets.map(({ body }) => xmpText(body, inflate)), profile('xmp')];
  const iptc = profile('iptc');
  const size = chunks.find(({ type }) => type === 'pHYs')?.body;
  return {
    exif: eXIf ?? profile('exif') ?? profile('APP1'),
    xmp: joinXmp(xmp.filter((packet) => packet !== undefined).map(decodeXmp)),
    iptc: iptc && ifAny(iptcResources(iptc)),
    resolution: size && readSize(size),
    texts: ifAny(texts.filter((chunk) => !isRead(chunk)).map(({ whole }) => whole.slice())),
  };
}

/** The file with metadata; the picture's size that it may have is replaced. */
export function withPngMetadata(
  bytes: Uint8Array,
  { exif, xmp, resolution, texts = [] }: FileMetadata,
): Uint8Array<ArrayBuffer> {
  const [header, ...parts] = pngParts(bytes);
  const at = header?.end ?? 8;
  const rest = parts.filter(({ type }) => type !== 'pHYs').map(({ start, end }) => bytes.subarray(start, end));
  const packet = xmp && joined([latin1(`${XMP_KEYWORD}\0\0\0\0`), new TextEncoder().encode(xmp)]);
  const added = [
    ...(resolution ? pngChunk('pHYs', sizeOf(resolution)) : []),
    ...(exif ? pngChunk('eXIf', exif) : []),
    ...(packet ? pngChunk('iTXt', packet) : []),
    ...texts,
  ];
  return joined([bytes.subarray(0, at), ...added, ...rest]);
}

/** Length, type and body, checksum. */
export function pngChunk(type: string, body: Uint8Array): Uint8Array[] {
  const framed = joined([latin1(type), body]);
  return [word(body.length), framed, word(crc32(framed))];
}

/** CRC of PNG chunks: ISO 3309, reflected polynomial 0xedb88320. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** After the keyword: compression flag and method, language, 0, translated keyword, 0, text. */
function xmpText(chunk: Uint8Array, inflate: Inflate): Uint8Array | undefined {
  const body = chunk.subarray(XMP_KEYWORD.length);
  const language = body.indexOf(0, 2);
  const keyword = body.indexOf(0, language + 1);
  if (language < 0 || keyword < 0) return undefined;
  const text = body.subarray(keyword + 1);
  return body[0] === 0 ? text : inflate(text);
}

/** What ImageMagick wrote before there was eXIf: "\nexif\n   1234\n" and the bytes in hexadecimal. */
function rawProfile({ type, body }: Chunk, inflate: Inflate): Uint8Array | undefined {
  const end = body.indexOf(0);
  const content =
    type === 'tEXt' ? body.subarray(end + 1) : type === 'zTXt' ? inflate(body.subarray(end + 2)) : undefined;
  const digits = content && /^\s*\S+\s+\d+\s+([\da-f\s]*)$/i.exec(text(content))?.[1]?.replace(/\s/g, '');
  if (!digits) return undefined;
  const data = new Uint8Array(digits.length >> 1);
  for (let i = 0; i < data.length; i++) data[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return data;
}

const text = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

/** Pixels per unit in x and y, then the unit: 1, metre, or 0, unknown. */
function readSize(body: Uint8Array): Resolution | undefined {
  if (body.length !== 9) return undefined;
  const [x, y] = [viewOf(body).getUint32(0), viewOf(body).getUint32(4)];
  const unit = body[8] === 1 ? 'metre' : 'none';
  return x === 0 || y === 0 || (unit === 'none' && x === y) ? undefined : { x, y, unit };
}

function sizeOf(resolution: Resolution): Uint8Array {
  const { x, y, unit } = resolutionIn(resolution, 'metre');
  const body = new Uint8Array(9);
  viewOf(body).setUint32(0, Math.max(1, Math.round(x)));
  viewOf(body).setUint32(4, Math.max(1, Math.round(y)));
  body[8] = unit === 'none' ? 0 : 1;
  return body;
}
