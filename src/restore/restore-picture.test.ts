import { describe, expect, it } from 'vitest';
import { fakeModel } from '../../test/support/fake-model.ts';
import { largestDifference, patternPicture } from '../../test/support/pictures.ts';
import { SAMPLER_NAMES } from '../diffusion/samplers/index.ts';
import type { Picture } from '../image/picture.ts';
import { Random } from '../random/random.ts';
import { type RestoreParameters, settingsFor } from './options.ts';
import { restorePicture } from './restore-picture.ts';
import { planTiles } from './tiles.ts';

/** White noise: the hardest picture for seams, because nothing in it is smooth. */
function noisePicture(width: number, height: number): Picture {
  const random = new Random(1);
  return {
    width,
    height,
    channels: 3,
    data: Uint16Array.from({ length: width * height * 3 }, () => random.int(65536)),
  };
}

const restore = (model: ReturnType<typeof fakeModel>, picture: Picture, parameters: RestoreParameters = {}) =>
  restorePicture(model, picture, settingsFor(model, parameters));

describe('tiled against whole', () => {
  const picture = noisePicture(301, 173);
  const differ = async (radius: number, parameters: RestoreParameters) => {
    const options = { radius, stateShare: 0.5 };
    const whole = await restore(fakeModel(options), picture, { ...parameters, tile: 1024 });
    const tiled = fakeModel(options);
    const result = await restore(tiled, picture, { ...parameters, tile: 64, overlap: 24 });
    expect(tiled.calls.length).toBeGreaterThan(10);
    return largestDifference(result.mean.data, whole.mean.data) / 65535;
  };

  for (const sampler of SAMPLER_NAMES) {
    it(`${sampler}: equal where the network sees one pixel, so the noise has no seams`, async () => {
      // 1e-4: one step of 65535 from rounding, and float32 sums of up to four weights.
      expect(await differ(0, { sampler, steps: 4 })).toBeLessThan(1e-4);
    });
  }

  it('within 1 % of white where the network sees 3 pixels far, in two steps on white noise', async () => {
    // A tile's pixels near its edge miss neighbours. 3 pixels from the edge the ramp over 24 pixels is below 0.05.
    expect(await differ(3, { steps: 2 })).toBeLessThan(0.01);
  });

  it('equal where what the network does depends on the place in its grid of 16 pixels', async () => {
    const grid = ({ mu, width }: { mu: Float32Array; width: number }) =>
      mu.map((value, i) => value * (0.5 + (i % 16) / 64 + (Math.floor(i / width) % 16) / 64));
    const whole = await restore(fakeModel({ predict: grid }), picture, { tile: 1024 });
    const tiled = await restore(fakeModel({ predict: grid }), picture, { tile: 64, overlap: 10 });
    expect(largestDifference(tiled.mean.data, whole.mean.data) / 65535).toBeLessThan(1e-4);
  });

  it('exact in the middle of a tile', async () => {
    const options = { radius: 3 };
    const whole = await restore(fakeModel(options), picture, { tile: 1024 });
    const tiled = await restore(fakeModel(options), picture, { tile: 128, overlap: 32 });
    for (const at of [40 + 301 * 40, 50 + 301 * 130]) {
      expect(Math.abs((tiled.mean.data[at * 3] as number) - (whole.mean.data[at * 3] as number))).toBeLessThanOrEqual(
        1,
      );
    }
  });
});

