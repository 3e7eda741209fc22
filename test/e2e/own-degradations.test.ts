/** Models that list degradations of their own, some without any words here: restored, inspected and asked over HTTP by name. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wordsFor } from '../../src/degradations/index.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import { readImage } from '../../src/image/image-file.ts';
import { Clearword } from '../../src/index.ts';
import { largestDifference, patternPicture, temporaryFolder } from '../support/pictures.ts';
import { expectProblem, type Fields, formOf, type TestServer, testServer } from '../support/server.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const folder = await temporaryFolder();
const picture = patternPicture(60, 40);
const png = await encodeImage(picture, { format: 'png' });

describe.each([[['noise']], [['noise', 'fog-of-war']]])('a model of %j', (names: readonly string[]) => {
  const path = join(folder, `${names.join('-')}.safetensors`);
  const sure = join(folder, `${names.join('-')}-sure.safetensors`);
  const last = names.at(-1) ?? '';
  const request = `remove the ${wordsFor(last).label}`;
  let clearword: Clearword;
  let server: TestServer;
  beforeAll(async () => {
    await writeTinyModel(path, { degradations: names, finds: [] });
    await writeTinyModel(sure, { degradations: names, finds: names });
    clearword = await Clearword.load({ model: path, device: 'cpu', threads: 1 });
    const store = join(folder, `store-${names.join('-')}`);
    server = await testServer(store, { syncMegapixels: 1 }, afterAll, { model: path });
  });
  afterAll(() => clearword.dispose());

  const post = (fields: Fields, at: string) => fetch(server.url + at, { method: 'POST', body: formOf(fields) });
  const changeOf = async (file: Uint8Array) => largestDifference((await readImage(file)).picture.data, picture.data);

  it('finds them by its own names, in its own order', async () => {
    const { degradations } = await clearword.inspect(png);
    expect(Object.keys(degradations)).toEqual(names);
    for (const { probability, strength, verdict } of Object.values(degradations)) {
      expect(probability).toBeGreaterThan(0);
      expect(probability).toBeLessThan(1);
      expect(strength).toBeGreaterThan(0);
      expect(strength).toBeLessThan(1);
      expect(verdict).toBe('absent');
    }
  });

  it('restores what is asked for by its label, and leaves alone what it does not find', async () => {
    const asked = await clearword.restore(png, { prompt: request });
    expect(await changeOf(await asked.toBuffer())).toBeGreaterThan(0);
    for (const prompt of ['', 'clean it up', 'a harbour']) {
      expect(await changeOf(await (await clearword.restore(png, { prompt })).toBuffer())).toBe(0);
    }
    const model = await Clearword.load({ model: sure, device: 'cpu', threads: 1 });
    expect(await changeOf(await (await model.restore(png)).toBuffer())).toBeGreaterThan(0);
    await model.dispose();
  });

  it('takes strengths by its own names only', async () => {
    const { full } = wordsFor(last).strength;
    const [weak, strong] = await Promise.all(
      [0, full].map(async (value) => {
        const result = await clearword.restore(png, { prompt: request, strength: { [last]: value } });
        return (await readImage(await result.toBuffer())).picture.data;
      }),
    );
    expect(largestDifference(weak ?? [], strong ?? [])).toBeGreaterThan(0);
    expect(() => clearword.settings({ strength: 'rain=3' })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(names.join(', ')) }),
    );
  });

  it('answers over HTTP', async () => {
    const inspection = await post({ image: png }, '/v1/inspections');
    const { degradations } = (await inspection.json()) as { degradations: Record<string, unknown> };
    expect(Object.keys(degradations)).toEqual(names);
    expect(degradations).toEqual(JSON.parse(JSON.stringify((await clearword.inspect(png)).degradations)));

    const restored = await post({ image: png, prompt: request }, '/v1/restorations');
    expect(restored.status).toBe(200);
    expect(await changeOf(new Uint8Array(await restored.arrayBuffer()))).toBeGreaterThan(0);
    const job = await fetch(server.url + (restored.headers.get('location') ?? ''));
    expect(Object.keys(((await job.json()) as { degradations: object }).degradations)).toEqual(names);

    const untouched = await post({ image: png }, '/v1/restorations');
    expect(await changeOf(new Uint8Array(await untouched.arrayBuffer()))).toBe(0);
    await expectProblem(await post({ image: png, strength: 'rain=3' }, '/v1/restorations'), {
      code: 'INVALID_OPTION',
      detail: new RegExp(names.join(', ')),
    });
  });
});
