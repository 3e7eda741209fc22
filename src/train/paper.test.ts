/**
 * The paper's system in a few thousand parameters, from pairs of files to a restored picture: encoders in every accepted file
 * format, training with kept embeddings, export, restoration; without a network connection.
 */
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { patternPicture, temporaryFolder } from '../../test/support/pictures.ts';
import { pytorchCheckpoint } from '../../test/support/pytorch-file.ts';
import { runCli } from '../../test/support/run-cli.ts';
import { TINY_ENCODERS, TINY_VALUES, writeTinyEncoders } from '../../test/support/tiny-encoders.ts';
import { Clearword } from '../clearword.ts';
import { BatchLoader } from '../data/loader.ts';
import { FIRST_DEGRADATIONS } from '../degradations/index.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { flatten } from '../graph/parameters.ts';
import type { DownloadProgress } from '../hub/download.ts';
import { clipTextTower } from '../models/clip.ts';
import { daclipController } from '../models/daclip.ts';
import { loadEncoders } from '../models/load-encoders.ts';
import { readModel } from '../models/model-file.ts';
import { predictionGraph } from '../models/networks.ts';
import type { Preset } from '../models/preset-schema.ts';
import { presets } from '../models/presets.ts';
import { storeFloat32, writeSafetensors } from '../models/safetensors.ts';
import { readWeights } from '../models/weights-file.ts';
import { Engine } from '../runtime/engine.ts';
import { newestCheckpoint, readCheckpoint } from './checkpoint.ts';
import { parseTrainConfig, type TrainConfig } from './config.ts';
import { exportCheckpoint } from './export.ts';
import { graphOptions } from './start.ts';
import { train } from './trainer.ts';
import { trainingGraph } from './training-graph.ts';

const root = await temporaryFolder();
const weights = join(root, 'daclip.safetensors');
const cache = join(root, 'cache');
const published = fileURLToPath(new URL('../../test/fixtures/clip/daclip.pt', import.meta.url));

beforeAll(async () => {
  await writeTinyEncoders(weights, 'daclip');
  for (const kind of ['rain', 'noise']) {
    for (const side of ['clear', 'degraded']) await mkdir(join(root, kind, side), { recursive: true });
    for (const width of [40, 52]) {
      const { data, height } = patternPicture(width, 44);
      const raw = { width, height, channels: 3 } as const;
      const degraded = data.map((value, i) => (i % 7 === 0 ? 255 : value));
      await sharp(data, { raw })
        .png()
        .toFile(join(root, kind, 'clear', `${width}.png`));
      await sharp(degraded, { raw })
        .png()
        .toFile(join(root, kind, 'degraded', `${width}.png`));
    }
  }
  const rows = ['file\tcaption', 'rain/degraded/40.png\ta red house', 'noise/clear/52.png\ta lake'];
  await writeFile(join(root, 'captions.tsv'), `${rows.join('\n')}\n`);
});

const none = { clean: 0, noise: 0, rain: 0, haze: 0, composite: 0 };

function configure(changes: object = {}, tasks: object = { pairs: 1 }): TrainConfig {
  const pairs = { rain: join(root, 'rain'), noise: join(root, 'noise') };
  const roots = { pairs, captions: [join(root, 'captions.tsv')] };
  const prompts = { empty: 0, captionOnly: 1, subset: 0 };
  const data = { roots, prompts, patch: 16, cacheMegabytes: 4, tasks: { ...none, ...tasks } };
  const encoders = { weights, cache };
  // Averaged from the first step on: what a run of three steps leaves is what it learned.
  const average = { decay: 0.5, every: 1 };
  const base = { preset: 'tiny-paper', batch: 2, steps: 3, threads: 1, loss: 'matching', average, encoders, data };
  const value = { ...base, ...changes };
  return parseTrainConfig(value, 'test');
}

async function average(folder: string): Promise<Buffer> {
  const path = await newestCheckpoint(folder);
  if (path === undefined) throw new Error(`no checkpoint in ${folder}`);
  const { vectors } = await readCheckpoint(path);
  return Buffer.from(vectors.average.buffer, vectors.average.byteOffset, vectors.average.byteLength);
}

