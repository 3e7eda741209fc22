/**
 * Pages in a real browser: built by Vite, served from memory of a folder, opened in Chromium.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM, required } from './required.ts';

export { CHROMIUM };

/** Empty where Chromium is there; else why tests are skipped, for their names. */
export const MISSING = required('chromium').note;

/** SwiftShader computes WebGPU on the CPU, so that it is there on every machine. */
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];

export interface ChromiumOptions {
  readonly webgpu?: boolean;
  /** WebAssembly is compiled once and quickly, and not again for speed: for networks that are small. */
  readonly quickly?: boolean;
}

export function launchChromium({ webgpu = false, quickly = false }: ChromiumOptions = {}): Promise<Browser> {
  const compiled = quickly ? ['--js-flags=--liftoff-only'] : [];
  const args = ['--no-sandbox', '--disable-dev-shm-usage', ...compiled, ...(webgpu ? WEBGPU : [])];
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args });
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
};

export interface StaticServer {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

export interface ServeOptions {
  /** Send the headers that allow shared memory, and so threads. Default true. */
  readonly isolated?: boolean;
  /** Answers a request itself; false leaves it to the folders. */
  readonly handle?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Serves the folders, the first that has a file. */
export async function serveFolders(folders: readonly string[], options: ServeOptions = {}): Promise<StaticServer> {
  const { isolated = true, handle } = options;
  const requests: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    requests.push(pathname);
    if (isolated) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    }
    if (handle?.(request, response)) return;
    const path = normalize(decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname));
    for (const folder of folders) {
      const body = await readFile(join(folder, path)).catch(() => undefined);
      if (body === undefined) continue;
      response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
      response.setHeader('Content-Length', body.length);
      response.end(body);
      return;
    }
    response.statusCode = 404;
    response.end('not found');
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
