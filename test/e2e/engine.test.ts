import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import { readImage } from '../../src/image/image-file.ts';
import { Clearword, type RawPixels } from '../../src/index.ts';
import { modelLayout } from '../../src/models/loaded-model.ts';
import { writeModel } from '../../src/models/model-file.ts';
import type { Preset } from '../../src/models/preset-schema.ts';
import { presets } from '../../src/models/presets.ts';
import { Random } from '../../src/random/random.ts';
import { initialValues } from '../../src/train/initialise.ts';
import { largestDifference, meanDifference, patternPicture, temporaryFolder } from '../support/pictures.ts';

/** The whole way with the real engine and a network of a few thousand untrained weights. */
const folder = await temporaryFolder();
const model = join(folder, 'tiny.safetensors');
const photo = join(folder, 'photo.png');
const picture = patternPicture(150, 100, { bits: 16 });

beforeAll(async () => {
  const preset = presets.tiny as Preset;
  const layout = modelLayout(preset);
  const text = { name: 'tiny', preset, licence: 'none', training: {}, quality: {} };
  // Fresh weights make no difference to a picture: the last layer starts with zeros. Noise on all of them does.
  const random = new Random(5);
  const values = initialValues(layout, 1).map((value) => value + 0.02 * random.normal());
  await writeModel(model, layout, values, text, 'float32');
  await writeFile(photo, await encodeImage(picture, { format: 'png' }));
});

async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof output) => ({
    write: (text: string | Uint8Array) => {
      output[name] += text;
    },
  });
  const code = await runCommandLine(argv, {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    readStdin: async () => new Uint8Array(),
    signal: new AbortController().signal,
    loadModel: (options) => Clearword.load(options),
  });
  return { code, ...output };
}

describe('the real engine', () => {
  it('restores a file from the command line, twice to the same bytes', async () => {
    const outputs = [join(folder, 'a.png'), join(folder, 'b.png')];
    for (const output of outputs) {
      const { code, stderr } = await run(
        'restore',
        photo,
        '-o',
        output,
        '--model',
        model,
        '--steps',
        '2',
        '--seed',
        '3',
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
    const [a, b] = await Promise.all(outputs.map((output) => readFile(output)));
    expect(a?.equals(b as Buffer)).toBe(true);
    const restored = await readImage(outputs[0] as string);
    expect(restored.picture).toMatchObject({ width: 150, height: 100, channels: 3 });
    expect(restored.source.bits).toBe(16);
  });

  it('inspects, and the doctor is content', async () => {
    const { code, stdout } = await run('inspect', photo, '--model', model, '--json');
    expect(code).toBe(0);
    const { degradations } = JSON.parse(stdout) as {
      degradations: Record<string, { probability: number; strength: number }>;
    };
    for (const name of ['noise', 'rain', 'haze']) {
      expect(degradations[name]?.probability).toBeGreaterThanOrEqual(0);
      expect(degradations[name]?.probability).toBeLessThanOrEqual(1);
    }
    expect((await run('doctor', '--model', model)).code).toBe(0);
  });

  it('a missing model and a foreign file are named', async () => {
    const missing = await run(
      'restore',
      photo,
      '-o',
      join(folder, 'x.png'),
      '--model',
      join(folder, 'none.safetensors'),
    );
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('error MODEL_NOT_FOUND');
    const foreign = await run('restore', photo, '-o', join(folder, 'x.png'), '--model', photo);
    expect(foreign.code).toBe(1);
    expect(foreign.stderr).toContain('error MODEL_INVALID');
  });
});

describe('the bundled model, tiled against whole', () => {
  // Convolutions see across the edge of a tile, so that tiles cannot equal the whole. The bounds, in levels of 255, are those of
  // docs/files.md.
  const [MOST, MEAN] = [2, 0.1];
  const [width, height] = [448, 224];
  // In words, so that it does not matter what a model finds.
  const prompt = 'remove the noise, the rain and the haze';
  const differences = (a: RawPixels['data'], b: RawPixels['data']) => ({
    most: largestDifference(a, b) / 257,
    mean: meanDifference(a, b) / 257,
  });
  let clearword: Clearword;
  let photo: RawPixels;
  beforeAll(async () => {
    clearword = await Clearword.load();
    const { picture: whole } = await readImage(fileURLToPath(new URL('../../examples/photo.jpg', import.meta.url)));
    const data = new Uint16Array(width * height * 3);
    for (let i = 0; i < data.length; i++) {
      const [x, y] = [30 * 3 + (i % (width * 3)), 60 + Math.floor(i / (width * 3))];
      data[i] = 257 * (whole.data[y * whole.width * 3 + x] as number);
    }
    photo = { data, width, height, channels: 3 };
  });
  afterAll(() => clearword.dispose());

  const haze = (raw: RawPixels): RawPixels => ({
    ...raw,
    data: Uint16Array.from(raw.data, (value) => Math.round(0.5 * value + 110 * 257)),
  });
  for (const [name, spoil] of [
    ['a noisy, rainy photo', (raw: RawPixels) => raw],
    ['the same in haze', haze],
  ] as const) {
    it(`${name}: within ${MOST} levels, ${MEAN} on average`, async () => {
      const raw = spoil(photo);
      const whole = (await clearword.restore(raw, { prompt, tile: 448 })).pixels();
      const tiled = await clearword.restore(raw, { prompt, tile: 160 });
      expect(tiled.provenance.tile).toBe('272x224');
      const { most, mean } = differences(tiled.pixels().data, whole.data);
      expect(most).toBeLessThan(MOST);
      expect(mean).toBeLessThan(MEAN);
      // The bound says something: the network changes far more, and so do seams.
      expect(differences(whole.data, raw.data).mean).toBeGreaterThan(4 * mean);
      const seams = await clearword.restore(raw, { prompt, tile: 160, overlap: 0 });
      expect(differences(seams.pixels().data, whole.data).most).toBeGreaterThan(2 * most);
    });
  }
});
