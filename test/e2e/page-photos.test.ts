/**
 * Several photos on the page: nothing is lost by adding, removing, leaving, reloading, or being without a network.
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { MISSING, serveFolders } from '../support/chromium.ts';
import { DESKTOP, PATIENCE, pageUnderTest, photoFile } from '../support/page.ts';

const under = await pageUnderTest();
const letter = { name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('Dear photo') };

/** Names in a zip, from its central directory (PKWARE's APPNOTE, 4.3.12). */
function namesIn(zip: Buffer): string[] {
  const names: string[] = [];
  for (let at = zip.indexOf('PK\x01\x02'); at >= 0; at = zip.indexOf('PK\x01\x02', at + 4)) {
    names.push(zip.toString('utf8', at + 46, at + 46 + zip.readUInt16LE(at + 28)));
  }
  return names;
}

describe.skipIf(MISSING !== '')(`photos on the page${MISSING}`, () => {
  it('takes several at once, says which file is none, restores all, and gives all as one file', async () => {
    const page = await under.open();
    const files = [await photoFile('one.jpg', { hue: 10 }), letter, await photoFile('two.png', { hue: 200 })];
    await under.choose(...files);
    await expect.poll(() => under.thumbnails().count(), { timeout: PATIENCE }).toBe(2);
    expect(await under.alert()).toContain('“letter.txt” is not a photo');
    await page.locator('.chip').first().waitFor();
    await under.button('Restore all').click();
    await expect.poll(() => under.history().count(), { timeout: PATIENCE }).toBe(2);
    await under.shot('photos-two');
    const downloading = page.waitForEvent('download');
    await under.button('All as a zip').click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('clearword.zip');
    expect(namesIn(await readFile(await download.path()))).toEqual(['one-restored.jpg', 'two-restored.png']);
  });

  it('stops nothing that runs when another file is opened', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('long.jpg'));
    await page.getByText('Settings', { exact: true }).click();
    await page.getByLabel('Steps').fill('60');
    await under.restoreButton().click();
    await under.button('Cancel').waitFor();
    await under.choose(letter);
    await expect.poll(() => under.alert(), { timeout: PATIENCE }).toContain('letter.txt');
    await under.choose(await photoFile('next.jpg', { hue: 220 }));
    await page.getByRole('heading', { level: 1, name: /next\.jpg/ }).waitFor();
    // Its result comes although another photo is looked at, which goes on being looked at.
    await expect.poll(() => under.history().count(), { timeout: PATIENCE }).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('next.jpg');
  });

  it('keeps photos, words and results over a reload, and the welcome loses none', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('kept.jpg'));
    await under.prompt().fill('remove the rain');
    await under.restore();
    const picture = () =>
      page.getByRole('img', { name: 'After' }).evaluate((image) => String(image.getAttribute('src')));
    const pixels = async () => page.evaluate(`fetch(${JSON.stringify(await picture())}).then((r) => r.text())`);
    const before = await pixels();
    // Written after it is shown.
    await page.waitForTimeout(1500);
    await page.reload();
    await under.divider().waitFor();
    expect(await under.prompt().inputValue()).toBe('remove the rain');
    expect(await pixels()).toBe(before);
    const downloading = page.waitForEvent('download');
    await under.button('Download').click();
    expect((await downloading).suggestedFilename()).toBe('kept-restored.jpg');

    await page.getByRole('link', { name: 'Clearword' }).click();
    await page.getByRole('heading', { level: 1, name: /Say what should go/ }).waitFor();
    await under.thumbnails().first().click();
    await under.divider().waitFor();

    await under.button('Clear').click();
    await under.shot('photos-clear');
    await page.getByRole('dialog').getByRole('button', { name: 'Clear' }).click();
    await page.getByRole('heading', { level: 1, name: /Say what should go/ }).waitFor();
    await page.waitForTimeout(500);
    await page.reload();
    await under.button('Choose photos').waitFor();
    expect(await under.thumbnails().count()).toBe(0);
  });

  it('removes results and photos, and brings them back', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    await under.restore();
    await under.restore();
    await under.button('Remove result 1').click();
    await expect.poll(() => under.history().count()).toBe(1);
    await under.button('Undo').click();
    await expect.poll(() => under.history().count()).toBe(2);
    await under.choose(await photoFile('b.jpg', { hue: 240 }));
    await expect.poll(() => under.thumbnails().count(), { timeout: PATIENCE }).toBe(2);
    await under.button('Remove the photo a.jpg').click();
    expect(await under.history().count()).toBe(0);
    await under.button('Undo').click();
    await expect.poll(() => under.history().count()).toBe(2);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('a.jpg');
  });

  it('asks before it is left while it works, and not afterwards', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('long.jpg'));
    const asks = () =>
      page.evaluate('!window.dispatchEvent(new Event("beforeunload", { cancelable: true }))') as Promise<boolean>;
    expect(await asks()).toBe(false);
    await page.getByText('Settings', { exact: true }).click();
    await page.getByLabel('Steps').fill('60');
    await under.restoreButton().click();
    await under.button('Cancel').waitFor();
    expect(await asks()).toBe(true);
    await under.button('Cancel').click();
    expect(await asks()).toBe(false);
  });

  it.each([
    [
      'damaged.jpg',
      Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 1, 2, 3]),
      /this JPEG is damaged or incomplete\..*another copy/,
    ],
    [
      'phone.heic',
      Buffer.from('\0\0\0\x18ftypheic\0\0\0\0heicmif1'),
      /a HEIC picture, which this browser cannot open\..*JPEG/,
    ],
    ['scan.tif', Buffer.from('II*\0\b\0\0\0\0\0'), /a TIFF, which this browser cannot open\..*JPEG/],
    ['empty.jpg', Buffer.alloc(0), /is empty/],
  ])('says what %s is', async (name, buffer, words) => {
    await under.open();
    await under.choose({ name, mimeType: '', buffer });
    await expect.poll(() => under.alert(), { timeout: PATIENCE }).toMatch(words);
  });

  it('opens and restores without a network once it has been there', async () => {
    const own = await serveFolders([under.weights, under.site]);
    const page = await under.open(DESKTOP, own.url, true);
    try {
      const manifest = await page.locator('link[rel=manifest]').getAttribute('href');
      const text = await page.evaluate(`fetch(${JSON.stringify(manifest)}).then((r) => r.json())`);
      expect(text).toMatchObject({ display: 'standalone', start_url: './' });
      await under.openPhoto(await photoFile('first.jpg'));
      await under.restore();
      await page.waitForTimeout(1500);
    } finally {
      await own.close();
    }
    await page.reload();
    await under.divider().waitFor();
    await under.restore();
    expect(await page.evaluate('crossOriginIsolated')).toBe(true);
    // The browser itself logs what it could not fetch.
    expect(under.problems.splice(0).every((text) => /Failed to load|ERR_/.test(text))).toBe(true);
  });
});
