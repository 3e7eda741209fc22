/**
 * Where a file comes from, as users write it: a path, a file of a repository on the Hugging Face hub, or an address.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { dirname, posix, resolve } from 'node:path';
import { ClearwordError } from '../errors.ts';

/** A file that is downloaded once and then kept. */
export interface RemoteFile {
  readonly kind: 'remote';
  readonly url: string;
  /** Name of the file, for its place in the cache. */
  readonly name: string;
  /** Folder in the cache; the same for the same address. */
  readonly folder: string;
  /** SHA-256 that the user demands, hex. */
  readonly sha256?: string;
  /** Whether the address always means the same bytes: a revision given by its commit. */
  readonly immutable: boolean;
}

export type Source = { readonly kind: 'path'; readonly path: string } | RemoteFile;

export const DEFAULT_ENDPOINT = 'https://huggingface.co';

/** Address of the hub: that of HF_ENDPOINT, such as a mirror, or huggingface.co. */
export const hubEndpoint = (): string => process.env.HF_ENDPOINT ?? DEFAULT_ENDPOINT;

const wrong = (text: string, expected: string): never => {
  throw new ClearwordError('INVALID_OPTION', `expected ${expected}, received ${text}`);
};

/** Addresses that are not encrypted are taken from this machine only. */
export const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || /^127\./.test(host);

/** The last part of an address's path as a name of a file on any system: never a folder, a path or a stream. */
function fileName(pathname: string): string {
  const last = pathname.split('/').at(-1) ?? '';
  const name = last.replace(/%[0-9a-f]{2}/gi, '-').replace(/[^\w.-]+/g, '-');
  return /[\w-]/.test(name) ? name.slice(-100) : '';
}

function remote(url: string, label: string, rest: { sha256?: string; immutable: boolean }): RemoteFile {
  const { protocol, hostname, pathname } = new URL(url);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) wrong(url, 'an https address');
  const name = fileName(pathname);
  if (name === '') wrong(url, 'an address that ends in the name of a file');
  const readable = label.replace(/[^\w.-]+/g, '--').replace(/^[-.]+/, '');
  const hash = createHash('sha256').update(url).digest('hex').slice(0, 12);
  return { kind: 'remote', url, name, folder: `${readable}-${hash}`, ...rest };
}

/**
 * Parses a source:
 *
 * - `hub:owner/name/path/to/file` or `hub:owner/name/path/to/file@revision` (branch, tag or commit; default main),
 * - `https://...`, with `#sha256=<hex>` to demand its bytes,
 * - anything else is a path.
 *
 * @param endpoint address of the hub
 * @throws ClearwordError INVALID_OPTION
 */
export function parseSource(text: string, endpoint = DEFAULT_ENDPOINT): Source {
  if (text.startsWith('hub:')) {
    const match = /^hub:([\w.-]+)\/([\w.-]+)\/([^@#]+?)(?:@([\w./-]+))?$/.exec(text);
    const [, owner, name, file = '', revision = 'main'] = match ?? [];
    const parts = [owner, name, ...revision.split('/'), ...file.split('/')];
    if (!match || parts.some((part) => !part || /^\.+$/.test(part))) {
      return wrong(text, 'hub:owner/name/path/to/file or hub:owner/name/path/to/file@revision');
    }
    const path = [owner, name, 'resolve', revision, ...file.split('/')].map((part) => encodeURIComponent(part ?? ''));
    const immutable = /^[0-9a-f]{40}$/.test(revision);
    return remote(`${endpoint}/${path.join('/')}`, `${owner}--${name}`, { immutable });
  }
  if (/^https?:\/\//i.test(text)) {
    if (!URL.canParse(text)) return wrong(text, 'an https address');
    const url = new URL(text);
    const digest = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1];
    if (url.hash !== '' && digest === undefined)
      return wrong(text, '#sha256= and 64 hexadecimal digits after an address');
    url.hash = '';
    const demanded = digest === undefined ? {} : { sha256: digest.toLowerCase() };
    return remote(url.href, url.hostname, { ...demanded, immutable: digest !== undefined });
  }
  return { kind: 'path', path: text };
}

/**
 * The source of a file that lies beside another one.
 *
 * @param place path relative to the folder of `text`
 */
export function besideSource(text: string, place: string): string {
  const [, name, revision = ''] = /^hub:([^@#]*)(@[^#]*)?$/.exec(text) ?? [];
  if (name !== undefined) return `hub:${posix.join(posix.dirname(name), place)}${revision}`;
  if (parseSource(text).kind === 'path') return resolve(dirname(text), place);
  const url = new URL(text);
  // Part by part, so that no place can name another host.
  const parts = place.split('/').filter((part) => part !== '');
  url.pathname = posix.join(posix.dirname(url.pathname), ...parts.map(encodeURIComponent));
  url.hash = '';
  return url.href;
}
