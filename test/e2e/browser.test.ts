/**
 * The browser library in a real Chromium by WebAssembly: the same pictures as Node makes, without freezing the page.
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  type Failure,
  libraryUnderTest,
  type Pixels,
  picture,
  pixels,
  type Restored,
  TOLERANCE,
} from '../support/browser-library.ts';
import { MISSING } from '../support/chromium.ts';
import { largestDifference, meanDifference, patternPicture } from '../support/pictures.ts';

/** Share of the values that may differ at all. */
const ROUNDED = 0.002;

/** Longest pause of the page's thread, as a share of the whole: a pass over one of six tiles would be a sixth. */
const FREEZE = 1 / 10;

interface Amounts {
  readonly before: Pixels;
  readonly after: Pixels;
  readonly again: Pixels;
  readonly amount: number;
  readonly same: boolean;
}

interface Watched extends Pixels {
  readonly shown: readonly {
    readonly stage: string;
    readonly area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
    readonly width: number;
    readonly bytes: number;
  }[];
  readonly fractions: readonly number[];
  readonly seconds: number;
}

interface Untouched {
  readonly decision: object;
  readonly same: boolean;
  readonly other: string;
}

const under = await libraryUnderTest();

describe.skipIf(MISSING !== '')(`with WebAssembly${MISSING}`, () => {
  it('loads with threads, reports the download, and keeps the weights under their hash', async () => {
    expect(await under.call('isolated')).toBe(true);
    const first = await under.call<{ model: Record<string, unknown>; progress: Record<string, unknown>[] }>(
      'load',
      '/tiny.safetensors',
      'wasm',
      2,
    );
    expect(first.model).toMatchObject({ name: 'tiny', device: 'wasm', threads: 2, defaultTile: 64, mostSteps: 100 });
    expect(first.model.hash).toBe(under.node.model.hash);
    const size = (await readFile(under.model)).length;
    expect(first.progress).toContainEqual({ stage: 'weights', loaded: size, total: size });
    expect(await under.call('cacheKeys')).toEqual(['/tiny.json', `/tiny.safetensors?sha256=${under.node.model.hash}`]);

    const asked = () => under.server.requests.filter((path) => path === '/tiny.safetensors').length;
    const before = asked();
    await under.call('load', '/tiny.safetensors', 'wasm', 2);
    expect(asked()).toBe(before);
  });

  it('downloads a cached model that is damaged anew', async () => {
    await under.call('spoilCache');
    const { model: summary } = await under.call<{ model: { name: string } }>('load', '/tiny.safetensors', 'wasm', 2);
    expect(summary.name).toBe('tiny');
  });

  it.each([
    ['one step, several tiles', {}],
    [
      'five steps of another sampler with a prompt',
      { steps: 5, sampler: 'posterior', prompt: 'remove the rain', seed: 3 },
    ],
    ['one large tile', { tile: 256 }],
  ])('equals Node within 1 of 255: %s', async (_, parameters) => {
    const restored = await under.call<Restored>('restore', pixels, parameters);
    const [here, there] = [bytesOf(restored), await under.fromNode(parameters)];
    expect(largestDifference(here, there)).toBeLessThanOrEqual(TOLERANCE);
    expect(meanDifference(here, there)).toBeLessThan(ROUNDED);
    // What is compared was changed by the network.
    expect(largestDifference(here, picture.data)).toBeGreaterThan(20 * TOLERANCE);
    expect(restored.fractions.at(-1)).toBe(1);
    expect([...restored.fractions].sort((a, b) => a - b)).toEqual(restored.fractions);
  });

  it('draws the same samples, with the same uncertainty and record', async () => {
    const parameters = { samples: 2, seed: 5, steps: 3, sampler: 'euler-maruyama' } as const;
    const restored = await under.call<Restored>('restore', pixels, parameters);
    const there = await under.node.restore({ ...picture, channels: 3 }, parameters);
    restored.samples.forEach((sample, k) => {
      const own = there.samples[k]?.pixels().data ?? [];
      expect(largestDifference(bytesOf(sample), own)).toBeLessThanOrEqual(TOLERANCE);
    });
    expect(restored.samples).toHaveLength(2);
    const { uncertainty } = restored;
    expect(uncertainty?.scale).toBe(there.uncertainty?.scale);
    const own = there.uncertainty?.image.pixels().data ?? [];
    expect(meanDifference(uncertainty ? bytesOf(uncertainty) : [], own)).toBeLessThan(1);
    expect(restored.provenance).toEqual(there.provenance);
  });

  it('finds what Node finds', async () => {
    const here = await under.call<Record<string, { probability: number; strength: number }>>('inspect', pixels);
    const there = (await under.node.inspect({ ...picture, channels: 3 })).degradations;
    for (const [name, { probability, strength }] of Object.entries(there)) {
      expect(here[name]?.probability).toBeCloseTo(probability, 4);
      expect(here[name]?.strength).toBeCloseTo(strength, 4);
    }
  });

  it('restores a megapixel in one step while the page stays alive', async () => {
    const large = patternPicture(1216, 832);
    const base64 = Buffer.from(large.data as Uint8Array).toString('base64');
    const start = performance.now();
    const restored = await under.call<Restored>('restore', { width: 1216, height: 832, base64 }, { tile: 256 });
    const whole = performance.now() - start;
    expect(restored.width * restored.height).toBeGreaterThan(1e6);
    // The restoration takes seconds, all of them in the worker.
    expect(restored.longest).toBeLessThan(FREEZE * whole);
    expect(restored.ticks).toBeGreaterThan(20);
    expect(restored.fractions.length).toBeGreaterThan(5);
  });

  it('makes a part of the change at once, as the option does', async () => {
    const amounts = await under.call<Amounts>('amounts', pixels, 40);
    expect(amounts.amount).toBe(40);
    expect(amounts.same).toBe(true);
    expect(largestDifference(bytesOf(amounts.after), bytesOf(amounts.before))).toBeLessThanOrEqual(1);
    expect(largestDifference(bytesOf(amounts.after), picture.data)).toBeGreaterThan(10);
    expect(largestDifference(bytesOf(amounts.again), picture.data)).toBe(0);
  });

  it('shows a smaller picture first, then the area in view, and says before how long it takes', async () => {
    const first = { x: 140, y: 90, width: 5, height: 5 };
    const parameters = { tile: 64, seed: 3 };
    const { shown, fractions, seconds, ...restored } = await under.call<Watched>('watched', pixels, parameters, first);
    const plain = await under.call<Restored>('restore', pixels, parameters);
    expect(restored.base64).toBe(plain.base64);
    expect(shown[0]).toEqual({
      stage: 'preview',
      area: { x: 0, y: 0, width: 150, height: 100 },
      width: 75,
      bytes: 75 * 50 * 3,
    });
    expect(shown[1]?.stage).toBe('tile');
    expect((shown[1]?.area.x ?? 0) + (shown[1]?.area.width ?? 0)).toBe(150);
    expect((shown[1]?.area.y ?? 0) + (shown[1]?.area.height ?? 0)).toBe(100);
    for (const { area, bytes, stage } of shown) if (stage === 'tile') expect(bytes).toBe(3 * area.width * area.height);
    // One measure of progress for both.
    expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
    expect(fractions.at(-1)).toBeCloseTo(1, 10);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(60);
  });

  it('gives the file back as it was where nothing was to be done', async () => {
    const file = await readFile(new URL('../../examples/photo.jpg', import.meta.url));
    const { decision, same, other } = await under.call<Untouched>('untouched', file.toString('base64'));
    expect(decision).toMatchObject({ status: 'unchanged', removing: [], request: { kind: 'nothing' } });
    expect(same).toBe(true);
    expect(other).toBe('image/png');
  });

  it('cancels at once, and goes on with the next picture', async () => {
    const { failure, stepsAtOnce, width } = await under.call<{ failure: Failure; stepsAtOnce: number; width: number }>(
      'cancelled',
      pixels,
      { steps: 50 },
    );
    expect(failure.code).toBe('CANCELLED');
    expect(stepsAtOnce).toBe(1);
    expect(width).toBe(150);
  });
});
