/**
 * Installs the package with the frameworks that people use it in, and restores a photo in each of them. Before a release:
 *
 *     npm run smoke                    all of them
 *     npm run smoke -- next vite
 *
 * It needs a network, some minutes, and for Vite a Chromium (CHROMIUM_PATH). docs/embedding.md has what each of them needs; the
 * files here are those of that page, so that what it says is what was tried.
 *
 * @module
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const execute = promisify(execFile);
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip', NEXT_TELEMETRY_DISABLED: '1' };
/** Milliseconds that a server has for its start, and a restoration for its end. */
const PATIENCE = 180_000;

/** Code of docs/embedding.md by the name of its file, which the line above the code has in backticks. */
const PAGE = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');
function documented(file: string): string {
  const [, code] = PAGE.split(`\`${file}\``)[1]?.match(/```\w+\n([\s\S]*?)```/) ?? [];
  if (code === undefined) throw new Error(`expected the code of ${file} in docs/embedding.md, found none`);
  return code;
}

const root = mkdtempSync(join(tmpdir(), 'clearword-smoke-'));

/** A folder with files and packages installed. */
async function project(
  name: string,
  files: Readonly<Record<string, string>>,
  packages: readonly string[],
): Promise<string> {
  const folder = join(root, name);
  for (const [file, text] of Object.entries({ 'package.json': '{ "private": true, "type": "module" }', ...files })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  copyFileSync(join(ROOT, 'examples/photo.jpg'), join(folder, 'photo.jpg'));
  const install = ['install', archive, ...packages, '--prefer-offline', '--no-audit', '--no-fund'];
  await execute('npm', install, { cwd: folder, env, maxBuffer: 2 ** 26 });
  return folder;
}

/** Starts a program and waits until it says where it listens. */
async function listening(command: string, args: readonly string[], cwd: string) {
  const child = spawn(command, args, { cwd, env: { ...env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      const [found] = /http:\/\/localhost:\d+/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}: ${text}`)));
    AbortSignal.timeout(PATIENCE).addEventListener('abort', () =>
      reject(new Error(`${command} did not start: ${text}`)),
    );
  });
  return { url, stop: () => child.kill() };
}

async function expectPhoto(bytes: Uint8Array): Promise<void> {
  const { width, height } = await sharp(bytes).metadata();
  if (width !== 510 || height !== 340)
    throw new Error(`expected a photo of 510 x 340 pixels, received ${width} x ${height}`);
}

const FRAMEWORKS: Readonly<Record<string, () => Promise<void>>> = {
  /** A route that restores, built and served. */
  async next() {
    const layout = 'export default function Layout({ children }) { return <html><body>{children}</body></html>; }';
    const page = 'export default function Page() { return <p>Clearword</p>; }';
    const files = { 'app/layout.js': layout, 'app/page.js': page };
    const names = ['next.config.mjs', 'app/restore/route.js'];
    const own = Object.fromEntries(names.map((name) => [name, documented(name)]));
    const folder = await project('next', { ...files, ...own }, ['next', 'react', 'react-dom']);
    const next = join(folder, 'node_modules/.bin/next');
    await execute(next, ['build'], { cwd: folder, env, maxBuffer: 2 ** 26 });
    const server = await listening(next, ['start', '--port', '0'], folder);
    try {
      const body = Uint8Array.from(readFileSync(join(folder, 'photo.jpg')));
      const response = await fetch(`${server.url}/restore`, { method: 'POST', body });
      if (!response.ok) throw new Error(`expected a picture, received ${response.status} ${await response.text()}`);
      await expectPhoto(new Uint8Array(await response.arrayBuffer()));
    } finally {
      server.stop();
    }
  },

  /** The page of docs/browser.md, served while it is worked on. */
  async vite() {
    const page = readFileSync(join(ROOT, 'examples/browser/index.html'), 'utf8');
    const files = { 'index.html': page, 'vite.config.js': documented('vite.config.js') };
    const folder = await project('vite', files, ['vite', 'onnxruntime-web']);
    for (const name of ['lite.json', 'lite.safetensors']) copyFileSync(join(ROOT, 'weights', name), join(folder, name));
    const server = await listening(join(folder, 'node_modules/.bin/vite'), ['--port', '0'], folder);
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: ['--no-sandbox'],
    });
    try {
      const tab = await browser.newPage();
      const said: string[] = [];
      tab.on('console', (message) => said.push(message.text()));
      tab.on('pageerror', (error) => said.push(error.message));
      const status = tab.locator('[role=status]');
      const expectStatus = (text: string) =>
        status
          .filter({ hasText: text })
          .waitFor({ timeout: PATIENCE })
          .catch(async (cause: unknown) => {
            const seen = [await status.textContent(), ...said].join('\n');
            throw new Error(`expected the page to say ${text}, received ${seen}`, { cause });
          });
      await tab.goto(server.url);
      await expectStatus('Ready');
      await tab.locator('input').setInputFiles(join(folder, 'photo.jpg'));
      await expectStatus('510 x 340');
    } finally {
      await browser.close();
      server.stop();
    }
  },

  /** The main process, without a window. */
  async electron() {
    const folder = await project('electron', { 'main.js': documented('main.js') }, ['electron']);
    const args = ['--no-sandbox', '--ozone-platform=headless', 'main.js'];
    const child = spawn(join(folder, 'node_modules/.bin/electron'), args, {
      cwd: folder,
      env,
      stdio: 'inherit',
      timeout: PATIENCE,
    });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`expected electron to end with 0, received ${code}`);
    await expectPhoto(readFileSync(join(folder, 'clear.jpg')));
  },
};

const { positionals } = parseArgs({ allowPositionals: true });
const names = z
  .array(z.enum(Object.keys(FRAMEWORKS)))
  .parse(positionals.length > 0 ? positionals : Object.keys(FRAMEWORKS));
await execute('npm', ['run', 'build'], { cwd: ROOT, env, maxBuffer: 2 ** 26 });
const pack = await execute('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', root], {
  cwd: ROOT,
  env,
});
const [packed] = z.array(z.object({ filename: z.string() })).parse(JSON.parse(pack.stdout));
const archive = join(root, packed?.filename ?? '');
let failed = 0;
for (const name of names) {
  try {
    await FRAMEWORKS[name]?.();
    console.log(`${name}: restored a photo`);
  } catch (error) {
    failed++;
    console.log(`${name}: failed\n${error instanceof Error ? error.stack : error}`);
  }
}
rmSync(root, { recursive: true, force: true });
process.exit(failed > 0 ? 1 : 0);
