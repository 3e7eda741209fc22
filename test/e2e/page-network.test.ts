/**
 * A visitor's own network on the page: an ONNX file from the disk restores in the place of the page's model.
 */
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readXmpProperties } from '../../src/image/xmp.ts';
import { Clearword } from '../../src/index.ts';
import { MISSING } from '../support/chromium.ts';
import { DESKTOP, PATIENCE, pageUnderTest, photoFile } from '../support/page.ts';
import { type Form, pictureNetwork } from '../support/picture-network.ts';
import { largestDifference, temporaryFolder } from '../support/pictures.ts';

/** A server that only says which network it has. */
function handle({ url }: IncomingMessage, response: ServerResponse): boolean {
  const answers: Readonly<Record<string, object>> = {
    '/readyz': { status: 'ready' },
    '/v1/models': { models: [{ name: 'their blur', hash: '0'.repeat(64), guided: false }] },
  };
  const answer = answers[url ?? ''];
  if (answer === undefined) return false;
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  return true;
}

const under = await pageUnderTest(async () => ({ handle }));
const folder = await temporaryFolder();

const networkFile = (name: string, form: Form = {}) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(pictureNetwork(form)),
});

type NetworkFile = ReturnType<typeof networkFile>;

/** Gives the page a network by its settings. */
async function choose(file: NetworkFile): Promise<void> {
  const button = under.button('Choose an ONNX file');
  if (!(await button.isVisible())) await under.page.getByText('Settings', { exact: true }).click();
  const chooser = under.page.waitForEvent('filechooser');
  await button.click();
  await (await chooser).setFiles([file]);
}

/** The photo as Node restores it with the network. */
async function fromNode(file: NetworkFile, photo: Buffer, strength = ''): Promise<Uint8Array> {
  const path = join(folder, file.name);
  await writeFile(path, file.buffer);
  const clearword = await Clearword.load({ model: path, threads: 1 });
  try {
    return Uint8Array.from((await clearword.restore(photo, { strength })).pixels().data);
  } finally {
    await clearword.dispose();
  }
}

async function downloaded(): Promise<Buffer> {
  const downloading = under.page.waitForEvent('download');
  await under.button('Download').click();
  return readFile(await (await downloading).path());
}

const decoded = (file: Buffer) => sharp(file).removeAlpha().raw().toBuffer();

describe.skipIf(MISSING !== '')(`a network on the page${MISSING}`, () => {
  it('restores in the place of the model, and the model comes back', async () => {
    // The page's own policy does not let axe in.
    const page = await under.open({ ...DESKTOP, bypassCSP: true });
    const photo = await photoFile('a.png');
    await under.openPhoto(photo);
    await under.prompt().fill('remove the rain');
    await choose(networkFile('blur.onnx'));
    await page.getByRole('heading', { name: 'Network' }).waitFor();
    // What it does not have is not offered.
    expect(await under.prompt().count()).toBe(0);
    expect(await page.locator('.chip').count()).toBe(0);
    expect(await page.getByLabel('Steps').count()).toBe(0);
    expect(await page.getByRole('slider', { name: /^Strength/ }).count()).toBe(0);
    expect(await under.barriers()).toEqual([]);
    await under.shot('network');
    await under.restore();
    expect(await under.history().first().textContent()).toContain('blur');
    const file = await downloaded();
    const expected = await fromNode(networkFile('blur.onnx'), photo.buffer);
    expect(largestDifference(await decoded(file), expected)).toBeLessThanOrEqual(1);
    expect(largestDifference(expected, await decoded(photo.buffer))).toBeGreaterThan(20);
    const { xmpAsString = '' } = await sharp(file).metadata();
    expect(readXmpProperties(xmpAsString)).toMatchObject({
      model: 'blur',
      sampler: 'none',
      reading: expect.stringContaining('nchw'),
    });

    await under.button('Clearword’s own model').click();
    // Words and findings are still those of the photo.
    await expect.poll(() => under.prompt().inputValue(), { timeout: PATIENCE }).toBe('remove the rain');
    await page.locator('.chip').first().waitFor();
    await under.restore();
    expect(await under.history().first().textContent()).toContain('remove the rain');
    // The words stay when the network's result is looked at.
    await under.history().last().click();
    expect(await under.prompt().inputValue()).toBe('remove the rain');
  });

  it('is told the noise level by a slider', async () => {
    const page = await under.open({ ...DESKTOP, bypassCSP: true });
    const photo = await photoFile('noisy.png');
    await under.openPhoto(photo);
    await choose(networkFile('denoiser.onnx', { noise: 'map' }));
    const slider = page.getByRole('slider', { name: 'Strength of the noise' });
    await slider.waitFor();
    expect(await slider.inputValue()).toBe('15');
    await slider.fill('40');
    expect(await under.barriers()).toEqual([]);
    await under.restore();
    const expected = await fromNode(networkFile('denoiser.onnx', { noise: 'map' }), photo.buffer, 'noise=40');
    expect(largestDifference(await decoded(await downloaded()), expected)).toBeLessThanOrEqual(1);
  });

  it('of a server is named, and nobody asks it what it cannot tell', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    await page.getByText('Settings', { exact: true }).click();
    await page.getByLabel('This server').check();
    await page.getByText('“their blur” does what it was trained for').waitFor();
    expect(await page.locator('.chip').count()).toBe(0);
    expect(await under.alert()).toBe('');
    await page.getByLabel('This device').check();
    await page.locator('.chip').first().waitFor();
  });

  it('that cannot be used is refused with its reason, and changes nothing', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    const whole = networkFile('broken.onnx');
    await choose({ ...whole, buffer: whole.buffer.subarray(0, 200) });
    await expect.poll(() => under.alert(), { timeout: PATIENCE }).toContain('broken.onnx');
    await page.locator('.chip').first().waitFor();
    await under.restore();
    expect(await under.history().first().textContent()).toContain('everything found');
  });
});
