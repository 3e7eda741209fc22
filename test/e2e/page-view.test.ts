/**
 * How the page shows photos: on every size of screen, with and without transparency, near and far.
 */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { MISSING } from '../support/chromium.ts';
import { PATIENCE, PHONE, pageUnderTest, photoFile } from '../support/page.ts';

const under = await pageUnderTest();

const SCREENS = [
  [
    'by touch',
    [
      { width: 390, height: 844 },
      { width: 640, height: 400 },
    ],
  ],
  [
    'by mouse',
    [
      { width: 1024, height: 768 },
      { width: 1280, height: 800 },
    ],
  ],
] as const;

/** The box of the first element that matches. */
async function boxOf(selector: string) {
  const box = await under.page.locator(selector).first().boundingBox();
  return box ?? { x: 0, y: 0, width: 0, height: 0 };
}

const wider = () => under.page.evaluate('document.documentElement.scrollWidth - innerWidth') as Promise<number>;

/** Colours of a part of the pane, RGB; 60 x 60 pixels right of its middle, near its top. */
async function transparentPart(): Promise<Buffer> {
  const shot = await under.page.locator('.pane').screenshot();
  const { width = 0 } = await sharp(shot).metadata();
  const part = { left: Math.round(0.6 * width), top: 20, width: 60, height: 60 };
  return sharp(shot).extract(part).removeAlpha().raw().toBuffer();
}

