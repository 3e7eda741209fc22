/**
 * A form with a picture, as a client sends it.
 *
 * @module
 */
import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { ClearwordError } from '../errors.ts';
import { type ImageHeader, readImageHeader } from '../image/image-file.ts';
import type { ImageFormat } from '../image/image-signature.ts';
import { readWithin } from './body.ts';
import { fetchPicture } from './fetch-picture.ts';
import { addField } from './fields.ts';

export interface UploadLimits {
  readonly bytes: number;
  readonly pixels: number;
  readonly formats: readonly ImageFormat[];
  /** Whether the field `url` may stand for the file. */
  readonly urls: boolean;
}

export interface Upload {
  readonly picture: Buffer;
  readonly header: ImageHeader;
  /** The other fields. */
  readonly fields: ReadonlyMap<string, string>;
}

/** More than the longest prompt in the widest letters. */
const MOST_FIELD_BYTES = 16_384;
const MOST_FIELDS = 32;
/** Everything of a form besides the picture. */
const FORM_BYTES = MOST_FIELDS * MOST_FIELD_BYTES;
const FETCH_SECONDS = 20;
/** Least bytes a second, a tenth of what a poor mobile network carries, and the milliseconds over which they are counted. */
const [LEAST_RATE, RATE_WINDOW] = [2000, 5000];

/**
 * Reads the form and the header of the picture; nothing is decoded.
 *
 * Errors: REQUEST_INVALID, INVALID_OPTION, IMAGE_TOO_LARGE, NOT_AN_IMAGE, IMAGE_DAMAGED, IMAGE_ANIMATED, URL_REFUSED,
 * URL_UNREACHABLE.
 */
export async function readUpload(request: FastifyRequest, limits: UploadLimits): Promise<Upload> {
  // A client that says so itself is told before it sends all of it.
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits.bytes + FORM_BYTES) throw tooLarge(limits.bytes);
  const { file, fields } = await readWithin(
    request.raw,
    { bytes: limits.bytes + FORM_BYTES, rate: LEAST_RATE, window: RATE_WINDOW },
    () => readForm(request, limits.bytes),
    {
      tooLong: () => tooLarge(limits.bytes),
      // The parser waits for ever within some damaged forms, such as a long part without a name before the file.
      stuck: () =>
        new ClearwordError('REQUEST_INVALID', 'expected a complete form: a part of it has no end or no name'),
    },
  );
  if (file && fields.has('url')) throw new ClearwordError('INVALID_OPTION', 'expected image or url, received both');
  const picture = file ?? (await fetchNamed(fields, limits));
  const { bytes, pixels, formats } = limits;
  const header = await readImageHeader(picture, { limits: { bytes, pixels } });
  if (!formats.includes(header.format)) {
    const expected = formats.join(', ');
    throw new ClearwordError('NOT_AN_IMAGE', `expected one of ${expected} for image, received ${header.format}`, {
      fix: `Send a picture in one of these formats: ${expected}.`,
    });
  }
  return { picture, header, fields };
}

interface Form {
  readonly file: Buffer | undefined;
  readonly fields: Map<string, string>;
}

async function readForm(request: FastifyRequest, bytes: number): Promise<Form> {
  if (!request.isMultipart()) throw new ClearwordError('REQUEST_INVALID', 'expected multipart/form-data for the body');
  const fields = new Map<string, string>();
  let file: Buffer | undefined;
  // One more than there may be, so that the form is refused in words of its own.
  const limits = {
    fileSize: bytes,
    files: 2,
    fields: MOST_FIELDS,
    fieldSize: MOST_FIELD_BYTES,
    parts: MOST_FIELDS + 2,
  };
  try {
    for await (const part of request.parts({ limits })) {
      if (part.type === 'file') {
        if (file) throw new ClearwordError('REQUEST_INVALID', 'expected one file, received two');
        if (part.fieldname !== 'image') throw unknown(part.fieldname);
        file = await readFile(part, bytes);
      } else {
        addField(fields, part.fieldname, textOf(part));
      }
    }
  } catch (cause) {
    throw formFailure(cause, bytes);
  }
  return { file, fields };
}

/** Stops at the limit, and not at the end of what is sent. */
async function readFile({ file }: MultipartFile, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of file) {
    if (file.truncated) break;
    chunks.push(chunk as Buffer);
  }
  if (file.truncated) throw tooLarge(bytes);
  return Buffer.concat(chunks);
}

function textOf({ fieldname, value, fieldnameTruncated, valueTruncated }: MultipartValue): string {
  if (fieldname === 'image') {
    throw new ClearwordError('INVALID_OPTION', 'expected a file for image, received text', {
      fix: 'Give the part of the form a file name, as browsers and `curl -F image=@photo.jpg` do.',
    });
  }
  if (!fieldnameTruncated && !valueTruncated && typeof value === 'string') return value;
  throw new ClearwordError('REQUEST_INVALID', `expected at most ${MOST_FIELD_BYTES} bytes for each field`);
}

function formFailure(cause: unknown, bytes: number): ClearwordError {
  if (cause instanceof ClearwordError) return cause;
  const { code, message } = cause instanceof Error ? (cause as Error & { code?: string }) : { message: String(cause) };
  if (code === 'FST_REQ_FILE_TOO_LARGE') return tooLarge(bytes);
  if (code === 'FST_FIELDS_LIMIT' || code === 'FST_PARTS_LIMIT') {
    return new ClearwordError('REQUEST_INVALID', `expected at most ${MOST_FIELDS} fields, received more`, { cause });
  }
  // The parser's own words: the form ends too early, has no boundary or too many parts.
  return new ClearwordError('REQUEST_INVALID', `expected a complete form: ${message}`, { cause });
}

/** The picture that the field `url` names, which is then no field any more. */
async function fetchNamed(fields: Map<string, string>, { bytes, urls }: UploadLimits): Promise<Buffer> {
  const url = fields.get('url');
  if (url === undefined) {
    const expected = urls ? 'a file for image, or an address for url' : 'a file for image';
    throw new ClearwordError('INVALID_OPTION', `expected ${expected}, received none`, {
      fix: 'Send the picture in a file field named image.',
    });
  }
  if (!urls) throw new ClearwordError('URL_REFUSED', 'expected a file for image; this server fetches no pictures');
  fields.delete('url');
  return fetchPicture(url, { bytes, seconds: FETCH_SECONDS });
}

function unknown(name: string): ClearwordError {
  return new ClearwordError('INVALID_OPTION', `unknown field ${name}; expected a file for image`);
}

function tooLarge(bytes: number): ClearwordError {
  return new ClearwordError('IMAGE_TOO_LARGE', `expected at most ${bytes} bytes for image, received more`);
}
