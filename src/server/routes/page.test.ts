/** The page as `clearword serve` serves it: files, the model, and a runtime that lies compressed in the package. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import { FILES_POLICY } from '../headers.ts';
import { pageRoutes } from './page.ts';

const RUNTIME = Buffer.alloc(300_000, 'wasm');

describe('the page', async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, 'page', 'assets'), { recursive: true });
  await writeFile(join(root, 'page', 'index.html'), '<!doctype html>page');
  await writeFile(join(root, 'page', 'assets', 'app-1a2b.js'), 'script');
  await writeFile(join(root, 'page', 'assets', 'engine-3c4d.wasm.br'), brotliCompressSync(RUNTIME));
  await mkdir(join(root, 'weights'));
  await writeFile(join(root, 'weights', 'lite.safetensors'), 'weights');
  await writeFile(join(root, 'weights', 'lite.json'), '{ "name": "lite" }');
  await writeFile(join(root, 'weights', 'other.json'), '{}');
  await writeFile(join(root, 'secret'), 'secret');
  const serve = async (page: string) => {
    const app = fastify();
    await app.register(pageRoutes, { page, weights: join(root, 'weights') });
    return app;
  };

  it('is at /, isolated, and its assets are kept for ever', async () => {
    const app = await serve(join(root, 'page'));
    const page = await app.inject('/');
    expect([page.statusCode, page.body]).toEqual([200, '<!doctype html>page']);
    expect(page.headers).toMatchObject({
      'cache-control': 'no-cache',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    const asset = await app.inject('/assets/app-1a2b.js');
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    for (const path of ['/../secret', '/..%2fsecret', '/assets/..%2f..%2fsecret', '/none.js']) {
      expect([path, (await app.inject(path)).statusCode >= 400]).toEqual([path, true]);
    }
    await app.close();
  });

  it('has its own policy, and nobody puts it into a frame', async () => {
    const own = "default-src 'self'; connect-src 'self' blob:";
    const other = join(root, 'with-policy');
    await mkdir(join(other, 'assets'), { recursive: true });
    const tag = `<meta http-equiv="Content-Security-Policy" content="${own}">`;
    await writeFile(join(other, 'index.html'), `<!doctype html>${tag}page`);
    await writeFile(join(other, 'assets', 'worker-1a2b.js'), 'script');
    const app = await serve(other);
    expect((await app.inject('/')).headers['content-security-policy']).toBe(`${own}; frame-ancestors 'none'`);
    // A script that runs in a thread of its own is under the policy that it comes with.
    expect((await app.inject('/assets/worker-1a2b.js')).headers['content-security-policy']).toBe(FILES_POLICY);
    await app.close();
  });

  it('that is not built gives way to the description of the interface', async () => {
    const app = await serve(join(root, 'none'));
    const { statusCode, headers } = await app.inject('/');
    expect([statusCode, headers.location]).toEqual([302, '/docs']);
    await app.close();
  });

  it('finds the bundled model under weights/, and nothing else of that folder', async () => {
    const app = await serve(join(root, 'page'));
    const model = await app.inject('/weights/lite.safetensors');
    expect([model.statusCode, model.body, model.headers['content-type']]).toEqual([
      200,
      'weights',
      'application/octet-stream',
    ]);
    expect(model.headers).toMatchObject({
      'cache-control': 'no-cache',
      'cross-origin-embedder-policy': 'require-corp',
      etag: expect.any(String),
    });
    const again = { url: '/weights/lite.safetensors', headers: { 'if-none-match': String(model.headers.etag) } };
    expect((await app.inject(again)).statusCode).toBe(304);
    expect((await app.inject('/weights/lite.json')).json()).toEqual({ name: 'lite' });
    for (const path of [
      '/weights/other.json',
      '/weights/',
      '/weights/..%2fsecret',
      '/weights/lite.json%2f..%2f..%2fsecret',
    ]) {
      expect([path, (await app.inject(path)).statusCode]).toEqual([path, 404]);
    }
    await app.close();
  });

  it('has its runtime compressed, and unpacks it for browsers that do not', async () => {
    const app = await serve(join(root, 'page'));
    const ask = (encoding: string | undefined) =>
      app.inject({
        url: '/assets/engine-3c4d.wasm',
        headers: encoding === undefined ? {} : { 'accept-encoding': encoding },
      });
    for (const encoding of ['gzip, deflate, br, zstd', 'BR;q=1.0']) {
      const { headers, rawPayload, statusCode } = await ask(encoding);
      expect(statusCode).toBe(200);
      expect(headers).toMatchObject({
        'content-type': 'application/wasm',
        'content-encoding': 'br',
        vary: 'accept-encoding',
        'cache-control': 'public, max-age=31536000, immutable',
        'cross-origin-embedder-policy': 'require-corp',
      });
      expect(rawPayload.length).toBeLessThan(1000);
      expect(brotliDecompressSync(rawPayload).equals(RUNTIME)).toBe(true);
    }
    for (const encoding of [undefined, 'gzip, deflate', 'br;q=0', 'gzip, br; q=0.00', 'brotli']) {
      const { headers, rawPayload } = await ask(encoding);
      expect([encoding, headers['content-encoding'], headers['content-type']]).toEqual([
        encoding,
        undefined,
        'application/wasm',
      ]);
      expect(rawPayload.equals(RUNTIME)).toBe(true);
    }
    await app.close();
  });
});
