/**
 * The learned measures, ready to be applied to pictures: networks with their weights, as sessions of an engine.
 *
 * @module
 */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ClearwordError } from '../../errors.ts';
import * as f from '../../graph/functions.ts';
import { Graph } from '../../graph/graph.ts';
import { emitModel } from '../../graph/onnx/emit.ts';
import type { Raster } from '../../image/raster.ts';
import { INCEPTION_FEATURES, INCEPTION_SIDE, inception } from '../../metrics/backbones/inception.ts';
import { LPIPS_LEAST_SIDE, type LpipsNetwork, lpips } from '../../metrics/lpips.ts';
import type { NamedTensor, NamedTensors } from '../../models/named-tensor.ts';
import { loadFloats, readSafetensors } from '../../models/safetensors.ts';
import { readWeights } from '../../models/weights-file.ts';
import { type Engine, float32, floats, type Session } from '../../runtime/engine.ts';
import { resizeBilinear } from '../resize.ts';
import { valuesFor } from './parameter-values.ts';

/** The linear weights that come with the package; sources and build lie equally deep. */
const LINEAR_WEIGHTS = fileURLToPath(new URL('../../../weights/metrics/lpips-v0.1.safetensors', import.meta.url));
/** Sessions kept for picture sizes; each has its own copy of the weights. */
const MOST_SIZES = 2;

async function linearWeights(network: LpipsNetwork): Promise<NamedTensors> {
  const { tensors } = readSafetensors(await readFile(LINEAR_WEIGHTS), LINEAR_WEIGHTS);
  const own: [string, NamedTensor][] = [];
  for (const [name, tensor] of tensors) {
    if (name.startsWith(`${network}.`))
      own.push([name.slice(network.length + 1), { shape: tensor.shape, data: loadFloats(tensor) }]);
  }
  return new Map(own);
}

/** torchvision says features.3.weight where the lpips package says net.slice2.3.weight. */
const torchvisionName = (name: string): string => name.replace(/^(net\.)?slice\d+\./, 'features.');

/** LPIPS 0.1 of pairs of pictures of any size. */
export class LpipsScorer {
  readonly #engine: Engine;
  readonly #network: LpipsNetwork;
  readonly #tensors: NamedTensors;
  readonly #source: string;
  readonly #sessions = new Map<string, Promise<Session>>();

  private constructor(engine: Engine, network: LpipsNetwork, tensors: NamedTensors, source: string) {
    this.#engine = engine;
    this.#network = network;
    this.#tensors = tensors;
    this.#source = source;
  }

  /**
   * @param path weights of the backbone: torchvision's state dict, or the lpips package's with its own linear weights
   * @throws ClearwordError MODEL_NOT_FOUND, MODEL_INVALID
   */
  static async open(engine: Engine, network: LpipsNetwork, path: string): Promise<LpipsScorer> {
    const file = await readWeights(path);
    const named = [...file].map(([name, tensor]) => [torchvisionName(name), tensor] as const);
    const scorer = new LpipsScorer(engine, network, new Map([...(await linearWeights(network)), ...named]), path);
    // Before the pictures: the smallest graph needs the same weights.
    const side = LPIPS_LEAST_SIDE[network];
    valuesFor(scorer.#graph(side, side), scorer.#tensors, scorer.#what());
    return scorer;
  }

  /** Distance of two pictures of one size; 0 and up. */
  async score(a: Raster, b: Raster): Promise<number> {
    const { width, height } = a;
    const least = LPIPS_LEAST_SIDE[this.#network];
    if (width !== b.width || height !== b.height || Math.min(width, height) < least) {
      throw new ClearwordError(
        'INVALID_OPTION',
        `expected two pictures of one size, at least ${least}x${least}, for LPIPS, received ${width}x${height} and ${b.width}x${b.height}`,
      );
    }
    const session = await this.#session(height, width);
    const shape = [1, 3, height, width];
    const { outputs } = await session.run({ a: float32(a.data, shape), b: float32(b.data, shape) });
    return floats(outputs, 'distance')[0] ?? Number.NaN;
  }

  #what(): string {
    return `weights ${this.#source} for LPIPS with ${this.#network}`;
  }

  #graph(height: number, width: number): Graph {
    const graph = new Graph();
    const picture = (name: string) => f.sub(f.mul(graph.input(name, [1, 3, height, width]), 2), 1);
    graph.output('distance', lpips(picture('a'), picture('b'), this.#network));
    return graph;
  }

  #session(height: number, width: number): Promise<Session> {
    const key = `${height}x${width}`;
    const known = this.#sessions.get(key);
    if (known) return known;
    const graph = this.#graph(height, width);
    const session = this.#engine.load(emitModel(graph, valuesFor(graph, this.#tensors, this.#what())));
    for (const [size, old] of [...this.#sessions].slice(0, Math.max(0, this.#sessions.size + 1 - MOST_SIZES))) {
      this.#sessions.delete(size);
      old.then((loaded) => loaded.release()).catch(() => undefined);
    }
    this.#sessions.set(key, session);
    return session;
  }
}

/** Features of pictures by Inception v3, for FID. */
export class InceptionFeatures {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** @throws ClearwordError MODEL_NOT_FOUND, MODEL_INVALID */
  static async open(engine: Engine, path: string): Promise<InceptionFeatures> {
    const graph = new Graph();
    graph.output('features', inception(graph.input('picture', [1, 3, INCEPTION_SIDE, INCEPTION_SIDE])));
    const values = valuesFor(graph, await readWeights(path), `weights ${path} for FID`);
    return new InceptionFeatures(await engine.load(emitModel(graph, values)));
  }

  /** [2048]. The picture is scaled to 299x299 and to -1..1 first, as pytorch-fid does. */
  async of(picture: Raster): Promise<Float32Array> {
    const { data } = resizeBilinear(picture, INCEPTION_SIDE, INCEPTION_SIDE);
    const scaled = data.map((value) => 2 * value - 1);
    const feeds = { picture: float32(scaled, [1, 3, INCEPTION_SIDE, INCEPTION_SIDE]) };
    const features = floats((await this.#session.run(feeds)).outputs, 'features');
    if (features.length !== INCEPTION_FEATURES) throw new RangeError(`expected ${INCEPTION_FEATURES} features`);
    return features;
  }
}