describe('training with encoders from outside', () => {
  it('on pairs of files: kept embeddings, the same run again, a model that restores', async () => {
    const [first, second] = [join(root, 'first'), join(root, 'second')];
    const result = await train(configure(), first, false);
    expect(result).toMatchObject({ step: 3, finished: true });
    const kept = (await readdir(cache, { recursive: true })).filter((name) => name.endsWith('.f32'));
    const kinds = kept.map((name) => /(text|picture)-/.exec(name)?.[1]);
    // At most four pictures and three captions, of which two steps' worth were drawn.
    expect(kinds.filter((kind) => kind === 'picture').length).toBeGreaterThan(0);
    expect(kinds.filter((kind) => kind === 'picture').length).toBeLessThanOrEqual(4);
    expect(kinds.filter((kind) => kind === 'text').length).toBeLessThanOrEqual(3);

    const stop = new AbortController();
    const events = { signal: stop.signal, onCheckpoint: () => stop.abort() };
    const part = await train(configure({ checkpoint: { every: 2, keep: 2 } }), second, false, events);
    expect(part).toMatchObject({ step: 2, finished: false });
    await train(configure(), second, true);
    expect((await average(second)).equals(await average(first))).toBe(true);

    // What is kept is what is used: with other values on the disk, the run is another.
    const third = join(root, 'third');
    for (const name of kept) await writeFile(join(cache, name), Buffer.alloc(4 * TINY_ENCODERS.clip.embedding));
    await train(configure(), third, false);
    expect((await average(third)).equals(await average(first))).toBe(false);
    await rm(cache, { recursive: true });

    const output = join(root, 'model.safetensors');
    const checkpoint = (await newestCheckpoint(first)) ?? '';
    await exportCheckpoint(checkpoint, output, { precision: 'float32' });
    const { card } = await readModel(output);
    // As seen from the model; with the hash of what it was trained with.
    expect(card.encoders?.source).toBe('daclip.safetensors');
    const engine = new Engine({ threads: 1 });
    expect(card.encoders?.sha256).toBe((await loadEncoders(engine, TINY_ENCODERS, weights)).hash);
    await engine.close();
    const foreign = join(root, 'foreign.safetensors');
    const other = new Map([...TINY_VALUES].map(([name, values]) => [name, values.map((v) => v + 0.01)]));
    await writeTinyEncoders(foreign, 'daclip', other);
    await expect(Clearword.load({ model: output, encoders: foreign })).rejects.toThrow(
      `expected encoders with the hash ${card.encoders?.sha256}`,
    );
    const clearword = await Clearword.load({ model: output });
    try {
      const data = Uint8Array.from({ length: 30 * 20 * 3 }, (_, i) => (i * 37) % 256);
      const restored = await clearword.restore({ data, width: 30, height: 20, channels: 3 }, { prompt: 'a lake' });
      expect(restored.width).toBe(30);
    } finally {
      await clearword.dispose();
    }
  });

  it('shows the download of its encoders, and stops during it', async () => {
    const bytes = await readFile(weights);
    const hub = createServer(({ method }, response) => {
      response.writeHead(200, { 'content-length': String(bytes.length) });
      if (method === 'HEAD') response.end();
      // The rest never comes: only a stop ends the wait.
      else response.write(bytes.subarray(0, 1000));
    }).listen(0, '127.0.0.1');
    await once(hub, 'listening');
    vi.stubEnv('CLEARWORD_CACHE', join(root, 'downloads'));
    try {
      const address = `http://127.0.0.1:${(hub.address() as AddressInfo).port}/daclip.safetensors`;
      const stop = new AbortController();
      const seen: DownloadProgress[] = [];
      const training = train(configure({ encoders: { weights: address } }), join(root, 'stopped'), false, {
        signal: stop.signal,
        onDownload: (progress) => {
          seen.push(progress);
          stop.abort();
        },
      });
      await expect(training).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(seen).toEqual([{ received: 1000, total: bytes.length }]);
    } finally {
      vi.unstubAllEnvs();
      hub.closeAllConnections();
      hub.close();
    }
  });

  it('says what the configuration lacks', async () => {
    const failing = (changes: object, tasks?: object) => train(configure(changes, tasks), join(root, 'never'), false);
    await expect(failing({ encoders: undefined })).rejects.toThrow(
      /encoders.weights: expected weights for preset tiny-paper/,
    );
    await expect(failing({}, { noise: 1 })).rejects.toThrow(/roots.photos, received none/);
  });
});

