/**
 * The page for everyone: by keyboard, by touch, on a phone, in dark and light, and as a screen reader would find it.
 */
import { describe, expect, it } from 'vitest';
import { MISSING } from '../support/chromium.ts';
import { DESKTOP, PATIENCE, PHONE, pageUnderTest, photoFile } from '../support/page.ts';

const under = await pageUnderTest();

describe.skipIf(MISSING !== '')(`the page${MISSING}`, () => {
  it('works fully by keyboard', async () => {
    const page = await under.open();
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
    await under.divider().waitFor();
    await page.evaluate('document.activeElement.blur()');
    await tabTo('Line between before and after');
    for (const key of ['ArrowRight', 'ArrowRight', 'PageUp']) await page.keyboard.press(key);
    expect(await under.divider().getAttribute('aria-valuenow')).toBe('64');
    await page.keyboard.press('Home');
    expect(await under.divider().getAttribute('aria-valuetext')).toBe('0 percent before');
    await page.keyboard.press('Shift+Tab');
    const fitted = await under.zoomLevel();
    await page.keyboard.press('+');
    await expect.poll(() => under.zoomLevel()).toBeCloseTo(1.4 * fitted, -0.5);
    await page.keyboard.press('0');
    await expect.poll(() => under.zoomLevel()).toBe(fitted);
    await page.keyboard.press('1');
    await expect.poll(() => under.zoomLevel()).toBe(100);
    await page.keyboard.press('0');
    await tabTo(/Hold to compare/);
    await page.keyboard.down('Space');
    await under.divider().waitFor({ state: 'detached' });
    await page.keyboard.up('Space');
    await under.divider().waitFor();
    await tabTo(/Side by side/);
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.pane').count()).toBe(2);
  });

  it.each([
    // page-view.test.ts looks at light pages of four sizes.
    ['dark', 'desktop'],
    ['dark', 'phone'],
  ] as const)('has nothing for axe, %s, on a %s', async (colorScheme, kind) => {
    const device = kind === 'phone' ? PHONE : DESKTOP;
    // axe comes as an inline script, which the page's own policy forbids.
    const page = await under.open({ ...device, colorScheme, bypassCSP: true });
    const name = `${kind}-${colorScheme}`;
    expect(await under.barriers()).toEqual([]);
    await under.shot(`${name}-welcome`);
    await under.restored();
    await page.getByText('Settings', { exact: true }).click();
    expect(await under.barriers()).toEqual([]);
    await under.shot(name);
    // Nothing is wider than the screen.
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  });

  it('never loses the focus, and says what happens', async () => {
    const page = await under.open();
    const focused = () =>
      page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim()');
    await under.button(/Rain and noise/).focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused, { timeout: PATIENCE }).toContain('Rain and noise.jpg');
    await page.locator('.chip').first().waitFor();
    await page.getByText('Settings', { exact: true }).click();
    await page.getByLabel('Steps').fill('100');
    await under.restoreButton().focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused, { timeout: PATIENCE }).toBe('Cancel');
    await page.keyboard.press('Escape');
    await expect.poll(focused, { timeout: PATIENCE }).toBe('Restore');
    expect(await under.status()).toBe('Cancelled.');
    await page.keyboard.press('Enter');
    await under.button('Cancel').focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused, { timeout: PATIENCE }).toBe('Restore');
  });

  it('shows its keys by "?", and closes them by Escape', async () => {
    const page = await under.open({ ...DESKTOP, bypassCSP: true });
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'By keyboard' }).waitFor();
    expect(await under.barriers()).toEqual([]);
    await under.shot('access-keys');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await under.openPhoto(await photoFile('a.jpg'));
    await under.prompt().fill('what');
    await under.prompt().press('?');
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(await under.prompt().inputValue()).toBe('what?');
  });

  it('moves the line with a finger, and leaves scrolling to the page', async () => {
    const page = await under.open(PHONE);
    await under.restored();
    const box = (await under.stage().boundingBox()) ?? {
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
    await expect.poll(async () => Number(await under.divider().getAttribute('aria-valuenow'))).toBeGreaterThan(70);
    await under.shot('phone-line-moved');
  });
});
