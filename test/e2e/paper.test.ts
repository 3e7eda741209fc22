/**
 * The paper's system in a few thousand parameters: encoders from outside in every published form, a network without encoders
 * of its own; loaded, inspected with and restored with, without a network connection.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Clearword } from '../../src/index.ts';
import type { NamingName } from '../../src/models/checkpoint-names.ts';
import { modelLayout } from '../../src/models/loaded-model.ts';
import { writeModel } from '../../src/models/model-file.ts';
import { presets } from '../../src/models/presets.ts';
import { initialValues } from '../../src/train/initialise.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { runCli } from '../support/run-cli.ts';
import { writeTinyEncoders } from '../support/tiny-encoders.ts';

const folder = await temporaryFolder();
const preset = presets['tiny-paper'];
if (!preset) throw new Error('no preset tiny-paper');
const layout = modelLayout(preset);
const values = initialValues(layout, 3);

async function write(name: string, encoders?: { source: string; sha256?: string }): Promise<string> {
  const path = join(folder, name, 'model.safetensors');
  await mkdir(join(folder, name), { recursive: true });
  const text = { name, preset: preset as NonNullable<typeof preset>, licence: 'MIT', training: {}, quality: {} };
  await writeModel(path, layout, values, { ...text, ...(encoders && { encoders }) }, 'float32');
  return path;
}

const picture = (seed: number) => ({
  width: 50,
  height: 40,
  channels: 3 as const,
  data: Uint8Array.from({ length: 50 * 40 * 3 }, (_, i) => 128 + 100 * Math.sin(0.7 * i + seed)),
});

const pngOf = ({ data, width, height, channels }: ReturnType<typeof picture>) =>
  sharp(data, { raw: { width, height, channels } }).png().toBuffer();

const opened: Clearword[] = [];
const load = async (options: Parameters<typeof Clearword.load>[0]) => {
  const clearword = await Clearword.load(options);
  opened.push(clearword);
  return clearword;
};
afterAll(() => Promise.all(opened.map((clearword) => clearword.dispose())));

describe('a model whose encoders come from outside', () => {
  it('has a layout of its network alone', () => {
    expect(layout.entries.some(({ name }) => name.startsWith('init_conv'))).toBe(true);
    expect(layout.entries.some(({ name }) => name.startsWith('text.') || name.startsWith('controller.'))).toBe(false);
  });

  it('takes them from every naming, and gives the same bytes', async () => {
    const model = await write('plain');
    const results: Buffer[] = [];
    for (const naming of ['daclip', 'daclip-openclip'] satisfies NamingName[]) {
      const encoders = join(folder, `${naming}.safetensors`);
      await writeTinyEncoders(encoders, naming);
      const clearword = await load({ model, encoders });
      const restored = await clearword.restore(picture(1), { prompt: 'remove the rain', seed: 5 });
      results.push(await restored.toBuffer({ format: 'png' }));
    }
    expect(results[0]?.length).toBeGreaterThan(100);
    expect(results[1]?.equals(results[0] as Buffer)).toBe(true);
  });

  it('takes them from where its card says, relative to the model', async () => {
    await writeTinyEncoders(join(folder, 'beside.safetensors'), 'daclip');
    const clearword = await load({ model: await write('named', { source: '../beside.safetensors' }) });
    const { degradations, embedding } = await clearword.inspect(picture(2));
    expect(embedding).toHaveLength(16);
    const total = Object.values(degradations).reduce((sum, { probability }) => sum + probability, 0);
    // What remains is for clean pictures and for degradations without a name here.
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThan(1);
    for (const { probability, strength } of Object.values(degradations)) expect(strength).toBe(probability);
  });

  it('reads prompt and picture: both change the result', async () => {
    const clearword = await load({ model: await write('again', { source: '../beside.safetensors' }) });
    const restore = async (seed: number, prompt: string) =>
      (await clearword.restore(picture(seed), { prompt, seed: 1, steps: 2 })).toBuffer({ format: 'png' });
    const first = await restore(1, 'remove the rain');
    expect((await restore(1, 'remove the rain')).equals(first)).toBe(true);
    expect((await restore(1, 'remove the haze and noise')).equals(first)).toBe(false);
    const few = (await clearword.restore(picture(1), { sampler: 'mars-ode-2', steps: 3 })).provenance;
    expect(few).toMatchObject({ sampler: 'mars-ode-2', steps: 3 });
  });

  it('comes from the hub by its name, with card and encoders beside it', async () => {
    const place = join(folder, 'hosted');
    await mkdir(place, { recursive: true });
    await writeTinyEncoders(join(place, 'encoders.safetensors'), 'daclip');
    await write('hosted', { source: 'encoders.safetensors' });
    const asked: string[] = [];
    const hub = createServer(async (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const [, file = ''] = /^\/owner\/name\/resolve\/v1\/weights\/([\w.-]+)$/.exec(request.url ?? '') ?? [];
      const bytes = await readFile(join(place, file)).catch(() => undefined);
      if (!bytes) return response.writeHead(404).end();
      const etag = createHash('sha256').update(bytes).digest('hex');
      response.writeHead(200, { etag: `"${etag}"`, 'content-length': String(bytes.length) });
      return request.method === 'HEAD' ? response.end() : response.end(bytes);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => hub.once('listening', resolve));
    vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(hub.address() as AddressInfo).port}`);
    vi.stubEnv('CLEARWORD_CACHE', join(folder, 'cache'));
    try {
      const model = 'hub:owner/name/weights/model.safetensors@v1';
      const { degradations } = await (await load({ model })).inspect(picture(2));
      const local = await (await load({ model: join(place, 'model.safetensors') })).inspect(picture(2));
      expect(degradations).toEqual(local.degradations);
      const wanted = ['model.safetensors', 'model.json', 'encoders.safetensors'];
      expect(asked.filter((line) => line.startsWith('GET')).map((line) => line.split('/').at(-1))).toEqual(wanted);
      // A second time nothing is downloaded; offline nothing is asked.
      await load({ model });
      expect(asked.filter((line) => line.startsWith('GET'))).toHaveLength(3);
      vi.stubEnv('CLEARWORD_OFFLINE', '1');
      const before = asked.length;
      await load({ model });
      expect(asked).toHaveLength(before);
      // The same by every command that reads pictures.
      await writeFile(join(folder, 'p.png'), await pngOf(picture(3)));
      const inspected = await runCli(['inspect', join(folder, 'p.png'), '--model', model, '--json']);
      expect(inspected.stderr).toBe('');
      const args = ['--model', model, '--encoders', join(place, 'encoders.safetensors'), '--steps', '1'];
      const restored = await runCli(['restore', join(folder, 'p.png'), '-o', join(folder, 'q.png'), ...args]);
      expect([inspected.code, restored.code]).toEqual([0, 0]);
    } finally {
      vi.unstubAllEnvs();
      hub.closeAllConnections();
      hub.close();
    }
  });

  it('says what is missing, and refuses others than those it was trained with', async () => {
    await expect(load({ model: await write('none') })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('expected weights of its encoders'),
    });
    const other = await write('other', { source: '../beside.safetensors', sha256: 'not this one' });
    await expect(load({ model: other })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('expected encoders with the hash not this one'),
    });
  });
});
