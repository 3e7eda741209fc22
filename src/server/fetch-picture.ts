/**
 * Fetching a picture from an address that a stranger gave, without becoming a way into the server's own network.
 *
 * @module
 */
import { type LookupAddress, lookup } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { ClearwordError } from '../errors.ts';
import { isPublicAddress } from './public-address.ts';

export interface FetchOptions {
  /** Largest answer. */
  readonly bytes: number;
  /** Longest time for everything. */
  readonly seconds: number;
  readonly signal?: AbortSignal;
  /** Which addresses may be connected to. */
  readonly isAllowed?: (address: string) => boolean;
  /** Which ports may be connected to; empty: the scheme's own. */
  readonly ports?: readonly string[];
  readonly resolve?: (name: string) => Promise<readonly LookupAddress[]>;
}

const MOST_REDIRECTS = 3;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Fetches a picture over HTTP or HTTPS.
 *
 * Names are resolved once, all their addresses have to be public, and the connection goes to one of those: an answer of
 * the name server that changes meanwhile changes nothing. Every redirect is checked like the first address.
 *
 * Errors: URL_REFUSED, URL_UNREACHABLE, IMAGE_TOO_LARGE.
 */
export async function fetchPicture(address: string, options: FetchOptions): Promise<Buffer> {
  const timeout = AbortSignal.timeout(options.seconds * 1000);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let url = checkedUrl(address, undefined, options);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const response = await get(url, options, signal);
    const { statusCode = 0, headers } = response;
    if (REDIRECTS.includes(statusCode) && headers.location !== undefined) {
      response.destroy();
      url = checkedUrl(headers.location, url, options);
      continue;
    }
    if (statusCode !== 200) {
      response.destroy();
      throw unreachable(`the answer was ${statusCode}`);
    }
    return readAll(response, options.bytes);
  }
  throw unreachable(`more than ${MOST_REDIRECTS} redirects`);
}

function checkedUrl(address: string, base: URL | undefined, { ports = [''], isAllowed }: FetchOptions): URL {
  if (!URL.canParse(address, base?.href)) throw refused('it is not a URL');
  const url = new URL(address, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('its scheme is neither http nor https');
  if (url.username !== '' || url.password !== '') throw refused('it has a user name or password');
  if (!ports.includes(url.port)) throw refused('it has a port of its own');
  // An address instead of a name is never looked up. The parser has turned 0x7f.1 and the like into plain ones.
  const host = hostOf(url);
  if (isIP(host) !== 0 && !(isAllowed ?? isPublicAddress)(host))
    throw refused('it does not lead to the public internet');
  return url;
}

const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

function get(url: URL, options: FetchOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { isAllowed = isPublicAddress, resolve = resolveAll } = options;
  const guarded: LookupFunction = (name, { all }, callback) => {
    resolve(name).then(
      (addresses) => {
        const [first] = addresses;
        if (!first || !addresses.every(({ address }) => isAllowed(address))) {
          callback(refused('it does not lead to the public internet'), []);
        } else if (all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolveResponse, reject) => {
    const outgoing = request(url, {
      lookup: guarded,
      signal,
      // No connection that another request has opened.
      agent: false,
      headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'Clearword' },
    });
    outgoing.on('response', resolveResponse);
    outgoing.on('error', (error) => reject(failure(error)));
    outgoing.end();
  });
}

async function readAll(response: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const check = (size: number) => {
    if (size <= limit) return;
    response.destroy();
    throw new ClearwordError('IMAGE_TOO_LARGE', `expected at most ${limit} bytes at the url, received more`);
  };
  check(Number(response.headers['content-length'] ?? 0));
  try {
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      check(bytes);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw failure(error);
  }
  return Buffer.concat(chunks);
}

function resolveAll(name: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}

function failure(error: unknown): ClearwordError {
  if (error instanceof ClearwordError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
  return unreachable(code === 'ABORT_ERR' ? 'it took too long' : code, error);
}

function refused(why: string): ClearwordError {
  return new ClearwordError('URL_REFUSED', `expected a public http or https address for url, but ${why}`);
}

function unreachable(why: string, cause?: unknown): ClearwordError {
  return new ClearwordError('URL_UNREACHABLE', `expected a picture at the url: ${why}`, { cause });
}
