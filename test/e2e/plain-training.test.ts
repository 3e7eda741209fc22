/**
 * Plain networks of one's own: trained, exported as ONNX files, and back through the door of foreign networks with the pixels
 * that plain loops make of their parameters.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { unflatten } from '../../src/graph/parameters.ts';
import { reflect } from '../../src/image/raster.ts';
import { Clearword } from '../../src/index.ts';
import { readOnnxModel } from '../../src/models/plain/load-onnx.ts';
import { readCheckpoint } from '../../src/train/checkpoint.ts';
import { parseTrainConfig } from '../../src/train/config.ts';
import { graphOptions } from '../../src/train/start.ts';
import { train } from '../../src/train/trainer.ts';
import { trainingLayout } from '../../src/train/training-graph.ts';
import { largestDifference, patternPicture, temporaryFolder } from '../support/pictures.ts';
import { runCli } from '../support/run-cli.ts';

const root = await temporaryFolder();
const photos = join(root, 'photos');

/** Rounding to 16 bits, and float32 through ten convolutions and more, in steps of 1/65535. */
const ROUNDING = 0.75;
/** What training has to have changed, to be worth comparing: two steps of 8 bits. */
const VISIBLE = 514;

beforeAll(async () => {
  await mkdir(photos);
  for (const width of [64, 72]) {
    const { data, height } = patternPicture(width, 64);
    const raw = { width, height, channels: 3 } as const;
    await sharp(data, { raw })
      .png()
      .toFile(join(photos, `${width}.png`));
  }
});

/** What each network is there for. */
const TASKS: Readonly<Record<string, string>> = { ffdnet: 'noise', prenet: 'rain' };

const configure = (preset: string, changes: object = {}, data: object = {}) =>
  parseTrainConfig(
    {
      preset,
      batch: 4,
      steps: 80,
      threads: 1,
      optimiser: { learningRate: 1e-3, clipNorm: 1, warmup: 5 },
      average: { decay: 0, every: 1 },
      validation: { photos: [photos], samples: 8, every: 80 },
      data: {
        roots: { photos: [photos] },
        patch: 32,
        cacheMegabytes: 4,
        tasks: {
          haze: 0,
          compression: 0,
          darkness: 0,
          composite: 0,
          clean: 0,
          noise: 0,
          rain: 0,
          [TASKS[preset] ?? 'noise']: 1,
        },
        prompts: { empty: 1, captionOnly: 0, subset: 0 },
        ...data,
      },
      ...changes,
    },
    'test',
  );

type Parameters = ReadonlyMap<string, Float32Array>;

/** Planes of one size, channel after channel. */
interface Planes {
  readonly width: number;
  readonly height: number;
  readonly data: Float64Array;
}

const channelsOf = ({ width, height, data }: Planes): number => data.length / (width * height);
const joined = (...parts: readonly Planes[]): Planes => {
  const [{ width, height }] = parts as [Planes];
  return { width, height, data: Float64Array.from(parts.flatMap(({ data }) => [...data])) };
};
const mapped = (a: Planes, of: (value: number, i: number) => number): Planes => ({ ...a, data: a.data.map(of) });
const summed = (a: Planes, b: Planes): Planes => mapped(a, (value, i) => value + (b.data[i] as number));
const centred = (a: Planes): Planes => mapped(a, (value) => 4 * (value - 0.5));
const relu = (a: Planes): Planes => mapped(a, (value) => Math.max(0, value));
const part = (a: Planes, of: number, channels: number): Planes => {
  const size = channels * a.width * a.height;
  return { ...a, data: a.data.slice(of * size, (of + 1) * size) };
};

/** A convolution as its definition says, with zeros around the picture. */
function convolved(x: Planes, values: Parameters, name: string, kernel = 3, stride = 1): Planes {
  const weight = values.get(`${name}.weight`) as Float32Array;
  const bias = values.get(`${name}.bias`);
  const [inside, pad] = [channelsOf(x), (kernel - 1) >> 1];
  const outside = weight.length / (inside * kernel * kernel);
  const [width, height] = [x.width / stride, x.height / stride];
  const data = new Float64Array(outside * width * height);
  for (let o = 0; o < outside; o++)
    for (let y = 0; y < height; y++)
      for (let column = 0; column < width; column++) {
        let sum = bias?.[o] ?? 0;
        for (let c = 0; c < inside; c++)
          for (let k = 0; k < kernel * kernel; k++) {
            const [fromX, fromY] = [column * stride + (k % kernel) - pad, y * stride + Math.floor(k / kernel) - pad];
            if (fromX < 0 || fromY < 0 || fromX >= x.width || fromY >= x.height) continue;
            const value = x.data[(c * x.height + fromY) * x.width + fromX] as number;
            sum += value * (weight[(o * inside + c) * kernel * kernel + k] as number);
          }
        data[(o * height + y) * width + column] = sum;
      }
  return { width, height, data };
}

