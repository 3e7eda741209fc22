/**
 * Time of restoring photos in Chromium by WebAssembly, beside Node on the same machine: the numbers of docs/browser.md.
 *
 *   npx tsx bench/browser.ts [--sizes 512x512,1216x832] [--threads 1,2] [--tile 256] [--steps 1] [--repeat 2]
 *     [--weights folder] [--photo FILE] [--json]
 *
 * From pixels to pixels, with the bundled model. `First` includes building the sessions for the tile, `Again` is the
 * fastest further restoration. `Longest pause` is of the page's own thread, `Off` the largest difference of the result from
 * Node's, of 255. Chromium is Debian's, or that of CHROMIUM_PATH.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { build } from 'vite';
import { Clearword } from '../src/index.ts';
import { launchChromium, serveFolders } from '../test/support/chromium.ts';
import { describeMachine, machine } from './machine.ts';
import { markdownTable } from './table.ts';

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '512x512,1216x832' },
    threads: { type: 'string', default: '1,2' },
    tile: { type: 'string' },
    steps: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '2' },
    weights: { type: 'string', default: fromHere('../weights') },
    photo: { type: 'string', default: fromHere('../examples/photo.jpg') },
    json: { type: 'boolean', default: false },
  },
});
const repeat = Number(values.repeat);
const parameters = { steps: Number(values.steps), ...(values.tile !== undefined && { tile: Number(values.tile) }) };

interface Restored {
  readonly took: number;
  readonly longest: number;
  readonly base64: string;
}

interface Row {
  readonly where: string;
  readonly size: string;
  readonly first: number;
  readonly again: number;
  readonly pause?: number;
  readonly off?: number;
}

async function pixelsOf(size: string) {
  const [width = 0, height = 0] = size.split('x').map(Number);
  if (!(width > 0 && height > 0)) throw new Error(`--sizes: expected sizes such as 1024x768, received ${size}`);
  const data = await sharp(values.photo).resize(width, height, { fit: 'cover' }).removeAlpha().raw().toBuffer();
  return { width, height, data };
}

const sizes = values.sizes.split(',');
const photos = await Promise.all(sizes.map(pixelsOf));
const folder = await mkdtemp(join(tmpdir(), 'clearword-browser-'));
const PAGES = fromHere('../test/e2e/pages');
await build({
  root: PAGES,
  configFile: false,
  logLevel: 'error',
  worker: { format: 'es' },
  build: { outDir: folder, target: 'es2022', rolldownOptions: { input: join(PAGES, 'browser.html') } },
});
const server = await serveFolders([folder, values.weights]);
const rows: Row[] = [];
const expected: Uint8Array[] = [];
try {
  const node = await Clearword.load({ model: join(values.weights, 'lite.safetensors'), device: 'cpu' });
  for (const { width, height, data } of photos) {
    const times: number[] = [];
    let pixels: ArrayLike<number> = [];
    for (let i = 0; i <= repeat; i++) {
      const started = performance.now();
      pixels = (await node.restore({ width, height, channels: 3, data }, parameters)).pixels().data;
      times.push((performance.now() - started) / 1000);
    }
    expected.push(Uint8Array.from(pixels));
    const [first = 0, ...again] = times;
    rows.push({ where: 'Node', size: `${width} x ${height}`, first, again: Math.min(...again) });
  }
  await node.dispose();

  for (const threads of values.threads.split(',').map(Number)) {
    const browser = await launchChromium();
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(`${server.url}/browser.html`);
    await page.waitForFunction('"clearwordTest" in globalThis');
    const call = <T>(name: string, ...args: readonly unknown[]): Promise<T> =>
      page.evaluate(`clearwordTest.${name}(...${JSON.stringify(args)})`);
    const { model } = await call<{ model: { threads: number } }>('load', '/lite.safetensors', 'wasm', threads);
    for (const [n, { width, height, data }] of photos.entries()) {
      const results: Restored[] = [];
      for (let i = 0; i <= repeat; i++) {
        results.push(await call('restore', { width, height, base64: data.toString('base64') }, parameters));
      }
      const [first, ...again] = results;
      const pixels = Buffer.from(first?.base64 ?? '', 'base64');
      rows.push({
        where: `Chromium ${browser.version()}, ${model.threads} threads`,
        size: `${width} x ${height}`,
        first: (first?.took ?? 0) / 1000,
        again: Math.min(...again.map(({ took }) => took)) / 1000,
        pause: Math.max(...results.map(({ longest }) => longest)),
        off: pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[n]?.[i] ?? 0))), 0),
      });
    }
    await browser.close();
  }
} finally {
  await server.close();
  await rm(folder, { recursive: true, force: true });
}

if (values.json) {
  console.log(JSON.stringify({ machine: machine(), ...parameters, rows }));
} else {
  console.log(describeMachine(machine()));
  const header = ['Where', 'Pixels', 'First, s', 'Again, s', 'Longest pause, ms', 'Off'];
  const cells = rows.map(({ where, size, first, again, pause, off }) =>
    [where, size, first.toFixed(2), again.toFixed(2), pause?.toFixed(0) ?? '', off ?? ''].map(String),
  );
  console.log(markdownTable(header, cells));
}
