/**
 * Headers that every answer has, and those for other websites.
 *
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from './access.ts';
import type { Service } from './service.ts';

/** Of what is not meant to be shown as a page: it loads nothing, and nobody puts it into a frame. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";
/** Of the files of a page, which may be scripts that run in threads of their own, under the policy that they come with. */
export const FILES_POLICY = "object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
/**
 * Of the description of the interface. Without `upgrade-insecure-requests`: the server itself speaks plain HTTP, and a
 * browser would look for its scripts in vain.
 */
export const DOCS_POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** On every answer, also on those that Node itself gives. */
export const COMMON: Readonly<Record<string, string>> = {
  'content-security-policy': NOTHING,
  'cross-origin-resource-policy': 'same-origin',
  // The address of a result is its key, which is for no other website.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** What websites may send and read, besides what any may. */
const SENT = 'authorization, content-type, idempotency-key, if-none-match, last-event-id, prefer, range, x-request-id';
const READ = 'content-disposition, content-range, etag, location, preference-applied, retry-after, x-request-id';
/** Seconds for which a browser may remember what it was told. */
const REMEMBERED = '600';

/** Questions of those who look after the server, who ask for it by any name; the answers tell nothing. */
const OPEN = ['/healthz', '/readyz'];

/** Adds to the names in `Vary`. */
export function vary(reply: FastifyReply, name: string): void {
  const names = String(reply.getHeader('vary') ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (!names.includes(name)) reply.header('vary', [...names, name].join(', '));
}

/** Sets the headers, refuses strangers, and answers browsers that ask for a website whether it may send a request. */
export function addHeaders(app: FastifyInstance, service: Service, access: Access): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(COMMON).header('x-request-id', request.id);
    // Whoever sends requests is to send the next one elsewhere.
    if (service.draining.signal.aborted) reply.header('connection', 'close');
    if (access.knowsOrigins) vary(reply, 'origin');
    if (OPEN.includes(request.routeOptions.url ?? '')) return undefined;
    const origin = access.check(request.method, request.headers);
    return origin === undefined ? undefined : allow(origin, request, reply);
  });
}

/** The answer, if the request is the question whether another one may be sent. */
function allow(origin: string, { method, headers }: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  reply
    .header('access-control-allow-origin', origin)
    .header('access-control-expose-headers', READ)
    .header('cross-origin-resource-policy', 'cross-origin');
  if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return undefined;
  if (headers['access-control-request-private-network'] !== undefined) {
    reply.header('access-control-allow-private-network', 'true');
  }
  return reply
    .header('access-control-allow-methods', 'GET, HEAD, POST, DELETE')
    .header('access-control-allow-headers', SENT)
    .header('access-control-max-age', REMEMBERED)
    .status(204)
    .send();
}