describe('the area in view first', () => {
  it('gives the same picture, and its tiles before the others', async () => {
    const picture = noisePicture(301, 173);
    const parameters = { tile: 64, overlap: 16, samples: 2, steps: 2 };
    const options = { radius: 1, stateShare: 0.5 };
    const plain = await restore(fakeModel(options), picture, parameters);
    const model = fakeModel(options);
    const first = { x: 200, y: 100, width: 20, height: 10 };
    const shown: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }[] = [];
    const result = await restorePicture(model, picture, settingsFor(model, parameters), {
      first,
      onTile: (area, tile) => {
        shown.push(area);
        expect(tile.data).toHaveLength(3 * area.width * area.height);
      },
    });
    expect(largestDifference(result.mean.data, plain.mean.data)).toBe(0);
    const touches = shown.map(({ x, y, width, height }) => x < 220 && x + width > 200 && y < 110 && y + height > 100);
    const early = touches.lastIndexOf(true) + 1;
    expect(early).toBeGreaterThan(0);
    expect(touches.slice(0, early).every(Boolean)).toBe(true);
    // Every tile once, none beyond the picture.
    expect(shown.length).toBe(new Set(shown.map(({ x, y }) => `${x},${y}`)).size);
    expect(Math.max(...shown.map(({ x, width }) => x + width))).toBe(301);
    expect(Math.max(...shown.map(({ y, height }) => y + height))).toBe(173);
  });

  it('shows tiles as the network made them', async () => {
    const model = fakeModel({ predict: ({ mu }) => mu.map((value) => value / 2) });
    const picture = patternPicture(70, 40);
    const settings = settingsFor(model, { tile: 128 });
    const tiles: number[][] = [];
    const { mean } = await restorePicture(model, picture, settings, { onTile: (_, { data }) => tiles.push([...data]) });
    expect(tiles).toHaveLength(1);
    expect(largestDifference(tiles[0] ?? [], mean.data)).toBe(0);
  });

  it('waits for whoever wants to know what is done', async () => {
    const order: string[] = [];
    const model = fakeModel({ predict: ({ mu }) => mu });
    await restorePicture(model, patternPicture(64, 64), settingsFor(model, {}), {
      onDecision: async ({ status }) => {
        await Promise.resolve();
        order.push(status);
      },
      onTile: () => order.push('tile'),
    });
    expect(order).toEqual(['restored', 'tile']);
  });
});

describe('what the model is asked', () => {
  it('conditioning once, tiles of one shape, the prompt as given', async () => {
    const model = fakeModel({ tile: 64 });
    await restore(model, patternPicture(200, 150), { prompt: 'remove the rain', steps: 2 });
    expect(model.inspected).toHaveLength(1);
    expect(model.inspected[0]).toMatchObject({ width: 200, height: 150 });
    expect(model.prompts).toEqual(['remove the rain']);
    expect(new Set(model.calls.map(({ width, height }) => `${width} x ${height}`)).size).toBe(1);
    expect(new Set(model.calls.map(({ t }) => t))).toEqual(new Set([100, 50]));
  });

  it('the next tile while the network computes one, and no more', async () => {
    const [started, waiting]: [string[], (() => void)[]] = [[], []];
    const plain = fakeModel({ tile: 64 });
    const model = {
      ...plain,
      predict: async (request: Parameters<typeof plain.predict>[0]) => {
        started.push('tile');
        await new Promise<void>((resolve) => waiting.push(resolve));
        return plain.predict(request);
      },
    };
    const { x, y } = planTiles(200, 150, 64, 16);
    const tiles = x.starts.length * y.starts.length;
    const work = restore(model, patternPicture(200, 150), { steps: 1, overlap: 16 });
    for (let ended = 0; ended < tiles; ended++) {
      while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(started.length).toBeLessThanOrEqual(ended + 2);
      if (ended === 0) expect(started).toHaveLength(2);
      waiting.shift()?.();
    }
    await work;
    expect(plain.calls).toHaveLength(tiles);
  });

  it('a picture larger than 4 megapixels is inspected in cells of full resolution', async () => {
    const model = fakeModel({ predict: ({ mu }) => mu });
    const width = 4000;
    const picture: Picture = {
      width,
      height: 1500,
      channels: 1,
      data: new Uint8Array(width * 1500).map((_, i) => i % 256),
    };
    await restore(model, picture, { tile: 1024 });
    const {
      width: across,
      height: down,
      data,
    } = model.inspected[0] as { width: number; height: number; data: Float32Array };
    expect(across * down).toBeLessThanOrEqual(2 ** 20);
    expect(across * down).toBeGreaterThan(0.7 * 2 ** 20);
    // Neighbours in a cell are neighbours in the picture: a ramp of 1/255 a pixel.
    expect((data[1] as number) - (data[0] as number)).toBeCloseTo(1 / 255, 5);
  });
});

