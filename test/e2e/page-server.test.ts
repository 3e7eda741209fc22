/**
 * The page with the server of `clearword serve` behind it: nothing is sent until someone chooses so, and then the server's
 * answers are shown as this device's are. The server's model is a stand-in.
 */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MISSING } from '../support/chromium.ts';
import { DESKTOP, PATIENCE, pageUnderTest } from '../support/page.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { type TestServer, testServer } from '../support/server.ts';

const folder = await temporaryFolder();
const forwarded: string[] = [];
let server: TestServer | undefined;

/** Page and interface have one origin, as from `clearword serve`. */
function toServer(request: IncomingMessage, response: ServerResponse): boolean {
  const path = request.url ?? '/';
  if (server === undefined || !(path.startsWith('/v1/') || path === '/readyz')) return false;
  forwarded.push(`${request.method} ${path.replace(/[\w-]{20,}/, 'ID')}`);
  const { method, headers } = request;
  const passedOn = httpRequest(new URL(path, server.url), { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passedOn.on('error', () => response.destroy());
  request.pipe(passedOn);
  return true;
}

const under = await pageUnderTest(async () => {
  server = await testServer(join(folder, 'store'), { processes: 1 });
  return { handle: toServer };
});

async function chooseServer(): Promise<void> {
  await under.page.getByText('More', { exact: true }).click();
  await under.page.getByLabel('This server').check();
}

describe.skipIf(MISSING !== '')(`the page and a server${MISSING}`, () => {
  it('sends nothing to the server until it is chosen', async () => {
    await under.open();
    await under.restored();
    expect(forwarded).toEqual(['GET /readyz']);
    expect(await under.page.getByText('Photos stay on this device').count()).toBe(1);
  });

  it('restores on the server when it is chosen, with uncertainty and download', async () => {
    const page = await under.open();
    await under.openSample();
    await chooseServer();
    expect(await page.getByText('Photos are sent to this server').count()).toBe(1);
    await page.getByLabel('Samples').fill('2');
    forwarded.length = 0;
    await under.restoreButton().click();
    await under.divider().waitFor();
    expect(forwarded.slice(0, 2)).toEqual(['POST /v1/restorations', 'GET /v1/restorations/ID']);
    expect(forwarded.slice(-2)).toEqual([
      'GET /v1/restorations/ID/result',
      'GET /v1/restorations/ID/result?part=uncertainty',
    ]);
    await under.button('Uncertainty').click();
    await page.locator('.uncertainty').waitFor();
    await under.shot('desktop-server');
    const downloading = page.waitForEvent('download', { timeout: PATIENCE });
    await under.button('Download').click();
    expect((await downloading).suggestedFilename()).toBe('Rain and noise-restored.jpg');
    // A server's file has one format.
    expect(await page.getByLabel('Format of the file').count()).toBe(0);
  });

  it('asks the server what is in the photo, too, where it was chosen first', async () => {
    const page = await under.open(DESKTOP);
    await under.openSample();
    await chooseServer();
    forwarded.length = 0;
    const chooser = page.waitForEvent('filechooser');
    await under.button('New photo').click();
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    await (await chooser).setFiles({ name: 'pixel.png', mimeType: 'image/png', buffer: Buffer.from(pixel, 'base64') });
    await expect.poll(() => forwarded, { timeout: PATIENCE }).toEqual(['POST /v1/inspections']);
    // The stand-in always finds noise of this strength.
    await page.getByText('medium').waitFor();
  });

  it('shows the server’s own words when it refuses', async () => {
    const page = await under.open();
    await under.openSample();
    await chooseServer();
    await page.getByLabel('In your words').evaluate((field) => field.removeAttribute('maxlength'));
    await page.getByLabel('In your words').fill('rain '.repeat(500));
    await under.restoreButton().click();
    const alert = page.getByRole('alert');
    await expect.poll(() => alert.textContent(), { timeout: PATIENCE }).toContain('for prompt');
    // The browser itself logs the refusal.
    expect(under.problems.splice(0).every((text) => text.includes('400'))).toBe(true);
  });
});
