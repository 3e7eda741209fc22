import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { configKeys, withKeyTable } from '../scripts/config-keys.ts';
import { trainConfigSchema } from '../src/train/config.ts';

const page = new URL('../docs/training.md', import.meta.url);

// `npx vitest run test/training-docs.test.ts -u` corrects names, values and defaults; meanings are written by hand.
it('docs/training.md lists every key with its values and default', async () => {
  const text = await readFile(page, 'utf8');
  await expect(withKeyTable(text, trainConfigSchema)).toMatchFileSnapshot('../docs/training.md');
});

it('docs/training.md says what every key means', async () => {
  const text = await readFile(page, 'utf8');
  for (const { path } of configKeys(trainConfigSchema)) {
    const [row = ''] = text.split('\n').filter((line) => line.startsWith(`| \`${path}\` |`));
    expect(row, path).toMatch(/ [^|]{8,} \|$/);
  }
});