describe('sizes and kinds of pictures', () => {
  it('1 x 1, single rows and columns, and sizes around a tile', async () => {
    for (const [width, height] of [
      [1, 1],
      [1, 90],
      [90, 1],
      [63, 65],
      [64, 64],
      [65, 128],
      [2, 3],
    ] as const) {
      const picture = patternPicture(width, height, { bits: 16 });
      const { mean } = await restore(fakeModel({ predict: ({ mu }) => mu }), picture, { tile: 64 });
      expect([mean.width, mean.height]).toEqual([width, height]);
      expect(largestDifference(mean.data, picture.data)).toBe(0);
    }
  });

  for (const bits of [8, 16] as const) {
    for (const channels of [1, 3] as const) {
      it(`${bits} bits, ${channels} channels: an identity returns every value`, async () => {
        const picture = patternPicture(150, 110, { bits, channels, alpha: true });
        const { mean } = await restore(fakeModel({ predict: ({ mu }) => mu }), picture, { tile: 64 });
        expect(mean.data.constructor).toBe(picture.data.constructor);
        expect(largestDifference(mean.data, picture.data)).toBe(0);
        expect(mean.alpha).toBe(picture.alpha);
      });
    }
  }

  it('hidden colours do not bleed and come back', async () => {
    const width = 80;
    const data = new Uint8Array(width * 4 * 3);
    const alpha = new Uint8Array(width * 4);
    // Left half: hidden black; right half: visible white.
    for (let i = 0; i < width * 4; i++) {
      const visible = i % width >= 40;
      alpha[i] = visible ? 255 : 0;
      data.fill(visible ? 255 : 7, i * 3, i * 3 + 3);
    }
    const { mean } = await restore(fakeModel({ radius: 5 }), { width, height: 4, channels: 3, data, alpha });
    expect(mean.data[40 * 3]).toBe(255);
    expect(mean.data[39 * 3]).toBe(7);
  });

  it('a picture that is hidden everywhere costs no prediction', async () => {
    const picture = patternPicture(100, 60);
    const model = fakeModel();
    const { mean } = await restore(model, { ...picture, alpha: new Uint8Array(6000) });
    expect(model.calls).toHaveLength(0);
    expect(largestDifference(mean.data, picture.data)).toBe(0);
  });
});

describe('how much is done', () => {
  const inverse = () => fakeModel({ predict: ({ mu }) => mu.map((value) => 1 - value) });

  for (const bits of [8, 16] as const) {
    const picture = patternPicture(150, 110, { bits, alpha: true });
    const white = bits === 8 ? 255 : 65535;

    it(`${bits} bits: amount 0 gives every value back, and asks the network for nothing`, async () => {
      const model = inverse();
      const { mean, decision } = await restore(model, picture, { amount: 0, prompt: 'remove the noise' });
      expect(mean.data).toEqual(picture.data);
      expect(decision).toMatchObject({ status: 'unchanged', removing: ['noise'] });
      expect(model.calls).toHaveLength(0);
    });

    it(`${bits} bits: amount 50 gives the half of the way, 100 the whole`, async () => {
      const half = await restore(inverse(), picture, { amount: 50, tile: 64 });
      const whole = await restore(inverse(), picture, { amount: 100, tile: 64 });
      expect(half.decision.status).toBe('restored');
      const shown = (i: number) => picture.alpha === undefined || picture.alpha[Math.floor(i / 3)] !== 0;
      const inverted = picture.data.map((value, i) => (shown(i) ? white - value : value));
      const middle = picture.data.map((value, i) => (shown(i) ? white / 2 : value));
      // One step is rounding.
      expect(largestDifference(whole.mean.data, inverted)).toBeLessThanOrEqual(1);
      expect(largestDifference(half.mean.data, middle)).toBeLessThanOrEqual(1);
    });
  }

  it('amount 25 goes a quarter of the way with each of several samples', async () => {
    const picture = patternPicture(90, 70);
    const parameters = { samples: 2, seed: 3 };
    const noisy = () => fakeModel({ radius: 0, stateShare: 0.5 });
    const whole = await restore(noisy(), picture, parameters);
    const quarter = await restore(noisy(), picture, { ...parameters, amount: 25 });
    for (const k of [0, 1]) {
      const [to, part] = [whole.samples[k]?.data ?? [], quarter.samples[k]?.data ?? []];
      const expected = Array.from(picture.data, (from, i) => from + 0.25 * ((to[i] as number) - from));
      // Half a step of rounding in either.
      expect(largestDifference(part, expected)).toBeLessThanOrEqual(0.5 + 0.25 * 0.5 + 1e-6);
    }
    const deviations = (quarter.deviation ?? []).map((value, i) => value - 0.25 * (whole.deviation?.[i] ?? 0));
    expect(largestDifference(deviations, new Array(deviations.length).fill(0))).toBeLessThanOrEqual(1);
  });

  it('where nothing was found, every sample is the picture itself', async () => {
    const picture = patternPicture(90, 70);
    const model = fakeModel();
    model.inspect = async () => ({ degradations: {}, embedding: new Float32Array(512).fill(512 ** -0.5) });
    const fractions: number[] = [];
    const settings = settingsFor(model, { samples: 3 });
    const result = await restorePicture(model, picture, settings, {
      onProgress: ({ fraction }) => fractions.push(fraction),
    });
    expect(result.decision).toMatchObject({ status: 'unchanged', removing: [] });
    expect(model.calls).toHaveLength(0);
    expect(result.samples).toHaveLength(3);
    for (const { data } of [result.mean, ...result.samples]) expect(data).toEqual(picture.data);
    expect(result.deviation?.every((value) => value === 0)).toBe(true);
    expect(fractions).toEqual([0, 1]);
    // The same when it is asked for in words: it is done.
    const asked = await restorePicture(model, picture, settingsFor(model, { prompt: 'remove the rain' }));
    expect(asked.decision).toMatchObject({ status: 'restored', removing: ['rain'] });
    expect(model.calls.length).toBeGreaterThan(0);
  });
});

