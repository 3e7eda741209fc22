/**
 * The part of the S3 protocol that a store needs, over HTTP, for the official client to talk to.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

export interface S3Server {
  /** `s3://bucket/key` -> bytes, as they are stored now. */
  readonly objects: Map<string, Buffer>;
  /** Answers the next requests with this status instead, as an overloaded server does. */
  failNext(count: number, status: number): void;
}

/** Most objects in one page of a listing: few, so that tests see several pages. */
const PAGE = 3;

const escapeXml = (text: string): string =>
  text.replace(/[<>&]/g, (letter) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;' })[letter] ?? letter);

/** When each object was written. */
const written = new Map<string, Date>();

/** Starts a server with one bucket, named `bucket`, and points the official client's environment at it. */
export async function startS3Server(): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const failures: number[] = [];
  const server = createServer((request, response) => {
    answer(request, response, objects, failures).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const environment = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
  };
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  afterAll(async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    objects,
    failNext(count, status) {
      failures.push(...new Array<number>(count).fill(status));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  objects: Map<string, Buffer>,
  failures: number[],
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://s3');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const failure = failures.shift();
  if (failure !== undefined) return void response.writeHead(failure).end();
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  if (bucket !== 'bucket') return void response.writeHead(404).end(errorXml('NoSuchBucket'));
  if (key === '') {
    if (request.method === 'HEAD') return void response.writeHead(200).end();
    return void response.writeHead(200, { 'content-type': 'application/xml' }).end(listing(url.searchParams, objects));
  }
  const stored = objects.get(key);
  switch (request.method) {
    case 'PUT':
      objects.set(key, Buffer.concat(chunks));
      written.set(key, new Date());
      return void response.writeHead(200, { etag: '"0"' }).end();
    case 'DELETE':
      objects.delete(key);
      return void response.writeHead(204).end();
    case 'HEAD':
    case 'GET':
      if (!stored)
        return void response.writeHead(404).end(request.method === 'GET' ? errorXml('NoSuchKey') : undefined);
      response.writeHead(200, {
        'content-length': stored.length,
        'last-modified': (written.get(key) ?? new Date(0)).toUTCString(),
      });
      return void response.end(request.method === 'GET' ? stored : undefined);
    default:
      return void response.writeHead(405).end();
  }
}

const errorXml = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;

function listing(query: URLSearchParams, objects: Map<string, Buffer>): string {
  const after = query.get('continuation-token') ?? '';
  const keys = [...objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '')).sort();
  const rest = keys.filter((key) => key > after);
  const page = rest.slice(0, PAGE);
  const contents = page.map((key) => {
    const size = objects.get(key)?.length ?? 0;
    const time = (written.get(key) ?? new Date(0)).toISOString();
    return `<Contents><Key>${escapeXml(key)}</Key><Size>${size}</Size><LastModified>${time}</LastModified></Contents>`;
  });
  const more = rest.length > PAGE;
  const token = more ? `<NextContinuationToken>${escapeXml(page.at(-1) ?? '')}</NextContinuationToken>` : '';
  return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`;
}
