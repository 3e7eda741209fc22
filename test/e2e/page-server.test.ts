/**
 * The page with the server of `clearword serve` behind it: nothing is sent until someone chooses so, and then the server's
 * answers are shown as this device's are. The server's model is a stand-in.
 */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { MISSING } from '../support/chromium.ts';
import { DESKTOP, PATIENCE, pageUnderTest, photoFile } from '../support/page.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { type TestServer, testServer } from '../support/server.ts';

const folder = await temporaryFolder();
const forwarded: string[] = [];
let server: TestServer | undefined;

/** Page and interface have one origin, as from `clearword serve`. */
function toServer(request: IncomingMessage, response: ServerResponse): boolean {
  const path = request.url ?? '/';
  if (server === undefined || !(path.startsWith('/v1/') || path === '/readyz')) return false;
  if (interfere?.(request, response) === true) {
    request.resume();
    return true;
  }
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

/** What a test puts in the way of requests; true: it has answered. */
let interfere: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;

const under = await pageUnderTest(async () => {
  server = await testServer(join(folder, 'store'), { processes: 1 });
  return { handle: toServer };
});

async function chooseServer(): Promise<void> {
  await under.page.getByText('Settings', { exact: true }).click();
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
    await under.openPhoto(await photoFile('a.jpg'));
    await chooseServer();
    expect(await page.getByText('Photos are sent to this server').count()).toBe(1);
    await page.getByLabel('Samples').fill('2');
    forwarded.length = 0;
    await under.restoreButton().click();
    await under.divider().waitFor();
    const work = forwarded.filter((request) => request !== 'GET /v1/models');
    expect(work.slice(0, 2)).toEqual(['POST /v1/restorations', 'GET /v1/restorations/ID']);
    expect(forwarded.slice(-2)).toEqual([
      'GET /v1/restorations/ID/result',
      'GET /v1/restorations/ID/result?part=uncertainty',
    ]);
    await under.button('Uncertainty').click();
    await page.locator('.uncertainty').waitFor();
    await under.shot('desktop-server');
    const downloading = page.waitForEvent('download', { timeout: PATIENCE });
    await under.button('Download').click();
    expect((await downloading).suggestedFilename()).toBe('a-restored.jpg');
    // A server's file has one format.
    expect(await page.getByLabel('Format of the file').count()).toBe(0);
  });

  it('asks the server what is in the photo, too, where it was chosen first', async () => {
    const page = await under.open(DESKTOP);
    await under.openSample();
    await chooseServer();
    forwarded.length = 0;
    const chooser = page.waitForEvent('filechooser');
    await under.button('Add photos').click();
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    await (await chooser).setFiles({ name: 'pixel.png', mimeType: 'image/png', buffer: Buffer.from(pixel, 'base64') });
    const asked = () => forwarded.filter((request) => request !== 'GET /v1/models');
    await expect.poll(asked, { timeout: PATIENCE }).toEqual(['POST /v1/inspections']);
    // The stand-in always finds noise of this strength.
    await page.getByText('clear', { exact: true }).waitFor();
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

  const problem = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) => {
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
    response.end(JSON.stringify(body));
    return true;
  };
  const isPoll = ({ method, url = '' }: IncomingMessage) =>
    method === 'GET' && url.startsWith('/v1/restorations/') && !url.includes('/result');
  const isPost = ({ method, url }: IncomingMessage) => method === 'POST' && url === '/v1/restorations';
  /** The browser itself logs refusals and lost connections. */
  const expectLogs = () =>
    expect(under.problems.splice(0).every((text) => /Failed to load|ERR_/.test(text))).toBe(true);

  it('asks again when answers are lost, and waits as long as it is told', async () => {
    await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    await chooseServer();
    let lost = 0;
    let busy = 0;
    interfere = (request, response) => {
      if (isPost(request) && busy++ < 1) {
        return problem(response, 429, { code: 'QUEUE_FULL', detail: 'too many' }, { 'retry-after': '1' });
      }
      if (!isPoll(request) || lost++ > 1) return false;
      response.destroy();
      return true;
    };
    await under.restore();
    interfere = undefined;
    expect(lost).toBeGreaterThan(2);
    expect(busy).toBe(2);
    expectLogs();
  });

  it('goes on with a job after a reload', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    await chooseServer();
    let held = true;
    let asked = 0;
    interfere = (request, response) => {
      if (!isPoll(request) || !held) return false;
      asked++;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ id: request.url?.split('/').at(-1), status: 'running', fraction: 0.3 }));
      return true;
    };
    await under.restoreButton().click();
    await page.getByText('Restoring, 30 %').waitFor();
    await page.waitForTimeout(1000);
    page.on('dialog', (dialog) => void dialog.accept());
    await page.reload();
    const before = asked;
    await expect.poll(() => asked, { timeout: PATIENCE }).toBeGreaterThan(before);
    forwarded.length = 0;
    held = false;
    await under.divider().waitFor();
    interfere = undefined;
    expect(forwarded).not.toContain('POST /v1/restorations');
  });

  it('asks for a key where one is needed, and keeps it for the session', async () => {
    const page = await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    await chooseServer();
    interfere = ({ headers, url }, response) => {
      if (headers.authorization === 'Bearer open sesame' || url === '/readyz') return false;
      const fix = 'Send the header `Authorization: Bearer <key>`';
      return problem(response, 401, { code: 'UNAUTHENTICATED', detail: 'expected a key', fix });
    };
    await under.restoreButton().click();
    const dialog = page.getByRole('dialog', { name: 'This server asks for a key' });
    await dialog.getByLabel('Key').fill('wrong');
    await dialog.getByRole('button', { name: 'Use this key' }).click();
    await dialog.getByText('The server does not know that key.').waitFor();
    await under.shot('server-key');
    await dialog.getByLabel('Key').fill('open sesame');
    await dialog.getByRole('button', { name: 'Use this key' }).click();
    await under.divider().waitFor();
    await under.restore();
    expect(await page.getByRole('dialog').count()).toBe(0);

    await page.evaluate('sessionStorage.removeItem("clearword-key")');
    await page.reload();
    await under.divider().waitFor();
    await chooseServer();
    await under.restoreButton().click();
    await dialog.getByRole('button', { name: 'Not now' }).click();
    await expect.poll(() => under.alert(), { timeout: PATIENCE }).toContain('Expected a key.');
    expect(await under.alert()).not.toContain('Authorization');
    interfere = undefined;
    expectLogs();
  });

  it.each([
    [
      'the page of another server',
      403,
      { code: 'ORIGIN_REFUSED', detail: 'expected its own page' },
      /own page.*own address/,
    ],
    ['a proxy without words', 403, {}, /answered 403.*own address/],
    ['a queue that stays full', 429, { code: 'QUEUE_FULL', detail: 'expected room' }, /room.*few minutes/],
  ])('says what %s means for a visitor', async (_, status, body, words) => {
    await under.open();
    await under.openPhoto(await photoFile('a.jpg'));
    await chooseServer();
    interfere = (request, response) => isPost(request) && problem(response, status, body);
    await under.restoreButton().click();
    await expect.poll(() => under.alert(), { timeout: PATIENCE }).toMatch(words);
    expect(await under.status()).toBe('Not restored.');
    interfere = undefined;
    expectLogs();
  });

  it('sends what only the server reads to the server, when that is chosen, and shows before and after', async () => {
    const page = await under.open();
    const { buffer } = await photoFile('a.png', { width: 64, height: 48 });
    const tiff = await sharp(buffer).tiff().toBuffer();
    await under.choose({ name: 'scan.tif', mimeType: 'image/tiff', buffer: tiff });
    await page.getByText('This browser does not show TIFFs').waitFor();
    await under.restoreButton().click();
    await expect.poll(() => under.alert(), { timeout: PATIENCE }).toContain('This server');
    await chooseServer();
    await under.restore();
    await under.divider().waitFor();
    await page.getByRole('img', { name: 'Before' }).waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('64 × 48');
  });
});
