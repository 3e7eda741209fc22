/**
 * Parts of a result, and results that a client has already: ETag and Range (RFC 9110, 13 and 14).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClearwordError } from '../errors.ts';

/** First and last byte. */
type Range = readonly [number, number];

/**
 * Answers with bytes, with the part of them that is asked for (206), or with 304 if the client has them.
 *
 * Errors: RANGE_INVALID.
 */
export function sendBytes({ headers }: FastifyRequest, reply: FastifyReply, data: Buffer): FastifyReply {
  const tag = `"${createHash('sha256').update(data).digest('hex').slice(0, 32)}"`;
  reply.header('etag', tag).header('accept-ranges', 'bytes');
  if (names(headers['if-none-match'], tag)) return reply.status(304).send();
  const unchanged = headers['if-range'] === undefined || headers['if-range'] === tag;
  const range = unchanged ? rangeOf(headers.range, data.length) : undefined;
  if (range === undefined) return reply.send(data);
  if (range === 'outside') {
    reply.header('content-range', `bytes */${data.length}`);
    throw new ClearwordError('RANGE_INVALID', `expected bytes of 0..${data.length - 1} for Range, received others`);
  }
  const [first, last] = range;
  return reply
    .status(206)
    .header('content-range', `bytes ${first}-${last}/${data.length}`)
    .send(data.subarray(first, last + 1));
}

function names(header: string | undefined, tag: string): boolean {
  const tags = (header ?? '').split(',').map((each) => each.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(tag);
}

/** Undefined: everything, which also answers several ranges and units that are not known. */
export function rangeOf(header: string | undefined, length: number): Range | 'outside' | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(' ', '') ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  if (from === '') {
    const count = Math.min(Number(to), length);
    return count === 0 ? 'outside' : [length - count, length - 1];
  }
  const [first, last] = [Number(from), to === '' ? length - 1 : Math.min(Number(to), length - 1)];
  if (to !== '' && Number(to) < first) return undefined;
  return first >= length ? 'outside' : [first, last];
}
