import { describe, expect, it } from 'vitest';
import { importOptional } from './optional-package.ts';

describe('a package that is not installed', () => {
  const missing = (name: string) =>
    Object.assign(new Error(`Cannot find package '${name}' imported from x.js`), { code: 'ERR_MODULE_NOT_FOUND' });

  it('is named, with the command that installs all of the feature', async () => {
    const load = () => Promise.reject(missing('fastify'));
    await expect(importOptional('the server', load, ['fastify', 'pino'])).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      message: 'expected the package fastify for the server, found none',
      fix: 'Run: npm install fastify pino',
    });
  });

  it('of another feature, and other mistakes, pass as they are', async () => {
    const other = missing('zod');
    await expect(importOptional('the server', () => Promise.reject(other), ['fastify'])).rejects.toBe(other);
    await expect(importOptional('the server', () => Promise.reject(new RangeError('x')), ['fastify'])).rejects.toThrow(
      'x',
    );
    expect(await importOptional('the server', async () => 1, ['fastify'])).toBe(1);
  });
});
