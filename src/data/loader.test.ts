import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_DEGRADATIONS } from '../degradations/index.ts';
import { createRaster, type Raster } from '../image/raster.ts';
import { Random } from '../random/random.ts';
import type { Batch } from './batch.ts';
import { type DataConfig, dataConfigSchema } from './config.ts';
import { scanDataset } from './dataset.ts';
import { addHaze, transmissionOf } from './degradations/haze.ts';
import { createPlane } from './degradations/plane.ts';
import { BatchLoader, type LoaderOptions } from './loader.ts';
import { allocatePictures, decodePixels, PictureStore, readRaster } from './picture-store.ts';
import { cutWindow, type Pixels } from './window.ts';

let root: string;

async function writePicture(file: string, image: Raster, channels: 1 | 3 = 3): Promise<void> {
  const plane = image.width * image.height;
  const bytes = Buffer.alloc(channels * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < channels; c++)
      bytes[channels * i + c] = Math.round(255 * (image.data[c * plane + i] as number));
  }
  const raw = { width: image.width, height: image.height, channels };
  const picture = sharp(bytes, { raw });
  await (channels === 1 ? picture.toColourspace('b-w') : picture).png().toFile(file);
}

function texture(seed: number, width: number, height: number, low = 0, high = 1): Raster {
  const random = new Random(seed);
  const image = createRaster(width, height);
  for (let i = 0; i < image.data.length; i++) image.data[i] = random.uniform(low, high);
  return image;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'clearword-data-'));
  for (const folder of ['photos', 'rain', 'haze/hazy', 'haze/clear', 'empty', 'broken']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  // The last photo is smaller than the patch.
  const sizes = [
    [40, 30],
    [30, 40],
    [64, 48],
    [9, 11],
  ] as const;
  for (const [i, [width, height]] of sizes.entries()) {
    await writePicture(join(root, 'photos', `${i}.png`), texture(i, width, height));
  }
  for (let i = 1; i <= 12; i++) {
    await writePicture(join(root, 'rain', `layer-${i}.png`), texture(100 + i, 40, 40, 0, 0.2), 1);
    const clear = texture(200 + i, 40, 36, 0, 0.7);
    const depth = createPlane(40, 36);
    depth.data.fill(4);
    await writePicture(join(root, 'haze/clear', `${i}.png`), clear);
    await writePicture(
      join(root, 'haze/hazy', `${i}_0.9_0.1.png`),
      addHaze(clear, transmissionOf(depth, 0.1), [0.9, 0.9, 0.9]),
    );
  }
  const captions = [
    'file\tcaption\tscene\thorizon\tfar',
    'photos/0.png\tA hill.\tlandscape\t0.40\ttop',
    'photos/0.png\tA green hill.',
  ];
  await writeFile(join(root, 'captions.tsv'), `${captions.join('\n')}\n`);
  await writeFile(join(root, 'broken', 'torn.png'), 'not a picture');
});

afterAll(() => rm(root, { recursive: true, force: true }));

function configure(changes: object = {}): DataConfig {
  return dataConfigSchema.parse({
    roots: {
      photos: [join(root, 'photos')],
      rainLayers: join(root, 'rain'),
      hazePairs: join(root, 'haze'),
      captions: [join(root, 'captions.tsv')],
    },
    holdOut: { rainLayers: 3, hazeScenes: 3 },
    patch: 16,
    cacheMegabytes: 4,
    ...changes,
  });
}

async function take(
  config: DataConfig,
  firstStep: number,
  count: number,
  options: Partial<LoaderOptions> = {},
): Promise<Batch[]> {
  const loader = await BatchLoader.open({
    config,
    degradations: FIRST_DEGRADATIONS,
    batchSize: 4,
    firstStep,
    ...options,
  });
  try {
    const batches: Batch[] = [];
    for (let i = 0; i < count; i++) batches.push(await loader.next());
    return batches;
  } finally {
    await loader.close();
  }
}

