/**
 * The built page with a tiny model in a real Chromium, and how tests find their way on it. With PAGE_SCREENSHOTS=folder the
 * tests leave pictures of the page there; with PAGE_SITE=folder they take the page that was built there.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { launchChromium, MISSING, type ServeOptions, type StaticServer, serveFolders } from './chromium.ts';
import { temporaryFolder } from './pictures.ts';
import { writeTinyModel } from './tiny-model.ts';

const CONFIG = fileURLToPath(new URL('../../web/vite.config.ts', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SHOTS = process.env.PAGE_SCREENSHOTS;
const BUILT = process.env.PAGE_SITE;

/** Restoring takes a second; other tests may be running beside this one. */
export const PATIENCE = 120_000;

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1360, height: 860 } };
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  deviceScaleFactor: 2,
};

/** A file as a chooser gives it. */
export interface TestFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** A small photo, which is restored at once; its colours tell photos apart. */
export async function photoFile(
  name: string,
  { width = 60, height = 40, alpha = false, hue = 120 } = {},
): Promise<TestFile> {
  const channels = alpha ? 4 : 3;
  const data = Buffer.alloc(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const x = i % width;
    data[i * channels] = hue;
    data[i * channels + 1] = Math.round((255 * x) / width);
    data[i * channels + 2] = 255 - hue;
    // The right half is transparent.
    if (alpha) data[i * channels + 3] = x < width / 2 ? 255 : 0;
  }
  const picture = sharp(data, { raw: { width, height, channels } });
  const buffer = await (name.endsWith('.png') ? picture.png() : picture.jpeg({ quality: 95 })).toBuffer();
  return { name, mimeType: name.endsWith('.png') ? 'image/png' : 'image/jpeg', buffer };
}

/** The page that is open in a test, and what can be found on it. */
export class PageUnderTest {
  /** Errors that the browser logged and nobody expected. */
  readonly problems: string[] = [];
  server!: StaticServer;
  browser!: Browser;
  page!: Page;
  /** Folder of the built page, without a model. */
  site = '';
  /** Folder of the model, under weights/. */
  weights = '';

  /** @param offline with the service worker, which each new context has to start, and which copies the runtime's 14 MB */
  async open(options: BrowserContextOptions = DESKTOP, url = this.server.url, offline = false): Promise<Page> {
    const context = await this.browser.newContext(options);
    // As browsers have it for pages that are neither local nor encrypted.
    if (!offline) await context.addInitScript('delete Navigator.prototype.serviceWorker');
    const page = await context.newPage();
    this.page = page;
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      // What a server answers is looked at below: these messages do not always say which address they are about.
      const answered = message.text().includes('responded with a status of');
      if (message.type() === 'error' && !answered) this.problems.push(message.text());
    });
    page.on('response', (response) => {
      const of = response.url();
      // A server that only has files is asked whether it restores.
      if (response.status() < 400 || of.endsWith('/readyz')) return;
      this.problems.push(`Failed to load resource: the server responded with a status of ${response.status()}: ${of}`);
    });
    await page.goto(url);
    return page;
  }

  async shot(name: string): Promise<void> {
    if (SHOTS !== undefined) await this.page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  restoreButton(): Locator {
    return this.button(/^Restore/);
  }

  divider(): Locator {
    return this.page.getByRole('slider', { name: 'Line between before and after' });
  }

  stage(): Locator {
    return this.page.getByRole('region', { name: /^Photo/ });
  }

  /** Results of the session, the latest first. */
  history(): Locator {
    return this.page.getByRole('navigation', { name: 'Results' }).locator('.history-open');
  }

  /** Opens the sample photo and waits until the controller has looked at it. */
  async openSample(): Promise<void> {
    await this.button(/Rain and noise/).click();
    // A chip for each degradation that the model knows, found or not.
    await this.page.locator('.chip').first().waitFor();
  }

  /** Photos that are open, in their order. */
  thumbnails(): Locator {
    return this.page.getByRole('region', { name: 'Photos' }).locator('.thumbnail-open');
  }

  status(): Promise<string | null> {
    return this.page.getByRole('status').textContent();
  }

  alert(): Promise<string | null> {
    return this.page.getByRole('alert').textContent();
  }

  prompt(): Locator {
    return this.page.getByLabel('In your words');
  }

  /** Chooses files and waits until the controller has looked at the first, if it is a photo. */
  async choose(...files: TestFile[]): Promise<void> {
    const first = this.page.getByRole('button', { name: /^(Choose|Add) photos/ });
    const chooser = this.page.waitForEvent('filechooser');
    await first.click();
    await (await chooser).setFiles(files);
  }

  async openPhoto(file: TestFile): Promise<void> {
    await this.choose(file);
    await this.page.getByRole('heading', { level: 1, name: file.name }).waitFor();
    await this.page.locator('.chip').first().waitFor();
  }

  /** Restores the open photo. */
  async restore(): Promise<void> {
    const before = await this.history().count();
    await this.restoreButton().click();
    await expect.poll(() => this.history().count(), { timeout: PATIENCE }).toBe(before + 1);
  }

  async restored(): Promise<void> {
    await this.openSample();
    await this.restoreButton().click();
    await this.divider().waitFor();
  }

  /** Pixels of the screen for one of the photo, percent. */
  async zoomLevel(): Promise<number> {
    return Number.parseInt((await this.page.locator('.zoom-level').textContent())?.replace('Zoom ', '') ?? '', 10);
  }

  /** Where the zoom has put pictures. */
  transforms(pictures: Locator): Promise<string[]> {
    // The types of a page's elements are not known here.
    return pictures.evaluateAll((images) =>
      images.map((image) =>
        String(
          (image as unknown as { closest: (of: string) => { style: { transform: string } } }).closest('.moved').style
            .transform,
        ),
      ),
    );
  }

  /** What axe finds, as text. */
  async barriers(): Promise<string[]> {
    await this.page.addScriptTag({ path: AXE });
    const violations = (await this.page.evaluate('axe.run().then(({ violations }) => violations)')) as {
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }
}

/**
 * Builds the page, serves it with a tiny model and opens a browser, before the tests of the suite that calls it; closes
 * everything after them, and expects of each test that the browser logged no error.
 */
export async function pageUnderTest(options: () => Promise<ServeOptions> = async () => ({})): Promise<PageUnderTest> {
  // Building takes longer than the usual limit of a hook.
  vi.setConfig({ hookTimeout: 300_000, testTimeout: 300_000 });
  const under = new PageUnderTest();
  if (MISSING !== '') return under;
  const folder = await temporaryFolder();
  under.site = BUILT ?? join(folder, 'site');
  under.weights = folder;
  beforeAll(async () => {
    if (SHOTS !== undefined) await mkdir(SHOTS, { recursive: true });
    const out = { outDir: under.site, emptyOutDir: true, minify: false, reportCompressedSize: false };
    if (BUILT === undefined) await build({ configFile: CONFIG, logLevel: 'error', build: out });
    await mkdir(join(folder, 'weights'), { recursive: true });
    await writeTinyModel(join(folder, 'weights', 'lite.safetensors'), { strengths: true, tile: 512 });
    // The tiny model first, in place of the bundled one; the samples are one tile of it.
    under.server = await serveFolders([folder, under.site], await options());
    under.browser = await launchChromium({ quickly: true });
  });
  afterEach(async () => {
    await under.page?.context().close();
    expect(under.problems.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await under.browser?.close();
    await under.server?.close();
  });
  return under;
}
