/**
 * The page in a real Chromium, with a tiny model: what people do on it, by mouse, touch and keyboard, and what a screen
 * reader would find. With PAGE_SCREENSHOTS=folder it leaves pictures of itself there.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readXmpProperties } from '../../src/data/xmp.ts';
import { launchChromium, MISSING, type StaticServer, serveFolders } from '../support/chromium.ts';
import { largestDifference, temporaryFolder } from '../support/pictures.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

/** Building the page takes longer than the usual limit of a hook. */
vi.setConfig({ hookTimeout: 300_000, testTimeout: 300_000 });

const CONFIG = fileURLToPath(new URL('../../web/vite.config.ts', import.meta.url));
const PHOTO = fileURLToPath(new URL('../../examples/photo.jpg', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SHOTS = process.env.PAGE_SCREENSHOTS;
/** Restoring takes a second; other tests may be running beside this one. */
const PATIENCE = 120_000;

const folder = await temporaryFolder();
const site = join(folder, 'site');

const DESKTOP: BrowserContextOptions = { viewport: { width: 1360, height: 860 } };
const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  deviceScaleFactor: 2,
};

let server: StaticServer;
let browser: Browser;
let page: Page;
const problems: string[] = [];

async function open(options: BrowserContextOptions = DESKTOP): Promise<void> {
  const context = await browser.newContext(options);
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // The browser itself logs the answer of a server that only has files to the question whether it restores.
    if (message.type() === 'error' && !message.location().url.endsWith('/readyz')) problems.push(message.text());
  });
  await page.goto(server.url);
}

const shot = async (name: string): Promise<void> => {
  if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
};

const button = (name: string | RegExp) => page.getByRole('button', { name });
const openSample = () => button(/Rain and noise/).click();
const restoreButton = () => button(/^Restore/);
/** Such as 140 %. */
const zoomLevel = async () => (await page.locator('.zoom-level').textContent())?.replace('Zoom ', '');
const divider = () => page.getByRole('slider', { name: 'Line between before and after' });

async function restored(): Promise<void> {
  await openSample();
  await page.getByText('Looking for').waitFor({ state: 'detached' });
  await restoreButton().click();
  await divider().waitFor();
}

/** Where the zoom has put pictures. The types of a page's elements are not known here. */
const transforms = (pictures: ReturnType<Page['locator']>) =>
  pictures.evaluateAll((images) =>
    images.map((image) => (image as unknown as { style: { transform: string } }).style.transform),
  );

