/** docs/reliability.md names tests that exist: each promise has one. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const page = readFileSync(at('docs/reliability.md'), 'utf8');
const rows = [...page.matchAll(/^\| (?<promise>[^|]+) \| (?<tests>`[^|]+) \|$/gm)].map(({ groups }) => ({
  promise: groups?.promise ?? '',
  tests: groups?.tests ?? '',
}));

describe('the test of each promise', () => {
  it.each(rows)('$promise', ({ tests }) => {
    const parts = [...tests.matchAll(/`(?<file>[^`]+\.test\.ts)`: (?<names>"[^`]*")/g)];
    expect(parts.length).toBeGreaterThan(0);
    for (const { groups } of parts) {
      const code = readFileSync(at(groups?.file ?? ''), 'utf8');
      const names = [...(groups?.names ?? '').matchAll(/"([^"]+)"/g)].map(([, name = '']) => name);
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) expect(code.includes(name), name).toBe(true);
    }
  });
});

it('every table row is one of a promise', () => {
  const promised = page.slice(0, page.indexOf('## Damaged inputs'));
  const lines = promised.split('\n').filter((line) => line.startsWith('| ') && !/^\| (Promise|---)/.test(line));
  expect(rows.length).toBe(lines.length);
  expect(rows.length).toBeGreaterThan(25);
});
