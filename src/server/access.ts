/**
 * Under which names the server is spoken to, and which websites may do so: any page that someone has open in a browser can
 * send requests to a server on their machine, and a name server can give any name the address of that machine.
 *
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { ClearwordError } from '../errors.ts';
import type { ServerSettings } from './settings.ts';

/** In `--hosts`: any name. */
const ANY = '*';
const READING = ['GET', 'HEAD', 'OPTIONS'];

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

export class Access {
  readonly #names: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  /** Errors: INVALID_OPTION. */
  constructor({ host, hosts, origins }: Pick<ServerSettings, 'host' | 'hosts' | 'origins'>) {
    const own = hostname().toLowerCase();
    this.#names = new Set([host.toLowerCase(), own, `${own}.local`, ...listOf(hosts).map(checkedName)]);
    this.#origins = new Set(listOf(origins).map(checkedOrigin));
  }

  /**
   * Checks that a request was sent to this server on purpose. Errors: ORIGIN_REFUSED.
   *
   * @returns the origin of the website that it comes from, if it is one of `--origins`
   */
  check(method: string, headers: IncomingHttpHeaders): string | undefined {
    const { host, origin } = headers;
    // Browsers always send one; what old probes leave out is no name that could be wrong.
    if (host !== undefined && !this.#isOurs(nameOf(host))) {
      throw refused(
        'a name of this server',
        'Host',
        host,
        'Use its address, or have the operator add the name to --hosts.',
      );
    }
    if (origin === undefined) {
      const site = headers['sec-fetch-site'];
      if (READING.includes(method) || site === undefined || site === 'same-origin' || site === 'none') return undefined;
      throw refused('a request of its own page', 'Sec-Fetch-Site', String(site));
    }
    if (this.#origins.has(origin)) return origin;
    if (this.#isOwnOrigin(origin, host)) return undefined;
    throw refused('the page of this server', 'Origin', origin, 'Have the operator add the website to --origins.');
  }

  /** Whether answers depend on where a request comes from. */
  get knowsOrigins(): boolean {
    return this.#origins.size > 0;
  }

  /** A number is no name that a name server could give away. */
  #isOurs(name: string | undefined): boolean {
    if (name === undefined) return false;
    return this.#names.has(ANY) || isAddress(name) || isLoopback(name) || this.#names.has(name);
  }

  /** A proxy may have changed `Host`; anyone may have a website at a number. */
  #isOwnOrigin(origin: string, host: string | undefined): boolean {
    if (!URL.canParse(origin)) return false;
    const url = new URL(origin);
    if (url.host === hostOf(host)) return true;
    return isLoopback(url.hostname) || this.#names.has(url.hostname);
  }
}

const isAddress = (name: string): boolean => isIP(name.replace(/^\[|\]$/g, '')) !== 0;

function isLoopback(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d+){3}$/.test(name);
}

function urlOf(host: string | undefined): URL | undefined {
  if (host === undefined || !/^[^\s/\\@?#]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`);
}

const nameOf = (host: string): string | undefined => urlOf(host)?.hostname;
const hostOf = (host: string | undefined): string | undefined => urlOf(host)?.host;

function checkedName(name: string): string {
  const parsed = name === ANY ? ANY : nameOf(name);
  if (parsed === name.toLowerCase()) return parsed;
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected names such as photos.example for --hosts, received ${JSON.stringify(name)}`,
  );
}

function checkedOrigin(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin;
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected origins such as https://photos.example for --origins, received ${JSON.stringify(origin)}`,
  );
}

function refused(expected: string, header: string, received: string, fix?: string): ClearwordError {
  const message = `expected ${expected} for ${header}, received ${JSON.stringify(received.slice(0, 80))}`;
  return new ClearwordError('ORIGIN_REFUSED', message, fix === undefined ? {} : { fix });
}
