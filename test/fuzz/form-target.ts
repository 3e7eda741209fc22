/**
 * Forms as a server gets them, over HTTP.
 *
 * @module
 */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { catalogue } from '../../src/errors.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import { createLog } from '../../src/server/log.ts';
import { startServer } from '../../src/server/serve.ts';
import { serverSettingsSchema } from '../../src/server/settings.ts';
import { loaderModule } from '../support/loaders.ts';
import { patternPicture } from '../support/pictures.ts';
import { bytesOf, expectTrue, type Target } from './target.ts';

const BOUNDARY = 'fuzz';
const problemSchema = z.looseObject({ code: z.string(), detail: z.string(), requestId: z.string() });

/** The server says why it refuses, without a stack or a place of its own, and stays; nothing unfinished lies in its store. */
export async function forms(): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'clearword-fuzz-'));
  const limits = {
    maxMegapixels: 0.2,
    maxMegabytes: 0.1,
    ratePerMinute: 1_000_000,
    maxUploads: 1000,
    maxUploadsEach: 1000,
  };
  const server = await startServer({
    settings: serverSettingsSchema.parse({
      port: 0,
      store: folder,
      grace: 1,
      keepHours: 0.01,
      allowUrls: true,
      ...limits,
    }),
    inference: { device: 'cpu', loader: loaderModule('fake-loader') },
    log: createLog('error', { write: () => undefined }),
  });
  const picture = await encodeImage(patternPicture(16, 12), { format: 'png' });
  const part = (name: string, value: Uint8Array, more = '') =>
    Buffer.concat([
      bytesOf(`--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n`),
      value,
      bytesOf('\r\n'),
    ]);
  const file = part('image', picture, '; filename="photo.png"');
  const form = (...parts: readonly Uint8Array[]) => Buffer.concat([...parts, bytesOf(`--${BOUNDARY}--\r\n`)]);
  return {
    samples: [
      form(file),
      form(part('prompt', bytesOf('remove the rain')), file, part('steps', bytesOf('2'))),
      form(part('samples', bytesOf('2')), part('format', bytesOf('jpeg')), part('quality', bytesOf('80')), file),
      form(part('url', bytesOf('http://127.0.0.1:1/photo.png'))),
    ],
    words: [
      `--${BOUNDARY}`,
      `--${BOUNDARY}--`,
      '\r\n',
      '\r\n\r\n',
      'name="image"',
      'filename="',
      "filename*=utf-8''",
      'content-type: text/plain',
      'content-transfer-encoding: base64',
      'name="steps"',
      'name="__proto__"',
      'charset=utf-7',
    ],
    async run(input) {
      const response = await fetch(`${server.url}/v1/restorations`, {
        method: 'POST',
        body: Uint8Array.from(input),
        headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, prefer: 'respond-async' },
      });
      const text = await response.text();
      if (response.status === 202 || response.status === 200) return String(response.status);
      const problem = problemSchema.safeParse(JSON.parse(text));
      expectTrue(problem.success && Object.hasOwn(catalogue, problem.data.code), `a problem, received ${text}`);
      // Addresses that are made up may be public ones, where nobody answers.
      const elsewhere = response.status === 502 && problem.data?.code === 'URL_UNREACHABLE';
      expectTrue(
        response.status < 500 || response.status === 503 || elsewhere,
        `no failure of the server's own, received ${text}`,
      );
      expectTrue(
        !text.includes(folder) && !text.includes('.ts:'),
        `nothing of the server's own places, received ${text}`,
      );
      const { code = '', detail = '' } = problem.data ?? {};
      return `${response.status} ${code} ${detail
        .replace(/"[^"]*"/g, '""')
        .replace(/[^a-z ]+/gi, ' ')
        .split(/\s+/)
        .slice(0, 8)
        .join(' ')}`;
    },
    async settled() {
      const health = await fetch(`${server.url}/healthz`);
      expectTrue(health.ok, `a healthy server, received ${health.status}`);
      await health.arrayBuffer();
      const left = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.tmp'));
      // One may be under way.
      expectTrue(left.length <= 1, `no unfinished files, found ${left.join(', ')}`);
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
