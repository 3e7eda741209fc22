/**
 * The web page and the document of the interface.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** The built page; sources and build of this file lie equally deep. */
const PAGE = fileURLToPath(new URL('../../../web/dist', import.meta.url));

export async function pageRoutes(
  app: FastifyInstance,
  { page = PAGE }: { readonly page?: string } = {},
): Promise<void> {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  if (!existsSync(page)) {
    app.get('/', { schema: { hide: true } }, async (_, reply) => reply.redirect('/docs'));
    return;
  }
  await app.register(fastifyStatic, {
    root: page,
    schemaHide: true,
    setHeaders(reply, path) {
      // Only an isolated page may use several threads of WebAssembly.
      reply.header('cross-origin-opener-policy', 'same-origin');
      reply.header('cross-origin-embedder-policy', 'require-corp');
      // Vite puts a hash of their contents into the names of assets.
      const forever = /[\\/]assets[\\/]/.test(path);
      reply.header('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}
