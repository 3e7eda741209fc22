/**
 * The browser library in a real Chromium by WebGPU, which SwiftShader computes on the CPU.
 */
import { describe, expect, it } from 'vitest';
import { bytesOf, libraryUnderTest, type Restored, TOLERANCE } from '../support/browser-library.ts';
import { MISSING } from '../support/chromium.ts';
import { largestDifference, patternPicture } from '../support/pictures.ts';

/** A graphics card imitated on two cores that others use as well. */
const SOFTWARE_GPU = 600_000;

const under = await libraryUnderTest({ webgpu: true });

describe.skipIf(MISSING !== '')(`with WebGPU${MISSING}`, () => {
  // SwiftShader compiles every shader on the CPU: a tile of 64 x 64 pixels takes a minute or two.
  it(
    'equals Node within 1 of 255',
    async () => {
      expect(await under.call('load', '/tiny.safetensors', 'webgpu')).toMatchObject({ model: { device: 'webgpu' } });
      const small = patternPicture(64, 64);
      const base64 = Buffer.from(small.data as Uint8Array).toString('base64');
      const restored = await under.call<Restored>('restore', { width: 64, height: 64, base64 }, { steps: 2, seed: 3 });
      const there = await under.node.restore({ ...small, channels: 3 }, { steps: 2, seed: 3 });
      expect(largestDifference(bytesOf(restored), there.pixels().data)).toBeLessThanOrEqual(TOLERANCE);
      expect(largestDifference(bytesOf(restored), small.data)).toBeGreaterThan(20 * TOLERANCE);
    },
    SOFTWARE_GPU,
  );

  it('is not chosen by itself where software imitates it', async () => {
    expect(await under.call('load', '/tiny.safetensors', 'auto')).toMatchObject({ model: { device: 'wasm' } });
  });
});