describe('samples', () => {
  const picture = patternPicture(90, 70);
  const noisy = () => fakeModel({ radius: 0, stateShare: 0.5 });

  it('sample k is what seed + k gives alone; the mean and the deviation are theirs', async () => {
    const several = await restore(noisy(), picture, { samples: 3, seed: 5 });
    expect(several.samples).toHaveLength(3);
    for (const k of [0, 1, 2]) {
      const alone = await restore(noisy(), picture, { seed: 5 + k });
      expect(alone.samples).toHaveLength(0);
      expect(largestDifference(alone.mean.data, several.samples[k]?.data ?? [])).toBe(0);
    }
    const values = several.samples.map(({ data }) => data);
    const at = 1234;
    const [a, b, c] = values.map((data) => data[at] as number) as [number, number, number];
    expect(Math.abs((several.mean.data[at] as number) - (a + b + c) / 3)).toBeLessThanOrEqual(1);
    const pixel = Math.floor(at / 3);
    let variance = 0;
    for (let ch = 0; ch < 3; ch++) {
      const of = values.map((data) => (data[pixel * 3 + ch] as number) / 255);
      const mean = of.reduce((sum, value) => sum + value, 0) / 3;
      variance += of.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2 / 3;
    }
    expect((several.deviation?.[pixel] as number) / 65535).toBeCloseTo(Math.sqrt(variance), 2);
  });

  it('the same seed gives the same bytes, another seed others', async () => {
    const [a, b, c] = await Promise.all([1, 1, 2].map((seed) => restore(noisy(), picture, { seed })));
    expect(a?.mean.data).toEqual(b?.mean.data);
    expect(a?.mean.data).not.toEqual(c?.mean.data);
  });
});

describe('what can go wrong', () => {
  const picture = patternPicture(400, 100);

  it('a value that is not finite never reaches a picture', async () => {
    const model = fakeModel({
      predict: ({ mu, x }) => mu.map((value, i) => (i === 77 && (x[0] as number) > -9 ? Number.NaN : value)),
    });
    const error = await restore(model, picture, { tile: 64 }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'NON_FINITE', message: expect.stringContaining('tile of') });
  });

  it('a signal stops the work between tiles and between steps', async () => {
    for (const stopAt of [1, 3, 6]) {
      const controller = new AbortController();
      const model = fakeModel({
        tile: 64,
        onPredict: () => {
          if (model.calls.length === stopAt) controller.abort();
        },
      });
      const settings = settingsFor(model, { steps: 2 });
      const work = restorePicture(model, picture, settings, { signal: controller.signal });
      await expect(work).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(model.calls).toHaveLength(stopAt);
    }
  });

  it('options out of range, unknown or of the wrong type', async () => {
    const model = fakeModel();
    for (const [bad, name] of [
      [{ steps: 0 }, 'steps'],
      [{ steps: 1.5 }, 'steps'],
      [{ seed: -1 }, 'seed'],
      [{ samples: 1000 }, 'samples'],
      [{ sampler: 'magic' }, 'sampler'],
      [{ tile: 10 }, 'tile'],
      [{ promt: 'typo' }, 'promt'],
      [{ prompt: 5 }, 'prompt'],
    ] as const) {
      expect(() => settingsFor(model, bad as RestoreParameters), name).toThrowError(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) }),
      );
    }
    await expect(restore(model, picture, { steps: 101 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('reports progress that rises to 1', async () => {
    const model = fakeModel({ tile: 64 });
    const fractions: number[] = [];
    await restorePicture(model, picture, settingsFor(model, { steps: 2 }), {
      onProgress: ({ fraction }) => fractions.push(fraction),
    });
    expect(fractions[0]).toBe(0);
    expect(fractions.at(-1)).toBeCloseTo(1, 9);
    expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
  });
});
