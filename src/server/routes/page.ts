/**
 * The web page, the model that it loads, and the document of the interface.
 *
 * @module
 */
import { createReadStream, existsSync, type ReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { takes } from '../compression.ts';
import { FILES_POLICY, vary } from '../headers.ts';

/** Sources and build of this file lie equally deep. */
const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** What the page asks for under weights/: the bundled model, once for command line and page. */
const MODEL = { 'lite.safetensors': 'application/octet-stream', 'lite.json': 'application/json' } as const;

const REVALIDATED = 'no-cache';
const FOREVER = 'public, max-age=31536000, immutable';

export interface PageOptions {
  /** Folder of the built page. */
  readonly page?: string;
  /** Folder of the bundled model. */
  readonly weights?: string;
}

export async function pageRoutes(
  app: FastifyInstance,
  { page = fromRoot('web/dist'), weights = fromRoot('weights') }: PageOptions = {},
): Promise<void> {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  if (!existsSync(page)) {
    app.get('/', { schema: { hide: true } }, async (_, reply) => reply.redirect('/docs'));
    return;
  }
  const policy = await policyOf(join(page, 'index.html'));
  await app.register(fastifyStatic, {
    root: page,
    schemaHide: true,
    setHeaders(reply, path) {
      isolate(reply);
      reply.header('content-security-policy', path.endsWith('.html') ? policy : FILES_POLICY);
      // Vite puts a hash of their contents into the names of assets.
      reply.header('cache-control', /[\\/]assets[\\/]/.test(path) ? FOREVER : REVALIDATED);
    },
  });
  for (const [name, type] of Object.entries(MODEL)) {
    app.get(`/weights/${name}`, { schema: { hide: true } }, async (_, reply) => {
      isolate(reply);
      return reply.type(type).header('cache-control', REVALIDATED).sendFile(name, weights, { cacheControl: false });
    });
  }
  await compressedRoutes(app, join(page, 'assets'));
}

/** The page's own policy, which it says in a tag, where `frame-ancestors` means nothing. */
async function policyOf(index: string): Promise<string> {
  const html = await readFile(index, 'utf8').catch(() => '');
  const own = /<meta http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1];
  return own === undefined ? FILES_POLICY : `${own}; frame-ancestors 'none'`;
}

/** Only an isolated page may use several threads of WebAssembly. */
function isolate(reply: { header(name: string, value: string): unknown }): void {
  reply.header('cross-origin-opener-policy', 'same-origin');
  reply.header('cross-origin-embedder-policy', 'require-corp');
}

/**
 * The runtime's .wasm files, tens of megabytes, which the build compresses: the package has them only so. Browsers that do
 * not take Brotli, such as Firefox over plain http, get them unpacked.
 */
async function compressedRoutes(app: FastifyInstance, folder: string): Promise<void> {
  const files = await readdir(folder).catch(() => []);
  for (const file of files.filter((name) => name.endsWith('.wasm.br'))) {
    const name = basename(file, '.br');
    app.get(`/assets/${name}`, { schema: { hide: true } }, async (request, reply) => {
      isolate(reply);
      reply.type('application/wasm').header('cache-control', FOREVER);
      vary(reply, 'accept-encoding');
      const packed = createReadStream(join(folder, file));
      if (takes(request.headers['accept-encoding'], 'br')) return reply.header('content-encoding', 'br').send(packed);
      return reply.send(unpacked(packed));
    });
  }
}

function unpacked(packed: ReadStream): Readable {
  const whole = createBrotliDecompress();
  packed.on('error', (error) => whole.destroy(error));
  // The client may have given up.
  whole.on('close', () => packed.destroy());
  return packed.pipe(whole);
}
