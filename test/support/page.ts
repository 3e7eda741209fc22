/**
 * The built page with a tiny model in a real Chromium, and how tests find their way on it. With PAGE_SCREENSHOTS=folder the
 * tests leave pictures of the page there.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { launchChromium, MISSING, type ServeOptions, type StaticServer, serveFolders } from './chromium.ts';
import { temporaryFolder } from './pictures.ts';
import { writeTinyModel } from './tiny-model.ts';

const CONFIG = fileURLToPath(new URL('../../web/vite.config.ts', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SHOTS = process.env.PAGE_SCREENSHOTS;

/** Restoring takes a second; other tests may be running beside this one. */
export const PATIENCE = 120_000;

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1360, height: 860 } };
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  deviceScaleFactor: 2,
};

/** The page that is open in a test, and what can be found on it. */
export class PageUnderTest {
  /** Errors that the browser logged and nobody expected. */
  readonly problems: string[] = [];
  server!: StaticServer;
  browser!: Browser;
  page!: Page;
  /** Folder of the built page, without a model. */
  site = '';

  async open(options: BrowserContextOptions = DESKTOP, url = this.server.url): Promise<Page> {
    const context = await this.browser.newContext(options);
    const page = await context.newPage();
    this.page = page;
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      // The browser itself logs the answer of a server that only has files to the question whether it restores.
      if (message.type() === 'error' && !message.location().url.endsWith('/readyz')) this.problems.push(message.text());
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
    return this.page.getByRole('navigation', { name: 'Results' }).getByRole('button');
  }

  /** Opens the sample photo and waits until the controller has looked at it. */
  async openSample(): Promise<void> {
    await this.button(/Rain and noise/).click();
    // A chip for each degradation that the model knows, found or not.
    await this.page.locator('.chip').first().waitFor();
  }

  async restored(): Promise<void> {
    await this.openSample();
    await this.restoreButton().click();
    await this.divider().waitFor();
  }

  /** Such as 140 %. */
  async zoomLevel(): Promise<string | undefined> {
    return (await this.page.locator('.zoom-level').textContent())?.replace('Zoom ', '');
  }

  /** Where the zoom has put pictures. */
  transforms(pictures: Locator): Promise<string[]> {
    // The types of a page's elements are not known here.
    return pictures.evaluateAll((images) =>
      images.map((image) => (image as unknown as { style: { transform: string } }).style.transform),
    );
  }

  /** Serious findings of axe, as text. */
  async barriers(): Promise<string[]> {
    await this.page.addScriptTag({ path: AXE });
    const violations = (await this.page.evaluate('axe.run().then(({ violations }) => violations)')) as {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
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
  under.site = join(folder, 'site');
  beforeAll(async () => {
    if (SHOTS !== undefined) await mkdir(SHOTS, { recursive: true });
    const out = { outDir: under.site, emptyOutDir: true, minify: false, reportCompressedSize: false };
    await build({ configFile: CONFIG, logLevel: 'error', build: out });
    await mkdir(join(folder, 'weights'), { recursive: true });
    await writeTinyModel(join(folder, 'weights', 'lite.safetensors'));
    // The tiny model first, in place of the bundled one.
    under.server = await serveFolders([folder, under.site], await options());
    under.browser = await launchChromium();
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
