/**
 * Texts are sent compressed to whoever takes that.
 *
 * @module
 */
import { pipeline, Readable } from 'node:stream';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { vary } from './headers.ts';

/** Pictures and weights are as small as they get; the runtime's files come compressed (routes/page.ts). */
const TEXT = /^(?:text\/(?!event-stream)|image\/svg\+xml|application\/(?:[\w.-]+\+)?(?:json|javascript|xml)\b)/;
/** Bytes below which it is not worth it. */
const LEAST = 1000;
/** Of 11: nearly as small as the best, at the speed of a disk. */
const QUALITY = 5;

/** Whether Accept-Encoding names an encoding, and not with the weight 0, which refuses it. */
export function takes(header: string | string[] | undefined, encoding: 'br' | 'gzip'): boolean {
  return [header ?? []]
    .flat()
    .join(',')
    .toLowerCase()
    .split(',')
    .some((part) => {
      const [name, ...parameters] = part.split(';').map((text) => text.trim());
      return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    });
}

export function addCompression(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (!TEXT.test(String(reply.getHeader('content-type') ?? ''))) return payload;
    vary(reply, 'accept-encoding');
    const accepted = request.headers['accept-encoding'];
    const encoding = takes(accepted, 'br') ? 'br' : takes(accepted, 'gzip') ? 'gzip' : undefined;
    const whole = reply.statusCode === 200 && request.method !== 'HEAD' && !reply.hasHeader('content-encoding');
    if (encoding === undefined || !whole) return payload;
    if (Number(reply.getHeader('content-length') ?? LEAST) < LEAST) return payload;
    const source = streamOf(payload);
    if (!source) return payload;
    reply.removeHeader('content-length').header('content-encoding', encoding);
    // The same text, in other bytes.
    const tag = reply.getHeader('etag');
    if (typeof tag === 'string' && !tag.startsWith('W/')) reply.header('etag', `W/${tag}`);
    const packer =
      encoding === 'br'
        ? createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } })
        : createGzip();
    // What fails ends the answer, which has begun.
    return pipeline(source, packer, () => undefined);
  });
}

function streamOf(payload: unknown): Readable | undefined {
  if (payload instanceof Readable) return payload;
  return typeof payload === 'string' && payload.length >= LEAST ? Readable.from([payload]) : undefined;
}
