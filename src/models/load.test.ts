import { describe, expect, it } from 'vitest';
import { modelIdentity, modelSource } from './load.ts';

describe('a model', () => {
  it('is the bundled one if none is named, or if it is named lite', async () => {
    const bundled = await modelIdentity();
    expect(bundled).toMatch(/^[0-9a-f]{64}/);
    expect(await modelIdentity('lite')).toBe(bundled);
    expect(modelSource('lite')).toMatch(/lite\.safetensors$/);
  });

  it('is a file if its path says so', async () => {
    await expect(modelIdentity('./lite')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });
});
