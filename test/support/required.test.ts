import { afterEach, expect, it, vi } from 'vitest';

/** The module anew, with nothing installed: paths where nothing is. */
async function withNothing() {
  vi.stubEnv('PATH', '/nowhere');
  vi.stubEnv('CHROMIUM_PATH', '/nowhere/chromium');
  vi.stubEnv('PYTHON_PATH', '/nowhere/python3');
  vi.resetModules();
  return import('./required.ts');
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

it('what is missing is skipped, and the note says how to get it', async () => {
  const { PROGRAM_NAMES, required } = await withNothing();
  expect(PROGRAM_NAMES).toEqual(['redis', 'chromium', 'pytorch']);
  for (const name of PROGRAM_NAMES) {
    expect(required(name, '')).toEqual({ missing: true, note: expect.stringContaining('(skipped: no ') });
    expect(required(name, '').note).toContain('apt-get install');
  }
});

it('what is missing fails where it is required, and nothing else does', async () => {
  const { required } = await withNothing();
  expect(() => required('redis', 'redis,chromium')).toThrow('expected redis-server in the PATH');
  expect(() => required('chromium', 'redis,chromium')).toThrow('expected Chromium at /nowhere/chromium');
  expect(() => required('pytorch', 'pytorch')).toThrow('expected PyTorch and NumPy for /nowhere/python3');
  expect(required('pytorch', 'redis,chromium').missing).toBe(true);
});

it('reads CLEARWORD_REQUIRE, and fails on a name that nobody knows', async () => {
  const { required } = await withNothing();
  vi.stubEnv('CLEARWORD_REQUIRE', 'chromium');
  expect(() => required('chromium')).toThrow('CLEARWORD_REQUIRE');
  vi.stubEnv('CLEARWORD_REQUIRE', 'chrome');
  expect(() => required('redis')).toThrow('expected redis, chromium, pytorch for CLEARWORD_REQUIRE, received chrome');
});
