/** Clients that send slowly, or without end: they keep nobody else out, and not their connection either. */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { formOf, testServer } from '../support/server.ts';

const folder = await temporaryFolder();
const png = await encodeImage(patternPicture(60, 40), { format: 'png' });
const server = await testServer(join(folder, 'main'), { trustProxy: true, maxMegabytes: 0.2 });
const { hostname, port } = new URL(server.url);

interface Raw {
  readonly socket: Socket;
  /** Everything that was answered, once the server has closed the connection; and after how many seconds it has. */
  readonly ended: Promise<{ readonly answer: string; readonly seconds: number }>;
}

/** A connection on which the server has to take what comes. */
function open(first: string): Raw {
  const started = performance.now();
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (data) => {
    answer += data.toString();
  });
  socket.on('error', () => undefined);
  socket.write(first);
  const ended = new Promise<{ answer: string; seconds: number }>((resolve) => {
    socket.once('close', () => resolve({ answer, seconds: (performance.now() - started) / 1000 }));
  });
  return { socket, ended };
}

const head = (client: string, length: string) =>
  [
    'POST /v1/restorations HTTP/1.1',
    'Host: localhost',
    'Content-Type: multipart/form-data; boundary=b',
    `X-Forwarded-For: ${client}`,
    length,
    '\r\n',
  ].join('\r\n');
const FILE = '--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n';

const chunk = (data: Buffer) =>
  Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);

describe('a slow client', () => {
  it('of 16 connections at a byte a second keeps nobody else out, and is sent away in seconds', async () => {
    const slow = Array.from({ length: 16 }, () => open(head('203.0.113.1', 'Content-Length: 100000') + FILE));
    const drip = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write('x');
    }, 1000);
    await wait(500);
    const started = performance.now();
    const other = await fetch(`${server.url}/v1/restorations`, {
      method: 'POST',
      body: formOf({ image: png }),
      headers: { 'x-forwarded-for': '203.0.113.2' },
    });
    expect(other.status).toBe(200);
    expect(performance.now() - started).toBeLessThan(3000);
    const ends = await Promise.all(slow.map(({ ended }) => ended));
    clearInterval(drip);
    const codes = ends.map(({ answer }) => /"code":"(\w+)"/.exec(answer)?.[1]);
    expect(codes.filter((code) => code === 'REQUEST_TOO_SLOW')).toHaveLength(4);
    expect(codes.filter((code) => code === 'QUEUE_FULL')).toHaveLength(12);
    expect(Math.max(...ends.map(({ seconds }) => seconds))).toBeLessThan(10);
  });

  it('that does not even end its head is sent away', async () => {
    const { socket, ended } = open('POST /v1/restorations HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    const drip = setInterval(() => socket.write('x'), 1000);
    const { answer, seconds } = await ended;
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"REQUEST_TOO_SLOW"');
    expect(seconds).toBeLessThan(15);
  });
});

describe('a body without an end', () => {
  it.each([
    ['in the file', Buffer.alloc(50_000, 'x')],
    ['in files that are none', Buffer.concat([Buffer.from('\r\n--b\r\nx: y\r\n\r\n'), Buffer.alloc(50_000, 'x')])],
  ])('is answered and closed once it is over the limit: %s', async (_, data) => {
    const { socket, ended } = open(head('203.0.113.3', 'Transfer-Encoding: chunked'));
    socket.write(chunk(Buffer.from(FILE)));
    const flood = setInterval(() => socket.writable && socket.write(chunk(data)), 20);
    const { answer, seconds } = await ended;
    clearInterval(flood);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(seconds).toBeLessThan(3);
  });
});

describe('a form that the parser does not get through', () => {
  it('is refused in seconds instead of waited with', async () => {
    // A part without a name, longer than the parser reads ahead, and the file behind it.
    const form = `--b\r\n\r\n${'x'.repeat(17_000)}\r\n${FILE}x\r\n--b--\r\n`;
    const response = await fetch(`${server.url}/v1/restorations`, {
      method: 'POST',
      body: form,
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      signal: AbortSignal.timeout(60_000),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'REQUEST_INVALID',
      detail: expect.stringMatching(/^expected a complete form/),
    });
  }, 70_000);
});

describe('what is no request', () => {
  it('is answered like every other error', async () => {
    const { answer } = await open('nonsense\r\n\r\n').ended;
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('"code":"REQUEST_INVALID"');
  });
});
