/**
 * A model in memory: its networks as sessions, built when they are first needed.
 *
 * @module
 */
import type { Raster } from '../data/raster.ts';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { layoutOf, type ParameterLayout } from '../graph/parameters.ts';
import { float32, floats, type InferenceEngine, type Session } from '../runtime/session.ts';
import { type ModelFile, parameterValues } from './card.ts';
import { COMBINATION_TEXTS } from './controller.ts';
import { inspectionTiles } from './inspection-tiles.ts';
import { DEGRADATIONS, type Findings, type PredictRequest, type RestorationModel } from './model.ts';
import { findingsGraph, predictionGraph, statisticsGraph, textGraph } from './networks.ts';
import type { Preset } from './preset-schema.ts';
import { textFeeds } from './text-encoder.ts';

/** Tiles that the controller reads in one run. */
const INSPECTION_BATCH = 16;
/** Sessions kept for tile shapes; each holds its own copy of the weights and its working memory. */
const MOST_SHAPES = 2;

type Encoders = NonNullable<Preset['encoders']>;

function encodersOf({ encoders, name }: Preset): Encoders {
  if (encoders) return encoders;
  throw new ClearwordError(
    'MODEL_INVALID',
    `model ${name}: expected a model with its own encoders, received one without`,
  );
}

/** All parameters of a preset, in the order in which they are stored. */
export function modelLayout(preset: Preset): ParameterLayout {
  const { text, controller } = encodersOf(preset);
  // The smallest picture that needs no padding declares the same parameters as any other.
  const side = preset.network.unshuffle * 2 ** preset.network.multipliers.length;
  const parts = [
    layoutOf((graph) => textGraph(graph, text, preset.fusion.context)),
    layoutOf((graph) => statisticsGraph(graph, controller, 1)),
    layoutOf((graph) => findingsGraph(graph, controller, preset.fusion.context)),
    layoutOf((graph) => predictionGraph(graph, preset, side, side)),
  ];
  let offset = 0;
  const entries = parts.flatMap(({ entries: part }) =>
    part.map((entry) => {
      const placed = { ...entry, offset };
      offset += entry.size;
      return placed;
    }),
  );
  return { entries, size: offset };
}

export class LoadedModel implements RestorationModel {
  readonly name: string;
  readonly hash: string;
  readonly sde: Preset['sde'];
  readonly parameterisation: Preset['parameterisation'];
  readonly defaultTile: number;
  readonly defaults: RestorationModel['defaults'];
  readonly #preset: Preset;
  readonly #encoders: Encoders;
  readonly #values: ReadonlyMap<string, Float32Array>;
  readonly #engine: InferenceEngine;
  readonly #sessions = new Map<string, Promise<Session>>();
  #names: Promise<Float32Array> | undefined;

  /** @param source what to call the file in messages */
  constructor({ card, weights }: ModelFile, engine: InferenceEngine, source: string) {
    const { preset } = card;
    this.name = card.name;
    this.hash = card.sha256;
    this.sde = preset.sde;
    this.parameterisation = preset.parameterisation;
    this.defaultTile = preset.defaults.tile;
    this.defaults = { steps: preset.defaults.steps, sampler: preset.defaults.sampler };
    this.#preset = preset;
    this.#encoders = encodersOf(preset);
    this.#values = parameterValues(modelLayout(preset), weights, source);
    this.#engine = engine;
  }

  async encodeText(prompt: string): Promise<Float32Array> {
    const { text } = this.#encoders;
    const session = await this.#session('text', (graph) => textGraph(graph, text, this.#preset.fusion.context));
    return floats((await session.run(textFeeds('prompt', [prompt], text))).outputs, 'embedding');
  }

