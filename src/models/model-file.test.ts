import { createHash } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { initialValues } from '../train/initialise.ts';
import { cardPath, parameterValues } from './card.ts';
import { modelLayout } from './loaded-model.ts';
import { readModel, writeModel } from './model-file.ts';
import type { Preset } from './preset-schema.ts';
import { presets } from './presets.ts';
import { storeFloat32, writeSafetensors } from './safetensors.ts';

const folder = await temporaryFolder();
const preset = presets.tiny as Preset;
const layout = modelLayout(preset);
const flat = initialValues(layout, 1);
const text = { name: 'tiny', preset, licence: 'none', training: {}, quality: {} };
const good = join(folder, 'good.safetensors');
let count = 0;

beforeAll(async () => {
  await writeModel(good, layout, flat, text, 'float32');
});

/** The good model with other weights and another card; the card's hash is that of the weights unless it says otherwise. */
async function model(weights: Uint8Array, card: object | string = {}): Promise<string> {
  const path = join(folder, `model-${count++}.safetensors`);
  await writeFile(path, weights);
  const sha256 = createHash('sha256').update(weights).digest('hex');
  const changed = { ...JSON.parse(await readFile(cardPath(good), 'utf8')), sha256, ...(card as object) };
  await writeFile(cardPath(path), typeof card === 'string' ? card : JSON.stringify(changed));
  return path;
}

async function weightsOf(path: string) {
  const { card, weights } = await readModel(path);
  return parameterValues(modelLayout(card.preset), weights, `model ${path}`);
}

describe('a model', () => {
  it('comes back as it was written: every value, and the card', async () => {
    const values = await weightsOf(good);
    for (const { name, offset, size } of layout.entries) {
      // Not toEqual on the arrays, which takes seconds.
      const [read, written] = [values.get(name), flat.subarray(offset, offset + size)];
      expect(read?.length === size && read.every((value, i) => value === written[i]), name).toBe(true);
    }
    expect((await readModel(good)).card).toMatchObject({ ...text, parameters: layout.size });
  });

  it('tells what to do with a checkpoint of PyTorch, and with weights that have no card', async () => {
    const pth = fileURLToPath(new URL('../../test/fixtures/pytorch/small.pt', import.meta.url));
    await expect(readModel(pth)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('expected a .safetensors file, received one of PyTorch'),
      fix: expect.stringContaining('clearword import'),
    });
    const cardless = join(folder, 'cardless.safetensors');
    await copyFile(good, cardless);
    await expect(readModel(cardless)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      fix: expect.stringContaining('clearword import'),
    });
  });

  it('in half precision keeps 11 significant bits', async () => {
    const path = join(folder, 'half.safetensors');
    await writeModel(path, layout, flat, text, 'float16');
    const values = await weightsOf(path);
    for (const { name, offset, size } of layout.entries) {
      const read = values.get(name) ?? new Float32Array();
      expect(read).toHaveLength(size);
      const excess = read.map((value, i) => {
        const exact = flat[offset + i] as number;
        return Math.abs(value - exact) - Math.max(2 ** -11 * Math.abs(exact), 2 ** -25);
      });
      expect(
        excess.every((value) => value <= 0),
        name,
      ).toBe(true);
    }
  });
});

describe('what is no model is refused, and named', () => {
  const refusal = async (path: string) => weightsOf(path).catch((error: unknown) => error);

  it('missing files', async () => {
    const missing = join(folder, 'missing.safetensors');
    expect(await refusal(missing)).toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining(missing),
    });
    const alone = join(folder, 'alone.safetensors');
    await writeFile(alone, await readFile(good));
    expect(await refusal(alone)).toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('alone.json'),
    });
  });

  it('other files, and weights that were cut short', async () => {
    const bytes = await readFile(good);
    for (const weights of [Buffer.from('hello'), Buffer.alloc(0), bytes.subarray(0, bytes.length / 2)]) {
      expect(await refusal(await model(weights))).toMatchObject({ code: 'MODEL_INVALID' });
    }
  });

  it('weights that are not those of the card', async () => {
    const bytes = await readFile(good);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    expect(await refusal(await model(bytes, { sha256: '0'.repeat(64) }))).toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/expected SHA-256 0{64} as its card says, received [0-9a-f]{64}/),
    });
  });

  it('a card that is no JSON, lacks something or has something unknown', async () => {
    const bytes = await readFile(good);
    for (const [card, message] of [
      ['{', /expected JSON/],
      [{ preset: undefined }, /preset: /],
      [{ colour: 'red' }, /colour/],
    ] as const) {
      expect(await refusal(await model(bytes, card))).toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringMatching(message),
      });
    }
  });

  it('weights of another network', async () => {
    const tensors = new Map([['conv.weight', storeFloat32(new Float32Array(4), [2, 2])]]);
    const other = writeSafetensors({ tensors, metadata: {} });
    const first = layout.entries[0]?.name ?? '';
    expect(await refusal(await model(Buffer.concat(other)))).toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(new RegExp(`missing ${first}.*unexpected conv.weight`)),
    });
  });

  it('a value that is not finite, by the name of its tensor', async () => {
    const broken = flat.slice();
    const entry = layout.entries.at(-1);
    broken[broken.length - 1] = Number.NaN;
    const path = join(folder, 'broken.safetensors');
    await writeModel(path, layout, broken, text, 'float32');
    expect(await refusal(path)).toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(`${entry?.name}, received NaN at element ${(entry?.size ?? 0) - 1}`),
    });
  });

  it('a checkpoint, with how to make a model of it', async () => {
    const metadata = { format: 'clearword-checkpoint-1' };
    const tensors = new Map([['average', storeFloat32(flat, [flat.length])]]);
    expect(await refusal(await model(Buffer.concat(writeSafetensors({ tensors, metadata }))))).toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('received a checkpoint'),
      fix: expect.stringContaining('clearword export'),
    });
  });
});
