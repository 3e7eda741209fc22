/**
 * Words, chips and what is done are one on the page: the careful mode, strengths and the amount.
 */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readXmpProperties } from '../../src/image/xmp.ts';
import { MISSING } from '../support/chromium.ts';
import { PATIENCE, pageUnderTest, photoFile } from '../support/page.ts';

const under = await pageUnderTest();

/** Names of the chips. */
const chips = () =>
  under.page
    .locator('[data-degradation]')
    .evaluateAll((all) => all.map((chip) => chip.getAttribute('data-degradation')));
const reading = () => under.page.locator('#reading').textContent();

/** Mean of a region of the screen, 0..255. */
async function brightness(): Promise<number> {
  const { channels } = await sharp(await under.page.locator('.pane').screenshot()).stats();
  return channels.slice(0, 3).reduce((sum, { mean }) => sum + mean / 3, 0);
}

describe.skipIf(MISSING !== '')(`words on the page${MISSING}`, () => {
  it('moves the chips with the words, and the words with the chips', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    // The tiny model finds noise in everything.
    expect(await chips()).toEqual(['noise']);
    await under.prompt().fill('remove the rain and the fog');
    expect(await chips()).toEqual(['rain', 'haze']);
    await under.prompt().fill('do nothing');
    expect(await chips()).toEqual([]);
    await page.getByText('Nothing will be removed').waitFor();
    await under.prompt().fill('');
    await under.button('Keep the noise').click();
    expect(await under.prompt().inputValue()).toBe('keep the noise');
    await page.getByText('Nothing will be removed').waitFor();
    expect(await page.getByText('Nothing found').count()).toBe(0);
  });

  it('says what was not understood, what happens then, and what can be asked for', async () => {
    await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    for (const words of ['zzzz', 'entferne bitte den Schnee', 'make it sharper']) {
      await under.prompt().fill(words);
      expect(await reading()).toMatch(
        /removing everything found.*can be asked for: noise, rain, haze, compression, darkness/,
      );
    }
    await under.shot('words-unknown');
    await under.prompt().fill('only the noise');
    expect(await reading()).toMatch(/^Removing: noise; keeping: rain/);
  });

  it('brings words and findings of another photo with its result', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    await under.prompt().fill('remove the rain');
    await under.restore();
    await under.choose(await photoFile('b.jpg', { hue: 230 }));
    await page.getByRole('heading', { level: 1, name: /b\.jpg/ }).waitFor();
    await expect.poll(chips, { timeout: PATIENCE }).toEqual(['noise']);
    await under.history().first().click();
    expect(await under.prompt().inputValue()).toBe('remove the rain');
    expect(await chips()).toEqual(['rain']);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('a.jpg');
  });

  it('leaves a photo as it is where nothing is to go, to the byte', async () => {
    const page = await under.open();
    const photo = await photoFile('same.jpg');
    await under.openPhoto(photo);
    await under.prompt().fill('do nothing');
    await under.restore();
    await expect.poll(() => under.status()).toBe('Left unchanged.');
    await page.getByText(/^Left unchanged: nothing to remove/).waitFor();
    expect(await under.history().first().textContent()).toContain('unchanged');
    const downloading = page.waitForEvent('download');
    await under.button('Download').click();
    expect(await readFile(await (await downloading).path())).toEqual(photo.buffer);
  });

  it('shows a part of the change at once, and saves it', async () => {
    const page = await under.open();
    const photo = await photoFile('a.png');
    await under.openPhoto(photo);
    await under.restore();
    await page.keyboard.press('Escape');
    await under.divider().focus();
    await page.keyboard.press('Home');
    const whole = await brightness();
    await page.getByLabel('Amount').fill('0');
    const none = await brightness();
    await page.getByLabel('Amount').fill('50');
    expect(Math.abs(whole - none)).toBeGreaterThan(0.5);
    expect(await brightness()).toBeCloseTo((whole + none) / 2, 0);
    const saved = async () => {
      const downloading = page.waitForEvent('download');
      await under.button('Download').click();
      return readFile(await (await downloading).path());
    };
    const half = await saved();
    expect(readXmpProperties((await sharp(half).metadata()).xmpAsString ?? '')).toMatchObject({ amount: '50' });
    await page.getByLabel('Amount').fill('100');
    const [input, middle, all] = await Promise.all(
      [photo.buffer, half, await saved()].map((file) => sharp(file).removeAlpha().raw().toBuffer()),
    );
    for (let i = 0; i < (middle?.length ?? 0); i += 97) {
      expect(Math.abs((middle?.[i] ?? 0) - ((input?.[i] ?? 0) + (all?.[i] ?? 0)) / 2)).toBeLessThanOrEqual(1);
    }
  });

  it('says how strong a finding is, in a word and in numbers, and lets it be set', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    const chip = page.getByRole('button', { name: /^Noise.*set the strength/ });
    expect(await chip.getAttribute('title')).toMatch(/% sure$/);
    await chip.click();
    await page.getByLabel('Strength of the noise').fill('33');
    expect(await chip.textContent()).toContain('as set');
    await under.shot('words-strength');
    await under.restore();
    const downloading = page.waitForEvent('download');
    await under.button('Download').click();
    const { xmpAsString = '' } = await sharp(await readFile(await (await downloading).path())).metadata();
    expect(readXmpProperties(xmpAsString)).toMatchObject({ strength: 'noise=33' });
    await under.button('Use the model’s estimate').click();
    expect(await chip.textContent()).not.toContain('as set');
  });
});