describe.each(['safetensors', 'pt', 'onnx'])('a network of another program as .%s', (ending) => {
  it('is imported, restores, is trained on, and goes back to the names it came with', async () => {
    const { layout } = trainingGraph(graphOptions(configure()));
    const values = new Map(
      layout.entries.map(({ name, shape, size }, p) => [
        name,
        { shape, data: Float32Array.from({ length: size }, (_, k) => 0.1 * Math.sin(k + p)) },
      ]),
    );
    const [given, model] = [join(root, `net.${ending}`), join(root, `imported-${ending}.safetensors`)];
    if (ending === 'pt') await writeFile(given, pytorchCheckpoint(values));
    else if (ending === 'onnx') {
      const graph = new Graph();
      predictionGraph(graph, presets['tiny-paper'] as Preset, 16, 16);
      await writeFile(given, emitModel(graph, new Map([...values].map(([name, { data }]) => [name, data]))));
    } else {
      const tensors = new Map([...values].map(([name, { shape, data }]) => [name, storeFloat32(data, shape)]));
      await writeFile(given, Buffer.concat(writeSafetensors({ tensors, metadata: {} })));
    }
    const options = ['--preset', 'tiny-paper', '--encoders', weights, '--precision', 'float32'];
    const imported = await runCli(['import', given, '-o', model, ...options]);
    expect(imported.stderr).toBe('');
    const back = await readWeights(model);
    expect([...back.keys()].sort()).toEqual([...values.keys()].sort());
    for (const [name, { data }] of values) expect(back.get(name)?.data, name).toEqual(data);

    const clearword = await Clearword.load({ model });
    const data = Uint8Array.from({ length: 30 * 20 * 3 }, (_, i) => (i * 37) % 256);
    const restored = await clearword.restore({ data, width: 30, height: 20, channels: 3 }, { prompt: 'a lake' });
    expect(restored.height).toBe(20);
    await clearword.dispose();

    const folder = join(root, `from-${ending}`);
    const result = await train(configure({ initialise: model, steps: 2 }), folder, false);
    expect(result).toMatchObject({ step: 2, finished: true });
    const { vectors } = await readCheckpoint((await newestCheckpoint(folder)) ?? '');
    // Near where it began, and not there: two steps at a small rate.
    const begin = flatten(layout, new Map([...values].map(([name, value]) => [name, value.data])));
    const moved = vectors.parameters.map((value, i) => Math.abs(value - (begin[i] ?? 0)));
    expect(Math.max(...moved)).toBeGreaterThan(0);
    expect(Math.max(...moved)).toBeLessThan(0.01);
  });
});

it('pairs of files are cropped alike, with their captions', async () => {
  const loader = await BatchLoader.open({ config: configure().data, degradations: FIRST_DEGRADATIONS, batchSize: 8 });
  try {
    const { input, target, files, prompts, presence } = await loader.next();
    const size = 3 * 16 * 16;
    for (const [n, file] of (files ?? []).entries()) {
      const kind = /(rain|noise).degraded/.exec(file ?? '')?.[1];
      expect([...presence.slice(3 * n, 3 * n + 3)]).toEqual(kind === 'noise' ? [1, 0, 0] : [0, 1, 0]);
      expect(prompts[n]).toBe(
        file?.endsWith('rain/degraded/40.png')
          ? 'a red house'
          : file?.endsWith('noise/degraded/52.png')
            ? 'a lake'
            : '',
      );
      // Where the degradation left a value as it was, both crops agree: they show the same place.
      let equal = 0;
      for (let i = n * size; i < (n + 1) * size; i++) equal += input[i] === target[i] ? 1 : 0;
      expect(equal / size).toBeGreaterThan(0.75);
      expect(equal / size).toBeLessThan(1);
    }
  } finally {
    await loader.close();
  }
});

it('the same encoders in every file format are the same encoders', async () => {
  const onnx = join(root, 'daclip.onnx');
  const graph = new Graph();
  const { clip } = TINY_ENCODERS;
  const tokens = graph.input('tokens', [1, clip.text.contextLength], 'int64');
  graph.output('text', clipTextTower(tokens, graph.input('ends', [1], 'int64'), clip));
  const { degradation, controls } = daclipController(graph.input('pictures', [1, 3, 16, 16]), clip);
  graph.output('degradation', degradation);
  controls.forEach((control, i) => {
    graph.output(`control${i}`, control);
  });
  graph.output('scale', graph.parameter('logit_scale', [], { kind: 'zeros' }));
  await writeFile(onnx, emitModel(graph, TINY_VALUES));
  const engine = new Engine({ threads: 1 });
  try {
    const hashes: string[] = [];
    for (const path of [weights, onnx]) hashes.push((await loadEncoders(engine, TINY_ENCODERS, path)).hash);
    expect(hashes[1]).toBe(hashes[0]);
    // PyTorch's sine differs from Node's in the last bit of a few values, so that its file is compared by what it computes.
    const picture = {
      width: 20,
      height: 20,
      data: Float32Array.from({ length: 1200 }, (_, i) => ((i * 7) % 256) / 255),
    };
    const found = await Promise.all(
      [weights, published].map(async (path) =>
        (await loadEncoders(engine, TINY_ENCODERS, path)).encoders.inspect({ close: picture }),
      ),
    );
    const [ours, theirs] = found.map(({ embedding }) => [...embedding]);
    for (const [i, value] of (ours ?? []).entries()) expect(theirs?.[i]).toBeCloseTo(value, 4);
  } finally {
    await engine.close();
  }
});
