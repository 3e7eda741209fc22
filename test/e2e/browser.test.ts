/**
 * The browser library in a real Chromium: the same pictures as Node makes, without freezing the page.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readXmpProperties } from '../../src/data/xmp.ts';
import { Clearword } from '../../src/index.ts';
import { launchChromium, MISSING, type StaticServer, serveFolders } from '../support/chromium.ts';
import { largestDifference, meanDifference, patternPicture, temporaryFolder } from '../support/pictures.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

/** Largest difference from Node's result, of 255: kernels add in another order, and a value may round to its neighbour. */
const TOLERANCE = 1;
/** Building the page takes longer than the usual limit of a hook. */
vi.setConfig({ hookTimeout: 120_000 });

/** Share of the values that may differ at all. */
const ROUNDED = 0.002;

/** A graphics card imitated on two cores that others use as well. */
const SOFTWARE_GPU = 600_000;

/** Longest pause of the page's thread, ms. Alone on two cores it is below 50; other tests may be running beside this one. */
const FREEZE = 1000;

const PAGES = fileURLToPath(new URL('pages', import.meta.url));
const PHOTO = fileURLToPath(new URL('../../examples/photo.jpg', import.meta.url));
const folder = await temporaryFolder();
const model = join(folder, 'tiny.safetensors');

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly base64: string;
}

interface Restored extends Pixels {
  readonly fractions: number[];
  /** Longest time in which the page's own thread did nothing else, ms. */
  readonly longest: number;
  readonly ticks: number;
  readonly provenance: Record<string, unknown>;
  readonly samples: Pixels[];
  readonly uncertainty?: Pixels & { readonly scale: number };
}

interface Failure {
  readonly code: string;
  readonly message: string;
}

const picture = patternPicture(150, 100);
const pixels: Pixels = { width: 150, height: 100, base64: Buffer.from(picture.data as Uint8Array).toString('base64') };
const bytesOf = ({ base64 }: Pixels): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

let server: StaticServer;
let node: Clearword;
let browser: Browser;
let page: Page;

/** Calls a function of the page; see pages/browser-page.ts. */
const call = <T>(name: string, ...args: readonly unknown[]): Promise<T> =>
  page.evaluate(`clearwordTest.${name}(...${JSON.stringify(args)})`);

async function openPage(url = server.url): Promise<Page> {
  const opened = await browser.newPage();
  await opened.goto(`${url}/browser.html`);
  await opened.waitForFunction('"clearwordTest" in globalThis');
  return opened;
}

