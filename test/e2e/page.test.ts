/**
 * The page in a real Chromium, with a tiny model: what people do on it.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readXmpProperties } from '../../src/image/xmp.ts';
import { MISSING, serveFolders } from '../support/chromium.ts';
import { DESKTOP, PATIENCE, pageUnderTest } from '../support/page.ts';
import { largestDifference } from '../support/pictures.ts';

const PHOTO = fileURLToPath(new URL('../../examples/photo.jpg', import.meta.url));

const under = await pageUnderTest();

describe.skipIf(MISSING !== '')(`the page${MISSING}`, () => {
  it('restores a sample photo, shows it beside the photo, and saves it with its record', async () => {
    const page = await under.open();
    await under.shot('desktop-welcome');
    expect(await page.title()).toContain('Clearword');
    await under.restored();
    await under.shot('desktop-result');
    expect(await page.getByRole('status').textContent()).toMatch(/^Restored in/);
    expect(await under.history().count()).toBe(1);

    const downloading = page.waitForEvent('download');
    await under.button('Download').click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('Rain and noise-restored.jpg');
    const file = await readFile(await download.path());
    const metadata = await sharp(file).metadata();
    expect(metadata).toMatchObject({ format: 'jpeg', width: 510, height: 340 });
    expect(readXmpProperties(metadata.xmpAsString ?? '')).toMatchObject({ software: 'Clearword', model: 'tiny' });

    await page.getByLabel('Format of the file').selectOption('png');
    await page.getByLabel('With camera data').uncheck();
    const bare = page.waitForEvent('download');
    await under.button('Download').click();
    const png = await sharp(await readFile(await (await bare).path())).metadata();
    expect(png.format).toBe('png');
    expect(png.xmp).toBeUndefined();
    // Nothing was asked of any other server, and nothing was sent to this one.
    expect(under.server.requests.some((path) => path.startsWith('/v1'))).toBe(false);
  });

  it('shows sample photos no larger than they are seen, and fetches one when it is opened', async () => {
    under.server.requests.length = 0;
    const scale = 2;
    const page = await under.open({ ...DESKTOP, deviceScaleFactor: scale });
    const shown = page.locator('.samples img');
    await shown.last().waitFor();
    await expect
      .poll(() => page.evaluate(`[...document.querySelectorAll('.samples img')].every((i) => i.complete)`))
      .toBe(true);
    const sizes = (await page.evaluate(
      `[...document.querySelectorAll('.samples img')].map((i) => [i.naturalWidth, i.naturalHeight, i.clientWidth, i.clientHeight])`,
    )) as [number, number, number, number][];
    expect(sizes).toHaveLength(3);
    for (const [width, height, seenWidth, seenHeight] of sizes) {
      // Neither larger than the screen has pixels for them, by more than rounding, nor so small that it would be seen.
      expect(width / (scale * seenWidth)).toBeCloseTo(1, 1);
      expect(height / (scale * seenHeight)).toBeCloseTo(1, 1);
    }
    const photos = () => under.server.requests.filter((path) => path.endsWith('.jpg'));
    expect(photos()).toEqual([]);
    await under.openSample();
    expect(photos()).toHaveLength(1);
  });

  it('moves the line, zooms, pans and compares by mouse', async () => {
    const page = await under.open();
    await under.restored();
    const stage = under.stage();
    const box = (await stage.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.25, middle.y, { steps: 4 });
    await page.mouse.up();
    expect(Number(await under.divider().getAttribute('aria-valuenow'))).toBeCloseTo(25, -0.5);

    const fitted = await under.zoomLevel();
    await page.mouse.move(box.x + box.width * 0.7, middle.y);
    await page.mouse.wheel(0, -400);
    await expect.poll(() => under.zoomLevel()).toBeGreaterThan(1.1 * fitted);
    const position = async () => (await under.transforms(stage.locator('img').first())).join();
    const before = await position();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, middle.y - 40, { steps: 4 });
    await page.mouse.up();
    expect(await position()).not.toBe(before);
    await under.shot('desktop-zoomed');
    await under.button('Fit the whole photo').click();
    await expect.poll(() => under.zoomLevel()).toBe(fitted);

    const pixels = async () =>
      sharp(await stage.screenshot())
        .removeAlpha()
        .raw()
        .toBuffer();
    const compared = await pixels();
    const hold = await under.button('Hold to compare').boundingBox();
    await page.mouse.move((hold?.x ?? 0) + 10, (hold?.y ?? 0) + 10);
    await page.mouse.down();
    await under.divider().waitFor({ state: 'detached' });
    expect(largestDifference(await pixels(), compared)).toBeGreaterThan(60);
    await page.mouse.up();
    await under.divider().waitFor();
  });

  it('edits the prompt with chips, in its own words and in one’s own', async () => {
    const page = await under.open();
    await under.openSample();
    const prompt = under.prompt();
    const chip = (name: string) => under.button(`Keep the ${name}`);
    // The tiny model finds noise, and knows five degradations.
    expect(await page.locator('[data-degradation]').count()).toBe(1);
    expect(await under.button('Also remove the').count()).toBe(4);
    for (const name of ['rain', 'haze']) await under.button(`Also remove the ${name}`).click();
    expect(await prompt.inputValue()).toBe('remove the noise, the rain and the haze');
    await chip('haze').click();
    expect(await prompt.inputValue()).toBe('remove the noise and the rain');
    await prompt.fill('no rain, please');
    await chip('rain').click();
    expect(await page.locator('[data-degradation]').count()).toBe(0);
    await under.button('only the noise').click();
    expect(await prompt.inputValue()).toBe('only the noise');
  });

  it('shows what is uncertain, and two results side by side', async () => {
    const page = await under.open();
    await under.restored();
    await page.getByText('Settings', { exact: true }).click();
    await page.getByLabel('Steps').fill('3');
    await page.getByLabel('Seed').fill('7');
    await page.getByLabel('Samples').fill('2');
    await under.shot('desktop-more');
    await under.restoreButton().click();
    const history = under.history();
    await expect.poll(() => history.count(), { timeout: PATIENCE }).toBe(2);
    expect(await history.first().textContent()).toMatch(/2\. everything found.*3 steps · 2 samples · seed 7/);
    await under.button('Uncertainty').click();
    await page.locator('.uncertainty').waitFor();
    await under.shot('desktop-uncertainty');
    await under.button('Uncertainty').click();
    await under.button('Side by side').click();
    await page.getByLabel('Compare with').selectOption({ label: 'result 1' });
    await page.getByRole('img', { name: 'Result 1' }).waitFor();
    await page.getByRole('img', { name: 'Result 2' }).waitFor();
    await under.shot('desktop-side-by-side');
    // Both panes move together.
    await under.button('Zoom in').click();
    expect(new Set(await under.transforms(page.locator('.pane .picture'))).size).toBe(1);
    await history.last().click();
    expect(await history.last().getAttribute('aria-current')).toBe('true');
  });

  it('cancels at once, and restores again', async () => {
    const page = await under.open();
    await under.openSample();
    await page.getByText('Settings', { exact: true }).click();
    await page.getByLabel('Steps').fill('100');
    await under.restoreButton().click();
    await page.getByText(/^Restoring, \d+ %/).waitFor();
    await under.shot('desktop-progress');
    await under.button('Cancel').click();
    await under.restoreButton().waitFor();
    expect(await page.getByRole('status').textContent()).toBe('Cancelled.');
    await page.getByLabel('Steps').fill('1');
    await under.restoreButton().click();
    await under.divider().waitFor();
  });

  it('takes a photo that is dropped, pasted or chosen, and says why another file is refused', async () => {
    const page = await under.open();
    const chooser = page.waitForEvent('filechooser');
    await under.button('Choose photos').click();
    await (await chooser).setFiles({ name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('Dear photo') });
    const alert = page.getByRole('alert');
    await expect.poll(() => alert.textContent()).toContain('“letter.txt” is not a photo');
    expect(await alert.textContent()).toContain('JPEG, PNG, WebP or AVIF');
    await under.shot('desktop-error');
    await under.button('Dismiss').click();
    await expect.poll(() => alert.textContent()).toBe('');

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
    const bare = await serveFolders([under.site], {
      handle: (request, response) => {
        if (request.url?.startsWith('/weights/') !== true) return false;
        response.statusCode = 404;
        response.end();
        return true;
      },
    });
    try {
      const page = await under.open(DESKTOP, bare.url);
      await under.button(/Rain and noise/).click();
      await expect.poll(() => page.getByRole('alert').textContent(), { timeout: PATIENCE }).toContain('lite.json');
      await under.button('Try again').click();
      await expect.poll(() => page.getByRole('alert').textContent(), { timeout: PATIENCE }).toContain('lite.json');
      // The browser itself logs what was not found.
      expect(under.problems.splice(0).every((text) => text.includes('404'))).toBe(true);
    } finally {
      await bare.close();
    }
  });
});