describe.skipIf(MISSING !== '')(`the view of photos${MISSING}`, () => {
  it.each(SCREENS)(
    '%s: five results make nothing wider and cover nothing, and axe finds nothing',
    async (by, sizes) => {
      const touch = by === 'by touch';
      const page = await under.open({ viewport: sizes[0], hasTouch: touch, isMobile: touch, bypassCSP: true });
      await under.openPhoto(await photoFile('a.jpg', { width: 90, height: 60 }));
      for (let i = 0; i < 5; i++) await under.restore();
      for (const size of sizes) {
        const { width, height } = size;
        await page.setViewportSize(size);
        expect(await wider()).toBeLessThanOrEqual(0);
        await under.shot(`view-${width}`);
        // The header takes no row for a single button.
        const tops = await page.evaluate(`[...document.querySelectorAll('.header .brand, .header .button')]
        .map((e) => e.getBoundingClientRect()).filter(({ width }) => width > 0).map(({ top, height }) => Math.round(top + height / 2))`);
        expect(Math.max(...(tops as number[])) - Math.min(...(tops as number[]))).toBeLessThanOrEqual(2);
        const stage = await boxOf('.stage-column');
        const controls = await boxOf('.controls');
        const apart = stage.x + stage.width <= controls.x || stage.y + stage.height <= controls.y;
        expect(apart).toBe(true);
        // The newest result is in view.
        const newest = await boxOf('.history-open[aria-current]');
        expect(newest.x).toBeGreaterThanOrEqual(0);
        expect(newest.x + newest.width).toBeLessThanOrEqual(width);
        const restore = (await under.restoreButton().boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
        const hit = `document.elementFromPoint(${restore.x + restore.width / 2}, ${restore.y + restore.height / 2})`;
        if (restore.y + restore.height <= height) {
          expect(await page.evaluate(`${hit}.closest('button[type=submit]') !== null`)).toBe(true);
        }
        expect(await under.barriers()).toEqual([]);
      }
    },
  );

  it('puts photos in the middle: a very wide one, a phone on its side, at 200 %', async () => {
    const page = await under.open();
    for (const [size, viewport] of [
      [
        { width: 400, height: 40 },
        { width: 390, height: 844 },
      ],
      [
        { width: 40, height: 90 },
        { width: 640, height: 400 },
      ],
      [
        { width: 90, height: 60 },
        { width: 512, height: 384 },
      ],
    ] as const) {
      await page.setViewportSize(viewport);
      await under.openPhoto(await photoFile(`shape-${size.width}.jpg`, size));
      await expect
        .poll(async () => {
          const { width, height } = await boxOf('.pane img');
          return width / height;
        })
        .toBeCloseTo(size.width / size.height, 1);
      const pane = await boxOf('.pane');
      const picture = await boxOf('.pane img');
      expect(picture.x + picture.width / 2).toBeCloseTo(pane.x + pane.width / 2, 0);
      expect(picture.y + picture.height / 2).toBeCloseTo(pane.y + pane.height / 2, 0);
      const stage = await boxOf('.stage');
      const column = await boxOf('.stage-column');
      expect(stage.width).toBeGreaterThan(column.width - 4);
      expect(await wider()).toBeLessThanOrEqual(0);
    }
  });

  it('shows squares behind what is transparent, and nothing of before behind after', async () => {
    const page = await under.open();
    // Its right half is transparent.
    await under.openPhoto(await photoFile('clear.png', { width: 80, height: 80, alpha: true }));
    await under.restore();
    await under.divider().focus();
    await page.keyboard.press('Home');
    const after = await transparentPart();
    await page.keyboard.press('End');
    const before = await transparentPart();
    expect(before).toEqual(after);
    // Two greys, as squares have.
    const greys = new Set<number>();
    for (let i = 0; i < before.length; i += 3) greys.add(before[i] ?? 0);
    expect([Math.min(...greys), Math.max(...greys)]).toEqual([0xc9, 0xf4]);
  });

  it('fits and shows its own size, by button and by double click', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('large.jpg', { width: 2400, height: 1200 }));
    const fitted = await under.zoomLevel();
    expect(fitted).toBeLessThan(60);
    await under.button(/^1:1/).click();
    await expect.poll(() => under.zoomLevel()).toBe(100);
    expect((await boxOf('.pane img')).width).toBeCloseTo(2400, 0);
    await under.button('Fit the whole photo').click();
    await expect.poll(() => under.zoomLevel()).toBe(fitted);
    const pane = await boxOf('.pane');
    await page.mouse.dblclick(pane.x + 100, pane.y + 100);
    await expect.poll(() => under.zoomLevel()).toBeGreaterThanOrEqual(100);
    await page.mouse.dblclick(pane.x + 100, pane.y + 100);
    await expect.poll(() => under.zoomLevel()).toBe(fitted);
  });

  it('moves the line by a click, hides the name of a side that is gone, and has a loupe', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    await under.restore();
    // Before it is drawn, a click moves nothing.
    await under.divider().waitFor();
    const pane = await boxOf('.pane');
    const at = (share: number) => page.mouse.click(pane.x + pane.width * share, pane.y + 40);
    await at(0.3);
    // Moved by a state of the page, which is drawn some time after the click.
    await expect.poll(async () => Math.round(Number(await under.divider().getAttribute('aria-valuenow')) / 3)).toBe(10);
    const names = () => page.locator('.pane-label').allTextContents();
    await expect.poll(names).toEqual(['Before', 'After']);
    await at(0.97);
    await expect.poll(names).toEqual(['Before']);
    await at(0.02);
    await expect.poll(names).toEqual(['After']);
    await under.button('Loupe').click();
    // It follows the pointer's moves, once it is there: one that comes before is not repeated.
    const [middle, height] = [pane.x + pane.width / 2, pane.y + pane.height / 2];
    const seen = async () => {
      await page.mouse.move(middle + 1, height);
      await page.mouse.move(middle, height);
      return page.locator('.loupe').isVisible();
    };
    await expect.poll(seen).toBe(true);
    const glass = await boxOf('.loupe');
    expect(glass.x + glass.width / 2).toBeCloseTo(pane.x + pane.width / 2, -0.5);
    await under.shot('view-loupe');
    await under.button('Loupe').click();
    await page.locator('.loupe').waitFor({ state: 'detached' });
  });

  it('says what the colour of the uncertainty means', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    await page.getByText('Settings', { exact: true }).click();
    await page.getByLabel('Samples').fill('2');
    await page.getByLabel('Steps').fill('2');
    await under.restore();
    await under.button('Uncertainty').click();
    await page.getByText(/^Pink: the samples differ; full colour by \d+ or more of 255\.$/).waitFor();
    await under.shot('view-legend');
  });

  it('shows a smaller picture first and says how long it takes', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('large.jpg', { width: 400, height: 300 }));
    await page.getByText('Settings', { exact: true }).click();
    await page.getByLabel('Show a smaller picture first').check();
    await page.getByLabel('Steps').fill('12');
    // Watched by the page itself: on a fast machine they are gone before they are asked for.
    await page.evaluate(`globalThis.seen = {};
      new MutationObserver(() => {
        const text = document.body.textContent;
        seen.smaller ||= document.querySelector('.rough canvas') !== null;
        seen.left ||= / left/.test(text);
        seen.refined ||= text.includes('Being refined');
      }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });`);
    await under.restoreButton().click();
    // A picture to look at, if there is time for it.
    const refined = page.getByText('Being refined').waitFor();
    refined.then(() => under.shot('view-rough')).catch(() => undefined);
    await under.divider().waitFor({ timeout: PATIENCE });
    expect(await page.evaluate('seen')).toEqual({ smaller: true, left: true, refined: true });
  });

  it('has room for fingers', async () => {
    const page = await under.open(PHONE);
    await under.openPhoto(await photoFile('a.jpg'));
    await under.restore();
    await page.getByText('Settings', { exact: true }).click();
    const small =
      await page.evaluate(`[...document.querySelectorAll('button, select, summary, input:not([type=checkbox]):not([type=radio])')]
      .filter((e) => e.checkVisibility() && !e.hidden)
      .map((e) => ({ box: e.getBoundingClientRect(), name: e.getAttribute('aria-label') ?? e.textContent ?? e.id }))
      .filter(({ box }) => box.width > 0 && (box.width < 43.5 || box.height < 43.5))
      .map(({ box, name }) => name.trim() + ' ' + Math.round(box.width) + 'x' + Math.round(box.height))`);
    expect(small).toEqual([]);
  });
});
