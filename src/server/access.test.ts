import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Access } from './access.ts';

const access = new Access({ host: '0.0.0.0', hosts: 'photos.example, inner', origins: 'https://site.example' });
const check = (headers: Record<string, string>, method = 'POST') => access.check(method, headers);
const refused = expect.objectContaining({ code: 'ORIGIN_REFUSED' });

describe('names of the server', () => {
  it('are numbers, loopback, its own and those of the operator', () => {
    for (const host of [
      ...['127.0.0.1:8080', '192.168.1.5', '[::1]:8080', '[2001:db8::1]', 'localhost', 'LOCALHOST:80', 'a.localhost:1'],
      ...[hostname(), `${hostname()}.local:8080`, 'photos.example', 'Photos.Example:8443', 'inner'],
    ]) {
      expect([host, check({ host })]).toEqual([host, undefined]);
    }
    expect(check({})).toBeUndefined();
  });

  it('are no others, however they are written', () => {
    for (const host of [
      ...['evil.example', 'evil.example:8080', 'localhost.evil.example', '127.0.0.1.evil.example', 'photos.example.'],
      ...['photos.example@evil.example', 'evil.example/localhost', 'a b', '', 'evil.example#localhost'],
    ]) {
      for (const method of ['GET', 'POST']) expect(() => check({ host }, method), host).toThrow(refused);
    }
    const any = new Access({ host: '127.0.0.1', hosts: '*', origins: '' });
    expect(any.check('POST', { host: 'evil.example' })).toBeUndefined();
  });
});

describe('websites', () => {
  it('are the page itself, those of this machine, and those of the operator', () => {
    const host = '192.168.1.5:8080';
    for (const origin of [
      ...['http://192.168.1.5:8080', 'https://192.168.1.5:8080', 'http://localhost:3000', 'http://127.0.0.1:5173'],
      'https://photos.example',
    ]) {
      expect([origin, check({ host, origin })]).toEqual([origin, undefined]);
    }
    expect(check({ host, origin: 'https://site.example' })).toBe('https://site.example');
  });

  it('are no others', () => {
    const host = 'localhost:8080';
    for (const origin of [
      ...['https://evil.example', 'null', 'http://198.51.100.7', 'http://site.example', 'https://site.example:8443'],
      ...['https://sub.site.example', 'https://localhost.evil.example', 'x', ''],
    ]) {
      expect(() => check({ host, origin }), origin).toThrow(refused);
      expect(() => check({ host, origin }, 'GET'), origin).toThrow(refused);
    }
  });

  it('that do not say who they are may lead to the page, and nothing else', () => {
    const headers = { host: 'localhost', 'sec-fetch-site': 'cross-site' };
    expect(check(headers, 'GET')).toBeUndefined();
    for (const method of ['POST', 'DELETE']) expect(() => check(headers, method)).toThrow(refused);
    expect(check({ host: 'localhost', 'sec-fetch-site': 'same-origin' })).toBeUndefined();
  });
});

it('names and websites that are none are refused at the start', () => {
  for (const [hosts, origins] of [
    ['https://photos.example', ''],
    ['photos.example:80', ''],
    ['a b', ''],
    ['', 'photos.example'],
    ['', 'https://photos.example/'],
    ['', '*'],
  ] as const) {
    expect(() => new Access({ host: 'localhost', hosts, origins })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  }
});