describe.skipIf(MISSING !== '')(`in Chromium${MISSING}`, () => {
  beforeAll(async () => {
    const site = join(folder, 'site');
    await mkdir(site);
    await writeTinyModel(model);
    await writeFile(join(folder, 'page.safetensors'), '<!doctype html><title>a page instead of a model</title>');
    await copyFile(join(folder, 'tiny.json'), join(folder, 'page.json'));
    await build({
      root: PAGES,
      configFile: false,
      logLevel: 'error',
      worker: { format: 'es' },
      build: {
        outDir: site,
        target: 'es2022',
        minify: false,
        reportCompressedSize: false,
        rolldownOptions: { input: join(PAGES, 'browser.html') },
      },
    });
    server = await serveFolders([site, folder]);
    node = await Clearword.load({ model });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([server?.close(), node?.dispose()]);
  });

  describe('with WebAssembly', () => {
    beforeAll(async () => {
      browser = await launchChromium();
      page = await openPage();
    });
    afterAll(() => browser.close());

    const fromNode = async (parameters: object) =>
      (await node.restore({ ...picture, channels: 3 }, parameters)).pixels().data;

    it('loads with threads, reports the download, and keeps the weights under their hash', async () => {
      expect(await call('isolated')).toBe(true);
      const first = await call<{ model: Record<string, unknown>; progress: Record<string, unknown>[] }>(
        'load',
        '/tiny.safetensors',
        'wasm',
        2,
      );
      expect(first.model).toMatchObject({ name: 'tiny', device: 'wasm', threads: 2, defaultTile: 64, mostSteps: 100 });
      expect(first.model.hash).toBe(node.model.hash);
      const size = (await readFile(model)).length;
      expect(first.progress).toContainEqual({ stage: 'weights', loaded: size, total: size });
      expect(await call('cacheKeys')).toEqual(['/tiny.json', `/tiny.safetensors?sha256=${node.model.hash}`]);

      const asked = () => server.requests.filter((path) => path === '/tiny.safetensors').length;
      const before = asked();
      await call('load', '/tiny.safetensors', 'wasm', 2);
      expect(asked()).toBe(before);
    });

    it('downloads a cached model that is damaged anew', async () => {
      await call('spoilCache');
      const { model: summary } = await call<{ model: { name: string } }>('load', '/tiny.safetensors', 'wasm', 2);
      expect(summary.name).toBe('tiny');
    });

    it.each([
      ['one step, several tiles', {}],
      [
        'five steps of another sampler with a prompt',
        { steps: 5, sampler: 'posterior', prompt: 'remove the rain', seed: 3 },
      ],
      ['one large tile', { tile: 256 }],
    ])('equals Node within 1 of 255: %s', async (_, parameters) => {
      const restored = await call<Restored>('restore', pixels, parameters);
      const [here, there] = [bytesOf(restored), await fromNode(parameters)];
      expect(largestDifference(here, there)).toBeLessThanOrEqual(TOLERANCE);
      expect(meanDifference(here, there)).toBeLessThan(ROUNDED);
      // What is compared was changed by the network.
      expect(largestDifference(here, picture.data)).toBeGreaterThan(20 * TOLERANCE);
      expect(restored.fractions.at(-1)).toBe(1);
      expect([...restored.fractions].sort((a, b) => a - b)).toEqual(restored.fractions);
    });

    it('draws the same samples, with the same uncertainty and record', async () => {
      const parameters = { samples: 2, seed: 5, steps: 3, sampler: 'euler-maruyama' } as const;
      const restored = await call<Restored>('restore', pixels, parameters);
      const there = await node.restore({ ...picture, channels: 3 }, parameters);
      restored.samples.forEach((sample, k) => {
        const own = there.samples[k]?.pixels().data ?? [];
        expect(largestDifference(bytesOf(sample), own)).toBeLessThanOrEqual(TOLERANCE);
      });
      expect(restored.samples).toHaveLength(2);
      const { uncertainty } = restored;
      expect(uncertainty?.scale).toBe(there.uncertainty?.scale);
      const own = there.uncertainty?.image.pixels().data ?? [];
      expect(meanDifference(uncertainty ? bytesOf(uncertainty) : [], own)).toBeLessThan(1);
      expect(restored.provenance).toEqual(there.provenance);
    });

    it('finds what Node finds', async () => {
      const here = await call<Record<string, { probability: number; strength: number }>>('inspect', pixels);
      const there = (await node.inspect({ ...picture, channels: 3 })).degradations;
      for (const [name, { probability, strength }] of Object.entries(there)) {
        expect(here[name]?.probability).toBeCloseTo(probability, 4);
        expect(here[name]?.strength).toBeCloseTo(strength, 4);
      }
    });

    it('restores a megapixel in one step while the page stays alive', async () => {
      const large = patternPicture(1216, 832);
      const base64 = Buffer.from(large.data as Uint8Array).toString('base64');
      const restored = await call<Restored>('restore', { width: 1216, height: 832, base64 }, { tile: 256 });
      expect(restored.width * restored.height).toBeGreaterThan(1e6);
      // The restoration takes seconds, all of them in the worker.
      expect(restored.longest).toBeLessThan(FREEZE);
      expect(restored.ticks).toBeGreaterThan(20);
      expect(restored.fractions.length).toBeGreaterThan(10);
    });

    it('cancels at once, and goes on with the next picture', async () => {
      const { failure, stepsAtOnce, width } = await call<{ failure: Failure; stepsAtOnce: number; width: number }>(
        'cancelled',
        pixels,
        { steps: 50 },
      );
      expect(failure.code).toBe('CANCELLED');
      expect(stepsAtOnce).toBe(1);
      expect(width).toBe(150);
    });

    it.each(['jpeg', 'png', 'webp'] as const)('writes a %s file with EXIF and the record', async (format) => {
      const input = await sharp(PHOTO)
        .resize(96, 64)
        .withExif({ IFD0: { Copyright: 'somebody', Orientation: '6' } })
        .withMetadata({ orientation: 6 })
        .jpeg()
        .toBuffer();
      const file = await call<{ type: string; base64: string; pixels: Pixels; bitmap: boolean; data: boolean }>(
        'restoreFile',
        input.toString('base64'),
        { prompt: 'remove "rain" & haze', seed: 9 },
        format,
      );
      expect(file).toMatchObject({ type: `image/${format}`, bitmap: true, data: true });
      const metadata = await sharp(Buffer.from(file.base64, 'base64')).metadata();
      // Turned as its orientation says.
      expect(metadata).toMatchObject({ format, width: 64, height: 96, orientation: 1 });
      expect(metadata.exif?.includes('somebody')).toBe(true);
      expect(readXmpProperties(metadata.xmpAsString ?? '')).toMatchObject({
        software: 'Clearword',
        role: 'restored',
        seed: '9',
        prompt: 'remove "rain" & haze',
        modelHash: node.model.hash,
      });
      if (format !== 'png') return;
      const decoded = await sharp(Buffer.from(file.base64, 'base64')).removeAlpha().raw().toBuffer();
      expect(largestDifference(decoded, bytesOf(file.pixels))).toBe(0);
    });

    it('refuses what is no picture, and what is damaged, too large or misspelt', async () => {
      const photo = await readFile(PHOTO);
      const refusal = (bytes: Buffer, parameters: object = {}) =>
        call<Failure>('restoreFailure', bytes.toString('base64'), parameters);
      expect(await refusal(Buffer.from('%PDF-1.7 and so on'))).toMatchObject({ code: 'NOT_AN_IMAGE' });
      expect(await refusal(Buffer.alloc(0))).toMatchObject({ code: 'NOT_AN_IMAGE' });
      expect(await refusal(photo.subarray(0, 200))).toMatchObject({ code: 'IMAGE_DAMAGED' });
      expect(await refusal(photo, { maxMegapixels: 0.1 })).toMatchObject({ code: 'IMAGE_TOO_LARGE' });
      expect(await refusal(photo, { stepz: 3 })).toMatchObject({ code: 'INVALID_OPTION', message: /stepz/ });
      expect(await refusal(photo, { steps: 101 })).toMatchObject({ code: 'INVALID_OPTION', message: /1\.\.100/ });
    });

    it('names what is wrong with a model', async () => {
      expect(await call('loadFailure', '/none.safetensors', 'wasm')).toMatchObject({ code: 'MODEL_NOT_FOUND' });
      expect(await call('loadFailure', '/page.safetensors', 'wasm')).toMatchObject({ code: 'MODEL_INVALID' });
      expect(await call('loadFailure', '/tiny.safetensors', 'webgpu')).toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
    });

    it('rejects what is under way when it is disposed of', async () => {
      const { during, after } = await call<{ during: Failure; after: Failure }>('disposed', pixels);
      expect(during.code).toBe('INVALID_OPTION');
      expect(after).toMatchObject({ code: 'INVALID_OPTION', message: /disposed/ });
    });

    it('runs the example page of the documents as it stands there', async () => {
      const root = fileURLToPath(new URL('../../examples/browser', import.meta.url));
      const html = await readFile(join(root, 'index.html'), 'utf8');
      expect(html.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
      expect(await readFile(fileURLToPath(new URL('../../docs/browser.md', import.meta.url)), 'utf8')).toContain(html);

      const outDir = join(folder, 'example');
      const alias = { 'clearword/browser': fileURLToPath(new URL('../../src/browser.ts', import.meta.url)) };
      await build({ root, logLevel: 'error', resolve: { alias }, build: { outDir, reportCompressedSize: false } });
      await copyFile(model, join(outDir, 'lite.safetensors'));
      await copyFile(join(folder, 'tiny.json'), join(outDir, 'lite.json'));
      const example = await serveFolders([outDir]);
      const other = await browser.newPage();
      try {
        await other.goto(example.url);
        await other.getByText('Ready, on wasm').waitFor();
        await other.getByLabel('Photo').setInputFiles(PHOTO);
        await other.getByText('510 x 340 pixels').waitFor();
        expect(await other.getByRole('img', { name: 'Restored' }).getAttribute('src')).toMatch(/^blob:/);
      } finally {
        await other.close();
        await example.close();
      }
    });

    it('works with one thread on a page that is not isolated', async () => {
      const plain = await serveFolders([join(folder, 'site'), folder], { isolated: false });
      const isolated = page;
      page = await openPage(plain.url);
      try {
        expect(await call('load', '/tiny.safetensors', 'auto')).toMatchObject({
          model: { device: 'wasm', threads: 1 },
        });
        const restored = await call<Restored>('restore', pixels, {});
        expect(largestDifference(bytesOf(restored), await fromNode({}))).toBeLessThanOrEqual(TOLERANCE);
      } finally {
        await page.close();
        page = isolated;
        await plain.close();
      }
    });
  });

  describe('with WebGPU', () => {
    beforeAll(async () => {
      browser = await launchChromium({ webgpu: true });
      page = await openPage();
    });

    // SwiftShader compiles every shader on the CPU: a tile of 64 x 64 pixels takes a minute or two.
    it(
      'equals Node within 1 of 255',
      async () => {
        expect(await call('load', '/tiny.safetensors', 'webgpu')).toMatchObject({ model: { device: 'webgpu' } });
        const small = patternPicture(64, 64);
        const base64 = Buffer.from(small.data as Uint8Array).toString('base64');
        const restored = await call<Restored>('restore', { width: 64, height: 64, base64 }, { steps: 2, seed: 3 });
        const there = await node.restore({ ...small, channels: 3 }, { steps: 2, seed: 3 });
        expect(largestDifference(bytesOf(restored), there.pixels().data)).toBeLessThanOrEqual(TOLERANCE);
        expect(largestDifference(bytesOf(restored), small.data)).toBeGreaterThan(20 * TOLERANCE);
      },
      SOFTWARE_GPU,
    );

    it('is not chosen by itself where software imitates it', async () => {
      expect(await call('load', '/tiny.safetensors', 'auto')).toMatchObject({ model: { device: 'wasm' } });
    });
  });
});
