import { createHash } from 'node:crypto';
import { copyFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { largestDifference, temporaryFolder } from '../../../test/support/pictures.ts';
import { Graph } from '../../graph/graph.ts';
import { emitModel } from '../../graph/onnx/emit.ts';
import { createRaster, type Raster } from '../../image/raster.ts';
import { INCEPTION_FEATURES, INCEPTION_SIDE, inception } from '../../metrics/backbones/inception.ts';
import { lpips } from '../../metrics/lpips.ts';
import { storeFloat16, storeFloat32, writeSafetensors } from '../../models/safetensors.ts';
import { readWeights } from '../../models/weights-file.ts';
import { Engine, float32, floats } from '../../runtime/engine.ts';
import { resizeBilinear } from '../resize.ts';
import { openMeters } from './meters.ts';
import { valuesFor } from './parameter-values.ts';
import { type PublishedFile, weightsPath } from './published.ts';
import { InceptionFeatures, LpipsScorer } from './scorers.ts';

let folder = '';
const engine = new Engine({ threads: 1 });
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => engine.close());

/** The linear weights of LPIPS that come with the package. */
const LINEAR = fileURLToPath(new URL('../../../weights/metrics/lpips-v0.1.safetensors', import.meta.url));

/** A thousand values, repeated to fill any tensor. */
const PATTERN = Float32Array.from({ length: 1009 }, (_, k) => Math.sin(0.37 * k));

/** Values for every parameter of a graph, small enough that no layer overflows. */
function somewhere(graph: Graph): Map<string, Float32Array> {
  return new Map(
    [...graph.parameters.values()].map(({ name, shape }) => {
      const size = shape.reduce((product, d) => product * d, 1);
      // Variances and gains near 1, and biases above 0, keep the signal alive through a hundred layers.
      const near = /running_var|bn\.weight/.test(name) ? 1 : /bn\.bias/.test(name) ? 0.5 : 0;
      const [offset, amplitude] = near > 0 ? [near, 0.2] : [0, 1.5 / Math.sqrt(size / (shape[0] ?? 1))];
      const pattern = PATTERN.map((value) => offset + amplitude * value);
      const values = new Float32Array(size);
      for (let k = 0; k < size; k += pattern.length)
        values.set(pattern.subarray(0, Math.min(pattern.length, size - k)), k);
      return [name, values];
    }),
  );
}

function waves(width: number, height: number, phase: number): Raster {
  const raster = createRaster(width, height);
  raster.data.forEach((_, i) => {
    raster.data[i] = 0.5 + 0.4 * Math.sin(0.05 * i + phase);
  });
  return raster;
}

