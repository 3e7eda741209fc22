/**
 * Around the browser library's restorations: files with their metadata, what is refused, the example, pages without threads.
 */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { build } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import { readXmpProperties } from '../../src/image/xmp.ts';
import {
  bytesOf,
  type Failure,
  libraryUnderTest,
  type Pixels,
  pixels,
  type Restored,
  TOLERANCE,
} from '../support/browser-library.ts';
import { MISSING, serveFolders } from '../support/chromium.ts';
import { largestDifference } from '../support/pictures.ts';

const PHOTO = fileURLToPath(new URL('../../examples/photo.jpg', import.meta.url));

const under = await libraryUnderTest();

describe.skipIf(MISSING !== '')(`in Chromium${MISSING}`, () => {
  beforeAll(async () => {
    await under.call('load', '/tiny.safetensors', 'wasm', 2);
  });

  it.each(['jpeg', 'png', 'webp'] as const)('writes a %s file with EXIF and the record', async (format) => {
    const input = await sharp(PHOTO)
      .resize(96, 64)
      .withExif({ IFD0: { Copyright: 'somebody', Orientation: '6' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const file = await under.call<{ type: string; base64: string; pixels: Pixels; bitmap: boolean; data: boolean }>(
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
      modelHash: under.node.model.hash,
    });
    if (format !== 'png') return;
    const decoded = await sharp(Buffer.from(file.base64, 'base64')).removeAlpha().raw().toBuffer();
    expect(largestDifference(decoded, bytesOf(file.pixels))).toBe(0);
  });

  it('refuses what is no picture, and what is damaged, too large or misspelt', async () => {
    const photo = await readFile(PHOTO);
    const refusal = (bytes: Buffer, parameters: object = {}) =>
      under.call<Failure>('restoreFailure', bytes.toString('base64'), parameters);
    expect(await refusal(Buffer.from('%PDF-1.7 and so on'))).toMatchObject({ code: 'NOT_AN_IMAGE' });
    expect(await refusal(Buffer.alloc(0))).toMatchObject({ code: 'NOT_AN_IMAGE' });
    expect(await refusal(photo.subarray(0, 200))).toMatchObject({ code: 'IMAGE_DAMAGED' });
    expect(await refusal(photo, { maxMegapixels: 0.1 })).toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    expect(await refusal(photo, { stepz: 3 })).toMatchObject({ code: 'INVALID_OPTION', message: /stepz/ });
    expect(await refusal(photo, { steps: 101 })).toMatchObject({ code: 'INVALID_OPTION', message: /1\.\.100/ });
  });

  it('names what is wrong with a model', async () => {
    expect(await under.call('loadFailure', '/none.safetensors', 'wasm')).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(await under.call('loadFailure', '/page.safetensors', 'wasm')).toMatchObject({ code: 'MODEL_INVALID' });
    expect(await under.call('loadFailure', '/tiny.safetensors', 'webgpu')).toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
    });
  });

  it('rejects what is under way when it is disposed of', async () => {
    const { during, after } = await under.call<{ during: Failure; after: Failure }>('disposed', pixels);
    expect(during.code).toBe('INVALID_OPTION');
    expect(after).toMatchObject({ code: 'INVALID_OPTION', message: /disposed/ });
  });

  it('runs the example page of the documents as it stands there', async () => {
    const root = fileURLToPath(new URL('../../examples/browser', import.meta.url));
    const html = await readFile(join(root, 'index.html'), 'utf8');
    expect(html.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
    expect(await readFile(fileURLToPath(new URL('../../docs/browser.md', import.meta.url)), 'utf8')).toContain(html);

    const outDir = join(under.folder, 'example');
    const alias = { 'clearword/browser': fileURLToPath(new URL('../../src/browser.ts', import.meta.url)) };
    await build({ root, logLevel: 'error', resolve: { alias }, build: { outDir, reportCompressedSize: false } });
    await copyFile(under.model, join(outDir, 'lite.safetensors'));
    await copyFile(join(under.folder, 'tiny.json'), join(outDir, 'lite.json'));
    const example = await serveFolders([outDir]);
    const other = await under.browser.newPage();
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
    const plain = await serveFolders([under.site, under.folder], { isolated: false });
    const isolated = under.page;
    under.page = await under.openPage(plain.url);
    try {
      expect(await under.call('load', '/tiny.safetensors', 'auto')).toMatchObject({
        model: { device: 'wasm', threads: 1 },
      });
      const restored = await under.call<Restored>('restore', pixels, {});
      expect(largestDifference(bytesOf(restored), await under.fromNode({}))).toBeLessThanOrEqual(TOLERANCE);
    } finally {
      await under.page.close();
      under.page = isolated;
      await plain.close();
    }
  });
});
