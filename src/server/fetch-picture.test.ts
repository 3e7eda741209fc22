import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type FetchOptions, fetchPicture } from './fetch-picture.ts';
import { isPublicAddress } from './public-address.ts';

describe('public addresses', () => {
  it('are global unicast ones', () => {
    for (const address of ['8.8.8.8', '1.1.1.1', '203.0.114.1', '2606:4700:4700::1111', '2a00:1450:4001::1']) {
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
    }
  });

  it('are not those of loopback, private, link-local, shared, reserved or multicast networks, nor of clouds', () => {
    const others = [
      ...[
        '127.0.0.1',
        '127.255.255.254',
        '0.0.0.0',
        '0.1.2.3',
        '10.0.0.1',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.1.1',
      ],
      ...['169.254.169.254', '100.64.0.1', '100.100.100.200', '192.0.0.192', '168.63.129.16', '198.18.0.1'],
      ...['192.0.2.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
      ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd00:ec2::254', 'fec0::1', 'ff02::1', '2001:db8::1'],
      ...['', 'localhost', '1', '0x7f000001', 'example.com', '1.2.3.4.5'],
    ];
    for (const address of others) expect([address, isPublicAddress(address)]).toEqual([address, false]);
  });

  it('are not those that carry another address', () => {
    for (const carrier of ['::ffff:', '::', '64:ff9b::', '::ffff:0:']) {
      for (const address of ['127.0.0.1', '10.0.0.1', '8.8.8.8']) {
        expect([carrier + address, isPublicAddress(carrier + address)]).toEqual([carrier + address, false]);
      }
    }
    for (const address of [
      '2002:7f00:1::',
      '2001:0:7f00:1::',
      '64:ff9b:1::7f00:1',
      '::ffff:7f00:1',
      '::7f00:1',
      '4000::1',
    ]) {
      expect([address, isPublicAddress(address)]).toEqual([address, false]);
    }
  });

  it('are none of this machine', () => {
    const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
    expect(own.length).toBeGreaterThan(0);
    for (const address of own) expect(isPublicAddress(address)).toBe(false);
  });

  it('of private networks are found in every way of writing them as a URL', () => {
    const octet = fc.nat(255);
    fc.assert(
      fc.property(octet, octet, octet, fc.constantFrom('dotted', 'hex', 'number', 'short'), (b, c, d, form) => {
        const number = 10 * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
        const host = {
          dotted: `10.${b}.${c}.${d}`,
          hex: `0x${number.toString(16)}`,
          number: String(number),
          short: `10.${b * 65536 + c * 256 + d}`,
        }[form];
        expect(isPublicAddress(new URL(`http://${host}/`).hostname)).toBe(false);
      }),
    );
  });
});

describe('fetching', async () => {
  /** Hosts that the server was asked for. */
  const seen: string[] = [];
  const routes: Record<string, RequestListener> = {
    '/photo': (_, response) => response.end('picture'),
    '/missing': (_, response) => response.writeHead(404).end(),
    '/large': (_, response) => response.end(Buffer.alloc(5000)),
    '/endless': (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(Buffer.alloc(100)), 1);
      response.on('close', () => clearInterval(timer));
    },
    '/silent': () => {},
    '/here': (_, response) => response.writeHead(302, { location: '/photo' }).end(),
    '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
    '/inside': (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
    '/file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/elsewhere': (_, response) => response.writeHead(307, { location: `http://inside.test:${port}/photo` }).end(),
  };
  const server = createServer((request, response) => {
    seen.push(`${request.headers.host} ${request.url}`);
    routes[request.url ?? '']?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Names as a name server would give them; 127.0.0.1 stands for the public internet. */
  const names: Record<string, string[]> = {
    'outside.test': ['127.0.0.1'],
    'inside.test': ['10.0.0.1'],
    'both.test': ['127.0.0.1', '10.0.0.1'],
    'empty.test': [],
  };
  const options: FetchOptions = {
    bytes: 1000,
    seconds: 2,
    isAllowed: (address) => address === '127.0.0.1',
    ports: [String(port), ''],
    resolve: async (name) => {
      const addresses = names[name];
      if (!addresses) throw Object.assign(new Error('unknown name'), { code: 'ENOTFOUND' });
      return addresses.map((address) => ({ address, family: 4 }));
    },
  };
  const outside = (path: string) => `http://outside.test:${port}${path}`;
  const get = (url: string, more: Partial<FetchOptions> = {}) => fetchPicture(url, { ...options, ...more });

  it('gives the bytes, also behind a redirect', async () => {
    expect((await get(outside('/photo'))).toString()).toBe('picture');
    expect((await get(outside('/here'))).toString()).toBe('picture');
    expect((await get(`http://127.0.0.1:${port}/photo`)).toString()).toBe('picture');
  });

  it('asks the name server once a connection, and connects to what it said then', async () => {
    let answers = 0;
    const resolve = async () => [{ address: answers++ === 0 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
    expect((await get(outside('/photo'), { resolve })).toString()).toBe('picture');
    expect(answers).toBe(1);
  });

  it.each([
    ['a private address', 'http://10.0.0.1/'],
    ['a private address of IPv6', 'http://[fd00::1]/'],
    ['a mapped address', 'http://[::ffff:10.0.0.1]/'],
    ['an address in hexadecimal', 'http://0x0a000001/'],
    ['a name that leads inside', `http://inside.test:${port}/photo`],
    ['a name that also leads inside', `http://both.test:${port}/photo`],
    ['a name that leads nowhere', `http://empty.test:${port}/photo`],
    ['a redirect inside', outside('/inside')],
    ['a redirect to a name that leads inside', outside('/elsewhere')],
    ['a redirect to a file', outside('/file')],
    ['a file', 'file:///etc/passwd'],
    ['another scheme', 'ftp://outside.test/photo'],
    ['another port', 'http://outside.test:1/photo'],
    ['a password', `http://user:password@outside.test:${port}/photo`],
    ['no URL', 'photo.png'],
  ])('refuses %s', async (_, url) => {
    const before = seen.filter((line) => line.endsWith('/photo')).length;
    await expect(get(url)).rejects.toMatchObject({ code: 'URL_REFUSED' });
    expect(seen.filter((line) => line.endsWith('/photo'))).toHaveLength(before);
  });

  it('by default nothing of this machine, and only the usual ports', async () => {
    for (const url of [`http://127.0.0.1:${port}/photo`, 'http://127.0.0.1/', 'http://localhost/', 'http://[::1]/']) {
      await expect(fetchPicture(url, { bytes: 1000, seconds: 5 })).rejects.toMatchObject({ code: 'URL_REFUSED' });
    }
  });

  it.each([
    ['a missing picture', '/missing', /the answer was 404/],
    ['redirects without end', '/loop', /more than 3 redirects/],
    ['a server that does not answer', '/silent', /it took too long/],
  ])('gives up on %s', async (_, path, message) => {
    await expect(get(outside(path), { seconds: 0.3 })).rejects.toMatchObject({
      code: 'URL_UNREACHABLE',
      message: expect.stringMatching(message),
    });
  });

  it('gives up on names that do not exist and ports that are closed, without addresses in the message', async () => {
    const unknown = await get('http://unknown.test/').catch((error: Error) => error);
    expect(unknown).toMatchObject({ code: 'URL_UNREACHABLE', message: 'expected a picture at the url: ENOTFOUND' });
    const closed = await get('http://127.0.0.1/', { ports: ['', '1'] }).catch((error: Error) => error);
    expect((closed as Error).message).not.toContain('127.0.0.1');
  });

  it('stops at too many bytes, announced or not', async () => {
    await expect(get(outside('/large'))).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    await expect(get(outside('/endless'))).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('stops when whoever asked is gone', async () => {
    const controller = new AbortController();
    const fetched = get(outside('/silent'), { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(fetched).rejects.toMatchObject({ code: 'URL_UNREACHABLE' });
  });
});
