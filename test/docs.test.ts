import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { commandReference, errorReference } from '../scripts/reference.ts';
import { commands } from '../src/cli/registry.ts';
import { catalogue } from '../src/errors.ts';

// `npx vitest run test/docs.test.ts -u` writes the pages.
it('docs/errors.md is the catalogue of errors', async () => {
  await expect(errorReference()).toMatchFileSnapshot('../docs/errors.md');
  // Independent of how the page is made: every code is in it, and no other.
  const page = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8');
  const codes = [...page.matchAll(/^## (\w+)$/gm)].map(([, code]) => code);
  expect(codes).toEqual(Object.keys(catalogue));
});

it('docs/cli.md lists every command and option', async () => {
  await expect(await commandReference(commands)).toMatchFileSnapshot('../docs/cli.md');
});