describe('tensor files', () => {
  const graph = new Graph();
  const [a, b] = [graph.input('a', [1, 3, 32, 32]), graph.input('b', [1, 3, 32, 32])];
  graph.output('d', lpips(a, b, 'squeeze'));
  const values = somewhere(graph);

  it('are safetensors, also in half precision, and ONNX: the same values by the same names', async () => {
    const tensors = (store: typeof storeFloat32) =>
      new Map(
        [...graph.parameters.values()].map(({ name, shape }) => [name, store(values.get(name) as Float32Array, shape)]),
      );
    await writeFile(
      join(folder, 'a.safetensors'),
      Buffer.concat(writeSafetensors({ tensors: tensors(storeFloat32), metadata: {} })),
    );
    await writeFile(
      join(folder, 'h.safetensors'),
      Buffer.concat(writeSafetensors({ tensors: tensors(storeFloat16), metadata: {} })),
    );
    await writeFile(join(folder, 'a.onnx'), emitModel(graph, values));
    for (const [name, tolerance] of [
      ['a.safetensors', 0],
      ['a.onnx', 0],
      ['h.safetensors', 1e-3],
    ] as const) {
      const read = valuesFor(graph, await readWeights(join(folder, name)), name);
      expect(read.size).toBe(values.size);
      for (const [key, expected] of values)
        expect(largestDifference(read.get(key) ?? [], expected), key).toBeLessThanOrEqual(tolerance);
    }
  });

  it('are refused by name: other networks, other files, no file', async () => {
    const other = new Graph();
    inception(other.input('x', [1, 3, INCEPTION_SIDE, INCEPTION_SIDE]));
    const file = await readWeights(join(folder, 'a.safetensors'));
    expect(() => valuesFor(other, file, 'weights a')).toThrow(
      /weights a: expected the tensors Conv2d_1a_3x3\.conv\.weight \[32,3,3,3\] \(missing\).* and \d+ more/,
    );
    await writeFile(join(folder, 'b.onnx'), 'no model');
    await expect(readWeights(join(folder, 'b.onnx'))).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    await expect(readWeights(join(folder, 'c.onnx'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    // What it is does not hang on its name.
    await copyFile(join(folder, 'a.safetensors'), join(folder, 'a.weights'));
    expect((await readWeights(join(folder, 'a.weights'))).size).toBe(file.size);
  });
});

describe('scorers', () => {
  it("LPIPS takes the lpips package's names, and pictures of any size", async () => {
    const graph = new Graph();
    lpips(graph.input('a', [1, 3, 32, 32]), graph.input('b', [1, 3, 32, 32]), 'squeeze');
    const tensors = new Map(
      [...somewhere(graph)]
        .filter(([name]) => name.startsWith('features'))
        .map(([name, data]) => [
          `net.slice1.${name.slice('features.'.length)}`,
          storeFloat32(data, graph.parameters.get(name)?.shape ?? []),
        ]),
    );
    const path = join(folder, 'lpips.safetensors');
    await writeFile(path, Buffer.concat(writeSafetensors({ tensors, metadata: {} })));
    const scorer = await LpipsScorer.open(engine, 'squeeze', path);
    const distances: number[] = [];
    for (const [width, height] of [
      [40, 33],
      [33, 40],
      [64, 64],
    ] as const) {
      const picture = waves(width, height, 0);
      expect(await scorer.score(picture, picture)).toBe(0);
      distances.push(await scorer.score(picture, waves(width, height, 2)));
    }
    for (const distance of distances) expect(distance).toBeGreaterThan(1e-6);
    // Pictures go to the network as -1..1.
    const linear = await readWeights(LINEAR);
    const values = new Map(
      [...somewhere(graph)].map(([name, own]) => [name, linear.get(`squeeze.${name}`)?.data ?? own]),
    );
    const own = new Graph();
    const [a, b] = [own.input('a', [1, 3, 33, 40]), own.input('b', [1, 3, 33, 40])];
    own.output('distance', lpips(a, b, 'squeeze'));
    const session = await engine.load(emitModel(own, values));
    const scaled = (phase: number) =>
      float32(
        waves(40, 33, phase).data.map((v) => 2 * v - 1),
        [1, 3, 33, 40],
      );
    const { outputs } = await session.run({ a: scaled(0), b: scaled(2) });
    expect(distances[0]).toBeCloseTo(floats(outputs, 'distance')[0] ?? Number.NaN, 6);
  });

  it('LPIPS takes the least side, and two pictures of one size only', async () => {
    const scorer = await LpipsScorer.open(engine, 'squeeze', join(folder, 'lpips.safetensors'));
    const score = (a: readonly [number, number], b = a) => scorer.score(waves(...a, 0), waves(...b, 0));
    expect(await score([17, 17])).toBe(0);
    for (const [width, height] of [
      [16, 17],
      [17, 16],
      [12, 12],
    ] as const) {
      await expect(score([width, height])).rejects.toThrow(/at least 17x17/);
    }
    await expect(score([20, 20], [21, 20])).rejects.toThrow(/received 20x20 and 21x20/);
    await expect(score([20, 20], [20, 21])).rejects.toThrow(/received 20x20 and 20x21/);
  });

  it('LPIPS keeps the networks of the last two sizes, and frees those before', async () => {
    const scorer = await LpipsScorer.open(engine, 'squeeze', join(folder, 'lpips.safetensors'));
    const load = vi.spyOn(engine, 'load');
    try {
      const score = (width: number) => scorer.score(waves(width, 17, 0), waves(width, 17, 0));
      await score(17);
      const first = await (load.mock.results[0]?.value as ReturnType<Engine['load']>);
      const release = vi.spyOn(first, 'release');
      const loads: number[] = [];
      for (const width of [18, 17, 18, 19]) {
        await score(width);
        loads.push(load.mock.calls.length);
      }
      expect(loads).toEqual([2, 2, 2, 3]);
      expect(release).toHaveBeenCalledTimes(1);
      await score(18);
      await score(19);
      expect(load).toHaveBeenCalledTimes(3);
      await score(17);
      expect(load).toHaveBeenCalledTimes(4);
    } finally {
      load.mockRestore();
    }
  });

  it('Inception gives its features of any picture', async () => {
    const graph = new Graph();
    graph.output('features', inception(graph.input('picture', [1, 3, INCEPTION_SIDE, INCEPTION_SIDE])));
    const values = somewhere(graph);
    const path = join(folder, 'inception.safetensors');
    const tensors = new Map(
      [...graph.parameters.values()].map(({ name, shape }) => [
        name,
        storeFloat32(values.get(name) as Float32Array, shape),
      ]),
    );
    await writeFile(path, Buffer.concat(writeSafetensors({ tensors, metadata: {} })));
    const load = vi.spyOn(engine, 'load');
    const features = await InceptionFeatures.open(engine, path);
    const session = await (load.mock.results[0]?.value as ReturnType<Engine['load']>);
    load.mockRestore();
    const [first, again, other] = [
      await features.of(waves(60, 50, 0)),
      await features.of(waves(60, 50, 0)),
      await features.of(waves(60, 50, 1)),
    ];
    expect(first.length).toBe(INCEPTION_FEATURES);
    expect(first.every(Number.isFinite)).toBe(true);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    // Pictures go to it as -1..1, and nothing but its features counts.
    const run = vi.spyOn(session, 'run');
    run.mockResolvedValueOnce({ outputs: { features: float32(new Float32Array(5), [1, 5]) } } as never);
    const three = createRaster(20, 10);
    three.data.set(Array.from({ length: 600 }, (_, i) => Math.floor(i / 200) / 2));
    await expect(features.of(three)).rejects.toThrow(/expected 2048 features/);
    const given = floats(run.mock.calls[0]?.[0] as never, 'picture');
    const plane = INCEPTION_SIDE ** 2;
    expect(given).toHaveLength(3 * plane);
    for (const [i, value] of [-1, 0, 1].entries()) {
      expect(new Set(given.subarray(i * plane, (i + 1) * plane))).toEqual(new Set([value]));
    }
  });

  it('scale pictures bilinearly between pixel centres', () => {
    const picture = createRaster(2, 1);
    picture.data.set([0, 1, 0, 1, 0, 1]);
    const wide = resizeBilinear(picture, 4, 2);
    expect([...wide.data.subarray(0, 8)]).toEqual([0, 0.25, 0.75, 1, 0, 0.25, 0.75, 1]);
    expect([...resizeBilinear(waves(5, 4, 0), 5, 4).data]).toEqual([...waves(5, 4, 0).data]);
  });
});

describe('published weights', () => {
  const content = Buffer.from('the published weights');
  const sha256 = createHash('sha256').update(content).digest('hex');
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.method ?? '');
    response.writeHead(200, { 'content-length': String(content.length), etag: '"1"' });
    response.end(request.method === 'HEAD' ? undefined : content);
  });
  let file: PublishedFile;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    file = { url: `http://127.0.0.1:${port}/models/net-${sha256.slice(0, 8)}.pth`, sha256: sha256.slice(0, 8) };
  });
  afterAll(() => {
    server.close();
  });

  it('are not fetched unasked; asked for, once, with progress and checksum', async () => {
    const options = { option: '--net-weights', cache: join(folder, 'cache') };
    await expect(weightsPath(file, { ...options, download: false })).rejects.toThrow(
      /is not here: give it with --net-weights, or allow --download/,
    );
    expect(requests).toEqual([]);
    const received: number[] = [];
    const path = await weightsPath(file, { ...options, download: true, onProgress: (p) => received.push(p.received) });
    expect(received.at(-1)).toBe(content.length);
    const fetched = requests.filter((method) => method === 'GET').length;
    // Now they are in the cache, for those who allow nothing, too.
    expect(await weightsPath(file, { ...options, download: false })).toBe(path);
    expect(requests.filter((method) => method === 'GET').length).toBe(fetched);
  });

  it('are refused when they are not what their checksum says', async () => {
    const wrong = { ...file, sha256: '00000000' };
    const options = { option: '--net-weights', cache: join(folder, 'other'), download: true };
    await expect(weightsPath(wrong, options)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});

it('leaves out what cannot be had, and says why', async () => {
  const meters = await openMeters({
    metrics: ['psnr', 'niqe', 'lpips', 'fid'],
    lpips: 'alex',
    lpipsWeights: join(folder, 'none.pth'),
    fidWeights: join(folder, 'a.safetensors'),
    download: false,
  });
  expect(meters.niqe?.mean.length).toBe(36);
  expect(meters.lpips).toBeUndefined();
  expect(meters.unavailable.lpips).toMatch(/none\.pth/);
  expect(meters.unavailable.fid).toMatch(/a\.safetensors for FID: expected the tensors/);
  await meters.close();
});