describe('dataConfigSchema', () => {
  it('refuses unknown keys and impossible values', () => {
    const roots = { photos: ['photos'] };
    expect(dataConfigSchema.safeParse({ roots }).success).toBe(true);
    const wrong = [
      { pathc: 64 },
      { noise: { sigma: [50, 10] } },
      { noise: { kinds: { white: 0 } } },
      { rain: { heavey: 1 } },
      { tasks: { snow: 1 } },
      { tasks: { clean: 0, noise: 0, rain: 0, haze: 0, composite: 0 } },
      { prompts: { empty: 0.6, captionOnly: 0.3, subset: 0.3 } },
      { patch: 7.5 },
    ];
    for (const change of wrong) expect(dataConfigSchema.safeParse({ roots, ...change }).success).toBe(false);
  });
});

describe('scanDataset', () => {
  it('lists in natural order and holds back the last layers and evenly spread scenes', async () => {
    const index = await scanDataset(configure());
    expect(index.photos.map((photo) => photo.captions.length)).toEqual([2, 0, 0, 0]);
    expect(index.photos[0]?.hint).toEqual({ horizon: 0.4, far: 'top' });
    expect(index.rainLayers.heldBack.map((file) => file.replace(/.*layer-/, ''))).toEqual([
      '10.png',
      '11.png',
      '12.png',
    ]);
    expect(index.hazePairs.heldBack.map((pair) => pair.scene)).toEqual(['3', '7', '11']);
    const trained = new Set(index.hazePairs.training.map((pair) => pair.scene));
    expect(index.hazePairs.heldBack.some((pair) => trained.has(pair.scene))).toBe(false);
    expect(index.hazePairs.training[0]).toMatchObject({ airlight: 0.9, beta: 0.1 });
  });

  it.each([
    ['a missing root', { photos: ['/nowhere/photos'] }, /roots\.photos.*\/nowhere\/photos/],
    ['an empty folder', { photos: ['empty'] }, /without any/],
    ['no photos', { photos: [] }, /roots\.photos.*received none/],
    ['pairs without a folder', { photos: ['photos'], pairs: 1 }, /tasks\.pairs is above 0/],
    ['a missing caption table', { photos: ['photos'], captions: ['none.tsv'] }, /none\.tsv/],
  ])('says what is wrong with %s', async (_what, roots, message) => {
    const absolute = (path: string) => (path.startsWith('/') ? path : join(root, path));
    const config = configure({
      roots: {
        photos: roots.photos.map(absolute),
        captions: ('captions' in roots ? roots.captions : []).map(absolute),
      },
      ...('pairs' in roots && { tasks: { pairs: roots.pairs } }),
    });
    await expect(scanDataset(config)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['degraded', 'clear'],
    ['input', 'target'],
  ])('finds pairs in %s and %s', async (first, second) => {
    const folder = join(root, `pairs-${first}`);
    for (const [i, half] of [first, second].entries()) {
      await mkdir(join(folder, half), { recursive: true });
      await writePicture(join(folder, half, `7.${i === 0 ? 'png' : 'PNG'}`), texture(300 + i, 20, 20));
    }
    const roots = { photos: [join(root, 'photos')], pairs: { darkness: folder } };
    const { pairs } = await scanDataset(configure({ roots }));
    expect(pairs).toEqual([
      {
        degradation: 'darkness',
        degraded: join(folder, first, '7.png'),
        clear: join(folder, second, '7.PNG'),
        captions: [],
      },
    ]);
  });

  it('refuses to hold back everything', async () => {
    const config = configure({ holdOut: { rainLayers: 12, hazeScenes: 3 } });
    await expect(scanDataset(config)).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });
});

describe('pictures', () => {
  it('cuts, flips, turns and mirrors', () => {
    const pixels: Pixels = { width: 3, height: 2, channels: 1, data: Uint8Array.of(0, 1, 2, 3, 4, 5) };
    const upright = { x: 0, y: 0, scale: 1, width: 2, height: 2, flipX: false, flipY: false, transpose: false };
    const values = (window: object) =>
      [...cutWindow(pixels, { ...upright, ...window })].map((v) => Math.round(255 * v));
    expect(values({})).toEqual([0, 1, 3, 4]);
    expect(values({ x: 1 })).toEqual([1, 2, 4, 5]);
    expect(values({ flipX: true })).toEqual([1, 0, 4, 3]);
    expect(values({ flipY: true })).toEqual([3, 4, 0, 1]);
    expect(values({ transpose: true })).toEqual([0, 3, 1, 4]);
    expect(values({ x: -1, y: -1, width: 5, height: 4 })).toEqual([
      4, 3, 4, 5, 4, 1, 0, 1, 2, 1, 4, 3, 4, 5, 4, 1, 0, 1, 2, 1,
    ]);
  });

  it('keeps the mean when it reduces', () => {
    const pixels: Pixels = {
      width: 16,
      height: 16,
      channels: 1,
      data: new Uint8Array(256).map((_, i) => (i % 2) * 200),
    };
    const reduced = cutWindow(pixels, {
      x: 0,
      y: 0,
      scale: 2,
      width: 8,
      height: 8,
      flipX: false,
      flipY: false,
      transpose: false,
    });
    for (const value of reduced) expect(value).toBeCloseTo(100 / 255, 5);
  });

  it('gives the same picture from memory, and goes on when memory is full', async () => {
    const file = join(root, 'photos', '0.png');
    for (const megabytes of [0, 1]) {
      const store = new PictureStore(allocatePictures(2, megabytes));
      let loads = 0;
      const load = () => {
        loads++;
        return decodePixels(file, 3);
      };
      const first = await store.get(1, load);
      const second = await store.get(1, load);
      expect(second).toEqual(first);
      expect(loads).toBe(megabytes === 0 ? 2 : 1);
    }
    const raster = await readRaster(file);
    expect(raster.data[5]).toBeCloseTo(texture(0, 40, 30).data[5] as number, 2);
  });
});

describe('BatchLoader', () => {
  it('gives the same batches with any number of workers, from any first step, with and without a cache', async () => {
    const reference = await take(configure({ workers: 1 }), 0, 8);
    expect(await take(configure({ workers: 3, prefetch: 7 }), 0, 8)).toEqual(reference);
    expect(await take(configure({ workers: 2, cacheMegabytes: 0 }), 5, 3)).toEqual(reference.slice(5));
    const other = await take(configure({ seed: 2 }), 0, 1);
    expect(other[0]?.input).not.toEqual(reference[0]?.input);
  }, 30_000);

  it('gives as many patches, labels and prompts as it says, and consistent labels', async () => {
    const config = configure({ prompts: { empty: 0.3, captionOnly: 0.1, subset: 0.6 } });
    for (const batch of await take(config, 0, 12)) {
      expect(batch).toMatchObject({ patches: 1, degradations: FIRST_DEGRADATIONS });
      expect(batch.view).toBeUndefined();
      expect([batch.input.length, batch.target.length]).toEqual([4 * 3 * 16 * 16, 4 * 3 * 16 * 16]);
      for (const values of [batch.presence, batch.strength, batch.asked]) {
        expect(values.length).toBe(4 * 3);
        expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
      }
      for (const [i, prompt] of batch.prompts.entries()) {
        const asked = [...batch.asked.subarray(3 * i, 3 * i + 3)];
        if (prompt === '') expect(asked).toEqual([1, 1, 1]);
        expect(asked).not.toEqual([0, 0, 0]);
      }
    }
  });

  it('cuts a region into its patches, row by row, and shows it whole', async () => {
    const changes = { seed: 3, tasks: { composite: 1, clean: 1 } };
    const [whole] = await take(configure({ ...changes, patch: 32 }), 0, 1, { batchSize: 2, viewSide: 8 });
    const [cut] = await take(configure({ ...changes, patch: 16, grid: 2 }), 0, 1, { batchSize: 8, viewSide: 8 });
    expect(cut).toMatchObject({ patches: 4, prompts: whole?.prompts, presence: whole?.presence });
    expect(cut?.view).toEqual(whole?.view);
    const pixel = (m: number, c: number, y: number, x: number) => {
      const n = 4 * m + 2 * Math.floor(y / 16) + Math.floor(x / 16);
      return ((3 * n + c) * 16 + (y % 16)) * 16 + (x % 16);
    };
    for (const name of ['input', 'target'] as const) {
      const [one, parts] = [whole?.[name] ?? new Uint8Array(), cut?.[name] ?? new Uint8Array()];
      expect(
        one.every((value, i) => {
          const [m, c, y, x] = [Math.floor(i / 3072), Math.floor(i / 1024) % 3, Math.floor(i / 32) % 32, i % 32];
          return value === parts[pixel(m, c, y, x)];
        }),
      ).toBe(true);
    }
    // The view's first value is the mean of the first 4x4 pixels.
    let sum = 0;
    for (let y = 0; y < 4; y++) for (let x = 0; x < 4; x++) sum += whole?.input[32 * y + x] ?? 0;
    expect(whole?.view?.[0]).toBeCloseTo(sum / 16, -0.4);
  });

  it('refuses a number of samples that the patches of a picture do not divide', async () => {
    await expect(take(configure({ grid: 2 }), 0, 1, { batchSize: 6 })).rejects.toThrow(/multiple of 4/);
  });

  it('names a task that the model does not know', async () => {
    await expect(take(configure(), 0, 1, { degradations: ['noise', 'haze'] })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringMatching(/tasks\.rain: expected 0, because the model knows noise, haze/),
    });
  });

  it('compresses degraded inputs whose degradations all go, and no others', async () => {
    const prompts = { empty: 0.4, captionOnly: 0, subset: 0.6 };
    const noise = { sigma: [5, 55] };
    const plain = await take(configure({ prompts, noise }), 0, 12);
    const compressed = await take(configure({ prompts, noise, compressed: 1, quality: [40, 60] }), 0, 12);
    const counts = { compressed: 0, same: 0 };
    for (const [step, batch] of compressed.entries()) {
      expect(batch.target).toEqual(plain[step]?.target);
      for (let i = 0; i < 4; i++) {
        const of = (values: Float32Array | Uint8Array, size: number) =>
          Array.from(values.subarray(i * size, (i + 1) * size));
        const [presence, asked] = [of(batch.presence, 3), of(batch.asked, 3)];
        // What cannot be seen may have happened all the same.
        if (!presence.some(Boolean)) continue;
        const goes = presence.every((there, k) => !there || asked[k] === 1);
        const input = of(batch.input, 3 * 16 * 16);
        const before = of((plain[step] as Batch).input, 3 * 16 * 16);
        expect(input.every((value, k) => value === before[k])).toBe(!goes);
        const gain = input.reduce((sum, value, k) => sum + value - (before[k] as number), 0);
        expect(Math.abs(gain / input.length)).toBeLessThan(0.03 * 255);
        counts[goes ? 'compressed' : 'same']++;
      }
    }
    expect(Math.min(counts.compressed, counts.same)).toBeGreaterThan(5);
  });

  it('names an unreadable picture', async () => {
    const config = configure({ roots: { photos: [join(root, 'broken')] }, tasks: { haze: 0 } });
    await expect(take(config, 0, 1)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('torn.png'),
    });
  });

  it('fails a waiting caller when it is closed, and reports the time waited', async () => {
    const loader = await BatchLoader.open({ config: configure(), degradations: FIRST_DEGRADATIONS, batchSize: 4 });
    await loader.next();
    expect(loader.statistics().batches).toBe(1);
    expect(loader.statistics().waitedMilliseconds).toBeGreaterThan(0);
    // More than can be made before the loader closes.
    const waiting = Promise.allSettled(Array.from({ length: 50 }, () => loader.next()));
    await loader.close();
    expect((await waiting).at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'CANCELLED' } });
    await expect(loader.next()).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
