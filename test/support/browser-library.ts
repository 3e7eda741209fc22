/**
 * The browser library on a page without a face, in a real Chromium, with a tiny model that Node has loaded, too.
 *
 * @module
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, vi } from 'vitest';
import { Clearword } from '../../src/index.ts';
import { launchChromium, MISSING, type StaticServer, serveFolders } from './chromium.ts';
import { patternPicture, temporaryFolder } from './pictures.ts';
import { writeTinyModel } from './tiny-model.ts';

const PAGES = fileURLToPath(new URL('../e2e/pages', import.meta.url));

/** Largest difference from Node's result, of 255: kernels add in another order, and a value may round to its neighbour. */
export const TOLERANCE = 1;

export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly base64: string;
}

export interface Restored extends Pixels {
  readonly fractions: number[];
  /** Longest time in which the page's own thread did nothing else, ms. */
  readonly longest: number;
  readonly ticks: number;
  readonly provenance: Record<string, unknown>;
  readonly samples: Pixels[];
  readonly uncertainty?: Pixels & { readonly scale: number };
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export const picture = patternPicture(150, 100);
export const pixels: Pixels = {
  width: 150,
  height: 100,
  base64: Buffer.from(picture.data as Uint8Array).toString('base64'),
};

export const bytesOf = ({ base64 }: Pixels): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

/** What is open in a test. */
export class LibraryUnderTest {
  readonly folder: string;
  /** Of the built page. */
  readonly site: string;
  /** The tiny model's file. */
  readonly model: string;
  server!: StaticServer;
  node!: Clearword;
  browser!: Browser;
  page!: Page;

  constructor(folder: string) {
    this.folder = folder;
    this.site = join(folder, 'site');
    this.model = join(folder, 'tiny.safetensors');
  }

  /** Calls a function of the page; see test/e2e/pages/browser-page.ts. */
  readonly call = <T>(name: string, ...args: readonly unknown[]): Promise<T> =>
    this.page.evaluate(`clearwordTest.${name}(...${JSON.stringify(args)})`);

  async openPage(url = this.server.url): Promise<Page> {
    const opened = await this.browser.newPage();
    await opened.goto(`${url}/browser.html`);
    await opened.waitForFunction('"clearwordTest" in globalThis');
    return opened;
  }

  /** The picture as Node restores it. */
  async fromNode(parameters: object) {
    return (await this.node.restore({ ...picture, channels: 3 }, parameters)).pixels().data;
  }
}

/** Builds and opens the page before the tests of the file that calls it, and closes everything after them. */
export async function libraryUnderTest(options: { readonly webgpu?: boolean } = {}): Promise<LibraryUnderTest> {
  // Building the page takes longer than the usual limit of a hook.
  vi.setConfig({ hookTimeout: 300_000 });
  const under = new LibraryUnderTest(await temporaryFolder());
  if (MISSING !== '') return under;
  const { folder, site, model } = under;
  beforeAll(async () => {
    await mkdir(site);
    await writeTinyModel(model);
    await writeFile(join(folder, 'page.safetensors'), '<!doctype html><title>a page instead of a model</title>');
    await copyFile(join(folder, 'tiny.json'), join(folder, 'page.json'));
    const out = { outDir: site, target: 'es2022' as const, minify: false, reportCompressedSize: false };
    await build({
      root: PAGES,
      configFile: false,
      logLevel: 'error',
      worker: { format: 'es' },
      build: { ...out, rolldownOptions: { input: join(PAGES, 'browser.html') } },
    });
    under.server = await serveFolders([site, folder]);
    under.node = await Clearword.load({ model });
    under.browser = await launchChromium(options);
    under.page = await under.openPage();
  });
  afterAll(async () => {
    await under.browser?.close();
    await Promise.all([under.server?.close(), under.node?.dispose()]);
  });
  return under;
}