const networks = {
  /** mu - unfold(conv(... x + ReLU(conv x) ...)), x = ReLU(conv [mu, noise]). */
  ffdnet(mu: Planes, values: Parameters): Planes {
    const noise = { ...mu, data: new Float64Array(mu.width * mu.height).fill((4 * 25) / 255) };
    let x = relu(convolved(joined(centred(mu), noise), values, 'stem', 6, 2));
    for (let i = 1; values.has(`body.${i}.weight`); i++) x = summed(x, relu(convolved(x, values, `body.${i}`)));
    const folded = convolved(x, values, 'head');
    const { width, height } = mu;
    return mapped(mu, (value, i) => {
      const [column, y, c] = [i % width, Math.floor(i / width) % height, Math.floor(i / (width * height))];
      const place = (y >> 1) * folded.width + (column >> 1);
      const channel = 4 * c + 2 * (y & 1) + (column & 1);
      return value - (folded.data[channel * folded.width * folded.height + place] as number);
    });
  },
  /** Four stages with one set of weights, and the memory between them. */
  prenet(mu: Planes, values: Parameters): Planes {
    const width = (values.get('stem.bias') as Float32Array).length;
    const sigma = (value: number) => 1 / (1 + Math.exp(-value));
    let x = mu;
    let h: Planes = { ...mu, data: new Float64Array(width * mu.width * mu.height) };
    let c = h;
    for (let stage = 0; stage < 4; stage++) {
      const u = relu(convolved(joined(centred(mu), centred(x)), values, 'stem'));
      const gates = convolved(joined(u, h), values, 'memory');
      const [take, show, keep, seen] = [0, 1, 2, 3].map((of) => part(gates, of, width).data) as [
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      c = mapped(
        c,
        (value, i) => sigma(keep[i] as number) * value + sigma(take[i] as number) * Math.tanh(seen[i] as number),
      );
      h = mapped(c, (value, i) => sigma(show[i] as number) * Math.tanh(value));
      let v = h;
      for (let i = 0; values.has(`block.${i}.0.weight`); i++) {
        v = summed(v, convolved(relu(convolved(v, values, `block.${i}.0`)), values, `block.${i}.1`));
      }
      x = summed(mu, convolved(v, values, 'head'));
    }
    return x;
  },
} as const;

/** The picture's 16-bit values as planes, with sides that are multiples of `multiple`. */
function planesOf(picture: ArrayLike<number>, width: number, height: number, multiple: number): Planes {
  const [wide, tall] = [width, height].map((side) => multiple * Math.ceil(side / multiple)) as [number, number];
  const data = Float64Array.from({ length: 3 * wide * tall }, (_, i) => {
    const [column, y] = [reflect(i % wide, width), reflect(Math.floor(i / wide) % tall, height)];
    return (picture[3 * (y * width + column) + Math.floor(i / (wide * tall))] as number) / 65535;
  });
  return { width: wide, height: tall, data };
}

describe.each([
  { name: 'ffdnet', multiple: 2, parameters: 136_848, reach: 17, noise: 'noise level 25 unless told, ' },
  { name: 'prenet', multiple: 1, parameters: 29_088, reach: 28, noise: '' },
] as const)('$name', ({ name, multiple, parameters, reach, noise }) => {
  const folder = join(root, name);
  const file = join(root, `${name}.onnx`);
  let values: Parameters;

  beforeAll(async () => {
    const config = configure(name);
    const { checkpoint } = await train(config, folder, false);
    const { vectors } = await readCheckpoint(checkpoint);
    values = unflatten(trainingLayout(graphOptions(config)), vectors.average);
    const exported = await runCli(['export', checkpoint, '--onnx', '-o', file, '--name', `my ${name}`]);
    expect(exported.stderr).toBe('');
    expect(exported.stdout).toMatch(new RegExp(`my ${name}, ${parameters} parameters, SHA-256 [0-9a-f]{64}\n$`));
  });

  it('learns', async () => {
    const log = (await readFile(join(folder, 'log.jsonl'), 'utf8')).trim().split('\n');
    const { rows = [] } = JSON.parse(log.at(-1) ?? '{}') as {
      rows?: { name: string; input: number; output: number }[];
    };
    const all = rows.find(({ name: combination }) => combination === 'all');
    // Decibels on pictures that were not trained with, of the averaged parameters that are exported.
    expect((all?.output ?? 0) - (all?.input ?? 0)).toBeGreaterThan(0.3);
  });

  it('is understood without a descriptor beside it', async () => {
    const { reading, descriptor } = await readOnnxModel(file);
    expect(reading.guessed).toEqual([]);
    expect(descriptor.source).toBe(`trained with Clearword, preset ${name}, 80 steps`);
    expect(reading).toMatchObject({ name: `my ${name}`, tiling: { multiple, halo: reach } });
  });

  it('restores with the pixels of plain loops, whole and in tiles', async () => {
    const [width, height] = name === 'ffdnet' ? [91, 41] : [37, 23];
    const { data } = patternPicture(width, height, { bits: 16 });
    const restored = networks[name](planesOf(data, width, height, multiple), values);
    const clearword = await Clearword.load({ model: file, threads: 1 });
    try {
      expect(clearword.model).toMatchObject({ name: `my ${name}`, reading: expect.stringContaining(noise) });
      for (const tile of name === 'ffdnet' ? [undefined, 72] : [undefined]) {
        const result = await clearword.restore({ data, width, height, channels: 3 }, { tile });
        const pixels = result.pixels().data;
        const plane = restored.width * restored.height;
        let [difference, change] = [0, 0];
        for (let i = 0; i < 3 * width * height; i++) {
          const place = Math.floor(i / 3 / width) * restored.width + (Math.floor(i / 3) % width);
          const expected = restored.data[(i % 3) * plane + place] as number;
          const clipped = 65535 * Math.min(1, Math.max(0, expected));
          difference = Math.max(difference, Math.abs(clipped - (pixels[i] as number)));
          change = Math.max(change, Math.abs(clipped - (data[i] as number)));
        }
        expect(difference).toBeLessThan(ROUNDING);
        expect(change).toBeGreaterThan(VISIBLE);
      }
      // A plain loop would take its time over a picture of several tiles with room for a recurrent network's halo.
      const wide = { ...patternPicture(5 * reach, 24, { bits: 16 }), channels: 3 } as const;
      const [whole, tiled] = [await clearword.restore(wide), await clearword.restore(wide, { tile: 4 * reach })];
      expect(tiled.provenance.tile).not.toBe(whole.provenance.tile);
      expect(largestDifference(whole.pixels().data, tiled.pixels().data)).toBeLessThanOrEqual(1);
      await expect(clearword.restore(wide, { tile: 64 })).rejects.toThrow(
        `because the network looks ${reach} pixels far`,
      );
    } finally {
      await clearword.dispose();
    }
  });
});

describe('training and export of plain networks refuse', () => {
  it.each([
    ['another loss', { loss: 'matching' }, {}, /loss: expected one that compares pictures/],
    ['no loss', { loss: 'none', only: ['stem'] }, {}, /loss: expected one that compares pictures/],
    ['words', {}, { prompts: { empty: 0.5, captionOnly: 0, subset: 0.5 } }, /data\.prompts\.subset: expected 0/],
    ['odd patches', {}, { patch: 33 }, /data\.patch: expected a multiple of 2/],
    ['changes meant for others', { network: { width: 8 } }, {}, /expected no changes .*, received width/],
  ])('%s', (_, changes, data, message) => {
    expect(() => graphOptions(configure('ffdnet', changes, data))).toThrow(message);
  });

  it('another engine', async () => {
    const run = train(configure('prenet', { engine: 'pytorch' }), join(root, 'pytorch'), false);
    await expect(run).rejects.toThrow(/engine: expected built-in for the plain network prenet/);
  });

  it('forms that do not fit the network', async () => {
    const { checkpoint } = await train(configure('prenet', { steps: 1 }), join(root, 'one'), false);
    const plain = await runCli(['export', checkpoint, '-o', join(root, 'x.safetensors')]);
    expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining('expected --onnx') });
    const named = await runCli(['export', checkpoint, '--onnx', '-o', join(root, 'x.safetensors')]);
    expect(named).toMatchObject({ code: 2, stderr: expect.stringContaining('ends in .onnx') });
    const tiny = await train(configure('tiny', { steps: 1 }), join(root, 'tiny'), false);
    const diffusion = await runCli(['export', tiny.checkpoint, '--onnx', '-o', join(root, 'x.onnx')]);
    expect(diffusion).toMatchObject({ code: 2, stderr: expect.stringContaining('ffdnet or prenet') });
  });
});