  async inspect(image: Raster, signal?: AbortSignal): Promise<Findings> {
    const { controller } = this.#encoders;
    const { context } = this.#preset.fusion;
    const statistics = await this.#statistics(image, signal);
    const session = await this.#session('findings', (graph) => findingsGraph(graph, controller, context));
    this.#names ??= this.#nameEmbeddings();
    const { outputs } = await session.run({
      statistics: float32(statistics, [1, statistics.length]),
      texts: float32(await this.#names, [COMBINATION_TEXTS.length, context]),
    });
    const [probability, strength] = [floats(outputs, 'probability'), floats(outputs, 'strength')];
    const found = DEGRADATIONS.map((name, i) => [
      name,
      { probability: probability[i] ?? 0, strength: strength[i] ?? 0 },
    ]);
    return { degradations: Object.fromEntries(found), embedding: floats(outputs, 'embedding') };
  }

  async predict({ width, height, x, mu, t, text, degradation, signal }: PredictRequest): Promise<Float32Array> {
    const key = `predict ${height}x${width}`;
    const session = await this.#session(key, (graph) => predictionGraph(graph, this.#preset, height, width));
    this.#forgetShapes(key);
    const shape = [1, 3, height, width];
    const feeds = {
      x: float32(x, shape),
      mu: float32(mu, shape),
      t: float32(Float32Array.of(t), [1]),
      text: float32(text, [1, text.length]),
      degradation: float32(degradation, [1, degradation.length]),
    };
    return floats((await session.run(feeds, signal)).outputs, 'prediction');
  }

  async dispose(): Promise<void> {
    this.#sessions.clear();
    await this.#engine.close();
  }

  /** Mean of the statistics of the picture's tiles. */
  async #statistics(image: Raster, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { controller } = this.#encoders;
    const { tile } = controller;
    const tiles = inspectionTiles(image, tile);
    const sums = new Float32Array(2 * (controller.widths.at(-1) ?? 0));
    for (let first = 0; first < tiles.length; first += INSPECTION_BATCH) {
      throwIfCancelled(signal, 'the inspection');
      const part = tiles.slice(first, first + INSPECTION_BATCH);
      const pictures = new Float32Array(part.length * 3 * tile * tile);
      part.forEach((values, i) => {
        pictures.set(values, i * values.length);
      });
      const key = `statistics ${part.length}`;
      const session = await this.#session(key, (graph) => statisticsGraph(graph, controller, part.length));
      const { outputs } = await session.run({ pictures: float32(pictures, [part.length, 3, tile, tile]) });
      floats(outputs, 'statistics').forEach((value, i) => {
        sums[i % sums.length] = (sums[i % sums.length] ?? 0) + value / tiles.length;
      });
    }
    return sums;
  }

  async #nameEmbeddings(): Promise<Float32Array> {
    const { context } = this.#preset.fusion;
    const all = new Float32Array(COMBINATION_TEXTS.length * context);
    for (const [i, text] of COMBINATION_TEXTS.entries()) all.set(await this.encodeText(text), i * context);
    return all;
  }

  #session(key: string, build: (graph: Graph) => void): Promise<Session> {
    const known = this.#sessions.get(key);
    if (known) return known;
    const graph = new Graph();
    build(graph);
    const loading = this.#engine.load(emitModel(graph, this.#values));
    this.#sessions.set(key, loading);
    // A failed load may succeed later, with less memory in use.
    loading.catch(() => this.#sessions.delete(key));
    return loading;
  }

  /** Releases the tile shapes that were not used lately. */
  #forgetShapes(latest: string): void {
    const session = this.#sessions.get(latest);
    if (!session) return;
    this.#sessions.delete(latest);
    this.#sessions.set(latest, session);
    const shapes = [...this.#sessions.keys()].filter((key) => key.startsWith('predict '));
    for (const key of shapes.slice(0, Math.max(0, shapes.length - MOST_SHAPES))) {
      const old = this.#sessions.get(key);
      this.#sessions.delete(key);
      old?.then((loaded) => loaded.release()).catch(() => undefined);
    }
  }
}
