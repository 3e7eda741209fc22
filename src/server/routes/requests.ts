/**
 * What several routes read out of a request.
 *
 * @module
 */
import { isIPv6 } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Service } from '../service.ts';
import type { UploadLimits } from '../upload.ts';

export function uploadLimits({ settings, formats }: Service): UploadLimits {
  const { maxMegabytes, maxMegapixels, allowUrls } = settings;
  return {
    bytes: Math.floor(maxMegabytes * 1e6),
    pixels: Math.floor(maxMegapixels * 1e6),
    formats,
    urls: allowUrls,
  };
}

/** Whom a request is counted for: the owner of its key, or its address; of IPv6 the network that one household has. */
export function clientOf({ owner, ip }: FastifyRequest): string {
  return owner === undefined ? networkOf(ip) : `key ${owner}`;
}

/** The first 64 bits of an IPv6 address; any other address as it is. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const [left, right] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':'))) as [string[], string[]];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].slice(0, 4).join(':');
}

/** Aborted when the client closes the connection before it has its answer. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** Requests without pictures that one client may send in a minute, for each one with a picture. */
const SMALL_REQUESTS = 20;

/** The configuration of a route that limits how often one client may use it. */
export function rateLimited({ settings }: Service, what: 'pictures' | 'small') {
  const max = what === 'pictures' ? settings.ratePerMinute : settings.ratePerMinute * SMALL_REQUESTS;
  return { rateLimit: { max, groupId: what } };
}

export interface Preference {
  /** Answer at once. */
  readonly async: boolean;
  /** Longest time in seconds that the client wants to wait. */
  readonly wait?: number;
}

/** The header Prefer (RFC 7240): `respond-async` and `wait=10`. What is not understood is ignored, as it says. */
export function preferenceOf(header: string | string[] | undefined): Preference {
  const preferences = [header ?? []].flat().join(',').toLowerCase().split(',');
  const words = preferences.map((preference) => preference.split(';')[0]?.trim() ?? '');
  const wait = words.map((word) => /^wait="?(\d{1,6})"?$/.exec(word)?.[1]).find((seconds) => seconds !== undefined);
  return { async: words.includes('respond-async'), ...(wait !== undefined && { wait: Number(wait) }) };
}
