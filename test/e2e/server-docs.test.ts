/** The description of the interface in a real browser, over plain HTTP and under a name that is not this machine's own. */
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { CHROMIUM, MISSING } from '../support/chromium.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { testServer } from '../support/server.ts';

describe.skipIf(MISSING !== '')(`/docs${MISSING}`, () => {
  it('shows every request, without an error, and asks nobody else', async () => {
    const server = await testServer(join(await temporaryFolder(), 'store'), { hosts: 'photos.example' });
    // Browsers trust plain HTTP on this machine's own names only.
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--host-resolver-rules=MAP photos.example 127.0.0.1'];
    const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args });
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico'))
          problems.push(message.text());
      });
      const asked = new Set<string>();
      page.on('request', (request) => asked.add(new URL(request.url()).origin));
      const origin = `http://photos.example:${new URL(server.url).port}`;
      await page.goto(`${origin}/docs`);
      await page.getByText('Restore a photo').waitFor();
      const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: Record<string, object> };
      const operations = Object.values(paths).flatMap((path) => Object.keys(path));
      expect(await page.locator('.opblock').count()).toBe(operations.length);
      expect(operations.length).toBeGreaterThan(8);
      expect(await page.locator('.topbar').count()).toBe(0);
      expect(problems).toEqual([]);
      expect([...asked].filter((each) => each !== origin && !each.startsWith('data:') && each !== 'null')).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