/** Serious findings of axe, as text. */
async function barriers(): Promise<string[]> {
  await page.addScriptTag({ path: AXE });
  const violations = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

describe.skipIf(MISSING !== '')(`the page${MISSING}`, () => {
  beforeAll(async () => {
    if (SHOTS !== undefined) await mkdir(SHOTS, { recursive: true });
    await mkdir(join(site, 'weights'), { recursive: true });
    await build({
      configFile: CONFIG,
      logLevel: 'error',
      build: { outDir: site, emptyOutDir: true, minify: false, reportCompressedSize: false },
    });
    await mkdir(join(folder, 'weights'), { recursive: true });
    await writeTinyModel(join(folder, 'weights', 'lite.safetensors'));
    // The tiny model first, in place of the bundled one.
    server = await serveFolders([folder, site]);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  afterEach(async () => {
    await page?.context().close();
    expect(problems.splice(0)).toEqual([]);
  });

  it('restores a sample photo, shows it beside the photo, and saves it with its record', async () => {
    await open();
    await shot('desktop-welcome');
    expect(await page.title()).toContain('Clearword');
    await restored();
    await shot('desktop-result');
    expect(await page.getByRole('status').textContent()).toMatch(/^Restored in/);
    expect(await page.getByRole('navigation', { name: 'Results' }).getByRole('button').count()).toBe(1);

    const downloading = page.waitForEvent('download');
    await button('Download').click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('Rain and noise-restored.jpg');
    const file = await readFile(await download.path());
    const metadata = await sharp(file).metadata();
    expect(metadata).toMatchObject({ format: 'jpeg', width: 510, height: 340 });
    expect(readXmpProperties(metadata.xmpAsString ?? '')).toMatchObject({ software: 'Clearword', model: 'tiny' });

    await page.getByLabel('Format of the file').selectOption('png');
    await page.getByLabel('With camera data').uncheck();
    const bare = page.waitForEvent('download');
    await button('Download').click();
    const png = await sharp(await readFile(await (await bare).path())).metadata();
    expect(png.format).toBe('png');
    expect(png.xmp).toBeUndefined();
    // Nothing was asked of any other server, and nothing was sent to this one.
    expect(server.requests.some((path) => path.startsWith('/v1'))).toBe(false);
  });

  it('moves the line, zooms, pans and compares by mouse', async () => {
    await open();
    await restored();
    const stage = page.getByRole('region', { name: /^Photo/ });
    const box = (await stage.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.25, middle.y, { steps: 4 });
    await page.mouse.up();
    expect(Number(await divider().getAttribute('aria-valuenow'))).toBeCloseTo(25, -0.5);

    const zoomed = async () => Number.parseInt((await zoomLevel()) ?? '', 10);
    await page.mouse.move(box.x + box.width * 0.7, middle.y);
    await page.mouse.wheel(0, -400);
    await expect.poll(zoomed).toBeGreaterThan(110);
    const position = async () => (await transforms(stage.locator('img').first())).join();
    const before = await position();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, middle.y - 40, { steps: 4 });
    await page.mouse.up();
    expect(await position()).not.toBe(before);
    await shot('desktop-zoomed');
    await button('Fit the whole photo').click();
    await expect.poll(zoomed).toBe(100);

    const pixels = async () =>
      sharp(await stage.screenshot())
        .removeAlpha()
        .raw()
        .toBuffer();
    const compared = await pixels();
    const hold = await button('Hold to compare').boundingBox();
    await page.mouse.move((hold?.x ?? 0) + 10, (hold?.y ?? 0) + 10);
    await page.mouse.down();
    await divider().waitFor({ state: 'detached' });
    expect(largestDifference(await pixels(), compared)).toBeGreaterThan(60);
    await page.mouse.up();
    await divider().waitFor();
  });

  it('edits the prompt with chips, in its own words and in one’s own', async () => {
    await open();
    await openSample();
    await page.getByText('Looking for').waitFor({ state: 'detached' });
    const prompt = page.getByLabel('In your words');
    const chip = (name: string) => button(`Keep the ${name}`);
    // The tiny model is untrained, so that what it finds is arbitrary.
    for (const name of ['noise', 'rain', 'haze']) {
      if ((await chip(name).count()) === 0) await button(`Also remove the ${name}`).click();
    }
    await chip('haze').click();
    expect(await prompt.inputValue()).not.toContain('remove the haze');
    await button('Also remove the haze').click();
    await prompt.fill('a street in autumn');
    await chip('rain').click();
    expect(await prompt.inputValue()).toBe('a street in autumn, keep the rain');
    await button('Also remove the rain').click();
    expect(await prompt.inputValue()).toBe('a street in autumn, remove the rain');
    await button('only the noise').click();
    expect(await prompt.inputValue()).toBe('only the noise');
  });

  it('shows what is uncertain, and two results side by side', async () => {
    await open();
    await restored();
    await page.getByText('More', { exact: true }).click();
    await page.getByLabel('Steps').fill('3');
    await page.getByLabel('Seed').fill('7');
    await page.getByLabel('Samples').fill('2');
    await shot('desktop-more');
    await restoreButton().click();
    const history = page.getByRole('navigation', { name: 'Results' }).getByRole('button');
    await expect.poll(() => history.count(), { timeout: PATIENCE }).toBe(2);
    expect(await history.first().textContent()).toMatch(/2\. everything found · 2 samples · seed 7/);
    await button('Uncertainty').click();
    await page.locator('.uncertainty').waitFor();
    await shot('desktop-uncertainty');
    await button('Uncertainty').click();
    await button('Side by side').click();
    await page.getByLabel('Beside').selectOption('1');
    await page.getByRole('img', { name: 'Result 1' }).waitFor();
    await page.getByRole('img', { name: 'Result 2' }).waitFor();
    await shot('desktop-side-by-side');
    // Both panes move together.
    await button('Zoom in').click();
    expect(new Set(await transforms(page.locator('.pane img'))).size).toBe(1);
    await history.last().click();
    expect(await history.last().getAttribute('aria-current')).toBe('true');
  });

  it('cancels at once, and restores again', async () => {
    await open();
    await openSample();
    await page.getByText('Looking for').waitFor({ state: 'detached' });
    await page.getByText('More', { exact: true }).click();
    await page.getByLabel('Steps').fill('100');
    await restoreButton().click();
    await page.getByText(/^Restoring, \d+ %/).waitFor();
    await shot('desktop-progress');
    await button('Cancel').click();
    await restoreButton().waitFor();
    expect(await page.getByRole('status').textContent()).toBe('Cancelled.');
    await page.getByLabel('Steps').fill('1');
    await restoreButton().click();
    await divider().waitFor();
  });

  it('takes a photo that is dropped, pasted or chosen, and says why another file is refused', async () => {
    await open();
    const chooser = page.waitForEvent('filechooser');
    await button('Choose a photo').click();
    await (await chooser).setFiles({ name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('Dear photo') });
    const alert = page.getByRole('alert');
    await expect.poll(() => alert.textContent()).toContain('“letter.txt” is not a photo');
    expect(await alert.textContent()).toContain('JPEG, PNG, WebP or AVIF');
    await shot('desktop-error');
    await button('Dismiss').click();
    expect(await alert.textContent()).toBe('');

    const base64 = (await readFile(PHOTO)).toString('base64');
    const transfer = (event: string, Type: string, field: string) => `(() => {
      const bytes = Uint8Array.from(atob('${base64}'), (c) => c.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], '${event}.jpg', { type: 'image/jpeg' }));
      window.dispatchEvent(new ${Type}('${event}', { ${field}: data, bubbles: true, cancelable: true }));
    })()`;
    await page.evaluate(transfer('drop', 'DragEvent', 'dataTransfer'));
    await page.getByText('drop.jpg · 510 × 340').waitFor();
    await page.evaluate(transfer('paste', 'ClipboardEvent', 'clipboardData'));
    await page.getByText('paste.jpg · 510 × 340').waitFor();
  });

  it('says what is missing where there is no model, and tries again', async () => {
    const bare = await serveFolders([site], {
      handle: (request, response) => {
        if (request.url?.startsWith('/weights/') !== true) return false;
        response.statusCode = 404;
        response.end();
        return true;
      },
    });
    const usual = server;
    server = bare;
    try {
      await open();
      await openSample();
      await expect.poll(() => page.getByRole('alert').textContent(), { timeout: PATIENCE }).toContain('lite.json');
      await button('Try again').click();
      await expect.poll(() => page.getByRole('alert').textContent(), { timeout: PATIENCE }).toContain('lite.json');
      // The browser itself logs what was not found.
      expect(problems.splice(0).every((text) => text.includes('404'))).toBe(true);
    } finally {
      server = usual;
      await bare.close();
    }
  });

  it('works fully by keyboard', async () => {
    await open();
    const tabTo = async (name: RegExp | string) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press('Tab');
        const label = (await page.evaluate(
          'document.activeElement.getAttribute("aria-label") ?? (document.activeElement.id || document.activeElement.textContent)',
        )) as string;
        if (typeof name === 'string' ? label === name : name.test(label)) return;
      }
      throw new Error(`expected to reach ${name} with Tab`);
    };
    await tabTo(/Rain and noise/);
    await page.keyboard.press('Enter');
    await page.getByText('Looking for').waitFor({ state: 'detached' });
    await tabTo('prompt');
    await page.keyboard.type('remove the noise');
    await page.keyboard.press('Enter');
    await divider().waitFor();
    await page.evaluate('document.activeElement.blur()');
    await tabTo('Line between before and after');
    for (const key of ['ArrowRight', 'ArrowRight', 'PageUp']) await page.keyboard.press(key);
    expect(await divider().getAttribute('aria-valuenow')).toBe('64');
    await page.keyboard.press('Home');
    expect(await divider().getAttribute('aria-valuetext')).toBe('0 percent before');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('+');
    await expect.poll(zoomLevel).toBe('140 %');
    await page.keyboard.press('0');
    await expect.poll(zoomLevel).toBe('100 %');
    await tabTo(/Hold to compare/);
    await page.keyboard.down('Space');
    await divider().waitFor({ state: 'detached' });
    await page.keyboard.up('Space');
    await divider().waitFor();
    await tabTo(/Side by side/);
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.pane').count()).toBe(2);
  });

  it.each([
    ['light', 'desktop'],
    ['dark', 'desktop'],
    ['light', 'phone'],
    ['dark', 'phone'],
  ] as const)('has nothing serious for axe, %s, on a %s', async (colorScheme, kind) => {
    const device = kind === 'phone' ? PHONE : DESKTOP;
    // axe comes as an inline script, which the page's own policy forbids.
    await open({ ...device, colorScheme, bypassCSP: true });
    const name = `${kind}-${colorScheme}`;
    expect(await barriers()).toEqual([]);
    await shot(`${name}-welcome`);
    await restored();
    await page.getByText('More', { exact: true }).click();
    expect(await barriers()).toEqual([]);
    await shot(name);
    // Nothing is wider than the screen.
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  });

  it('moves the line with a finger, and leaves scrolling to the page', async () => {
    await open(PHONE);
    await restored();
    const box = (await page.getByRole('region', { name: /^Photo/ }).boundingBox()) ?? {
      x: 0,
      y: 0,
      width: 0,
      height: 0,
    };
    const client = await page.context().newCDPSession(page);
    const touch = (type: string, x: number, y: number) =>
      client.send('Input.dispatchTouchEvent', {
        type: type as 'touchStart',
        touchPoints: type === 'touchEnd' ? [] : [{ x, y }],
      });
    const y = box.y + box.height / 2;
    await touch('touchStart', box.x + box.width / 2, y);
    for (const share of [0.6, 0.7, 0.8]) await touch('touchMove', box.x + box.width * share, y);
    await touch('touchEnd', 0, 0);
    await expect.poll(async () => Number(await divider().getAttribute('aria-valuenow'))).toBeGreaterThan(70);
    await shot('phone-line-moved');
  });
});
