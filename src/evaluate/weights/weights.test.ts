import { createHash } from 'node:crypto';
import { copyFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { largestDifference, temporaryFolder } from '../../../test/support/pictures.ts';
import { Graph } from '../../graph/graph.ts';
import { emitModel } from '../../graph/onnx/emit.ts';
import { createRaster, type Raster } from '../../image/raster.ts';
import { INCEPTION_FEATURES, INCEPTION_SIDE, inception } from '../../metrics/backbones/inception.ts';
import { lpips } from '../../metrics/lpips.ts';
import { storeFloat16, storeFloat32, writeSafetensors } from '../../models/safetensors.ts';
import { readWeights } from '../../models/weights-file.ts';
import { Engine } from '../../runtime/engine.ts';
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
    await expect(scorer.score(waves(12, 12, 0), waves(12, 12, 0))).rejects.toThrow(/at least 17x17/);
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
    const features = await InceptionFeatures.open(engine, path);
    const [first, again, other] = [
      await features.of(waves(60, 50, 0)),
      await features.of(waves(60, 50, 0)),
      await features.of(waves(60, 50, 1)),
    ];
    expect(first.length).toBe(INCEPTION_FEATURES);
    expect(first.every(Number.isFinite)).toBe(true);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
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
