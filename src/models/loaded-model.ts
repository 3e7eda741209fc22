/**
 * A model in memory.
 *
 * @module
 */

import { ClearwordError, firstNotFinite } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { layoutOf, type ParameterLayout } from '../graph/parameters.ts';
import type { HostTensors } from '../runtime/protocol.ts';
import { float32, floats, type InferenceEngine } from '../runtime/session.ts';
import { type ModelFile, parameterValues } from './card.ts';
import type { Findings, Guidance, ModelEncoders, PictureViews, PredictRequest, RestorationModel } from './model.ts';
import {
  findingsGraph,
  guidanceShapes,
  hasOwnEncoders,
  type OwnPreset,
  predictionGraph,
  statisticsGraph,
  textGraph,
  viewGraph,
} from './networks.ts';
import { OwnEncoders } from './own-encoders.ts';
import type { Preset } from './preset-schema.ts';
import { Sessions } from './sessions.ts';

/** Sessions kept for tile shapes; each holds its own copy of the weights and its working memory. */
const MOST_SHAPES = 2;

/** All parameters of a preset that are its own, in the order in which they are stored. */
export function modelLayout(preset: Preset): ParameterLayout {
  // The smallest picture that needs no padding declares the same parameters as any other.
  const side = preset.network.unshuffle * 2 ** preset.network.multipliers.length;
  const own = hasOwnEncoders(preset) ? encoderLayouts(preset) : [];
  const parts = [...own, layoutOf((graph) => predictionGraph(graph, preset, side, side))];
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

function encoderLayouts(preset: OwnPreset): ParameterLayout[] {
  const { controller } = preset.encoders;
  const { view } = controller;
  return [
    layoutOf((graph) => textGraph(graph, preset)),
    layoutOf((graph) => statisticsGraph(graph, controller, 1)),
    ...(view ? [layoutOf((graph) => viewGraph(graph, view, preset.fusion.context))] : []),
    layoutOf((graph) => findingsGraph(graph, preset)),
  ];
}

/** In which numbers a network computes. */
export type InferencePrecision = 'float32' | 'float16';

export interface LoadedModelOptions {
  /** The encoders of a model that has none of its own. */
  readonly encoders?: ModelEncoders | undefined;
  /**
   * `float16` where the network allows it, for graphics cards: half the memory. A result with values that are not finite is
   * computed again in float32; the next one begins in float16 again, so that a result does not depend on those before it.
   */
  readonly precision?: InferencePrecision | undefined;
  /** Reads the same file again. Where it can, the weights of large models are kept by sessions only. */
  readonly again?: (() => Promise<ModelFile>) | undefined;
  /** Bytes beyond which a model is large; for tests. */
  readonly keptBytes?: number;
}

/** The values at hand for the first who asks; those who come later get them anew. */
function usedOnce<T>(values: T, anew: () => Promise<T>): () => Promise<T> {
  let first: T | undefined = values;
  return async () => {
    const known = first;
    first = undefined;
    return known ?? anew();
  };
}

/** Values of models up to this size are kept for further tile shapes: reading them again would cost more than it saves. */
const KEPT_BYTES = 2 ** 26;

export class LoadedModel implements RestorationModel {
  readonly name: string;
  readonly hash: string;
  readonly sde: Preset['sde'];
  readonly parameterisation: Preset['parameterisation'];
  readonly defaultTile: number;
  readonly tileSquares: number | undefined;
  readonly defaults: RestorationModel['defaults'];
  readonly inspectionSide: number | undefined;
  readonly viewSide: number | undefined;
  readonly degradations: readonly string[];
  readonly careful: boolean;
  readonly takesStrengths: boolean;
  readonly #preset: Preset;
  readonly #encoders: ModelEncoders;
  readonly #sessions: Sessions;
  readonly #engine: InferenceEngine;
  readonly #precision: InferencePrecision;

  /** @param source what to call the file in messages */
  constructor(
    { card, weights }: ModelFile,
    engine: InferenceEngine,
    source: string,
    { encoders: external, precision = 'float32', again, keptBytes }: LoadedModelOptions = {},
  ) {
    const { preset } = card;
    this.name = card.name;
    this.hash = card.sha256;
    this.degradations = preset.degradations;
    this.careful = hasOwnEncoders(preset);
    this.takesStrengths = preset.fusion.strengths === true;
    this.sde = preset.sde;
    this.parameterisation = preset.parameterisation;
    this.defaultTile = preset.defaults.tile;
    const { middle = 'transformer', attention } = preset.network;
    // Attention of every place to every other costs the square of a tile's pixels, in time and in memory.
    if (middle === 'transformer' || attention.includes('transformer')) this.tileSquares = 1;
    this.defaults = { steps: preset.defaults.steps, sampler: preset.defaults.sampler };
    this.#preset = preset;
    this.#engine = engine;
    this.#precision = precision;
    const layout = modelLayout(preset);
    const values = parameterValues(layout, weights, source);
    const reread = again && (async () => parameterValues(layout, (await again()).weights, source));
    const large = 4 * layout.size > (keptBytes ?? KEPT_BYTES);
    this.#sessions = new Sessions(engine, reread && large ? usedOnce(values, reread) : values);
    const own = hasOwnEncoders(preset) ? new OwnEncoders(preset, this.#sessions, card.calibration) : undefined;
    const encoders: ModelEncoders | undefined = own ?? external;
    if (!encoders) {
      throw new ClearwordError(
        'MODEL_INVALID',
        `${source}: expected a model with its own encoders, received one without`,
        { fix: 'Give the weights of its encoders, too.' },
      );
    }
    this.#encoders = encoders;
    this.inspectionSide = encoders.inspectionSide;
    this.viewSide = encoders.viewSide;
  }

  encodeText(prompt: string): Promise<Float32Array> {
    return this.#encoders.encodeText(prompt);
  }

  inspect(views: PictureViews, signal?: AbortSignal): Promise<Findings> {
    return this.#encoders.inspect(views, signal);
  }

  async predict(request: PredictRequest): Promise<Float32Array> {
    const prediction = await this.#predict(request, this.#precision);
    const overflowed = this.#precision === 'float16' && firstNotFinite(prediction) !== undefined;
    return overflowed ? this.#predict(request, 'float32') : prediction;
  }

  async #predict(request: PredictRequest, precision: InferencePrecision): Promise<Float32Array> {
    const { width, height, x, mu, t, guidance, signal } = request;
    const key = `predict ${height}x${width} ${precision}`;
    const build = (graph: Graph) => predictionGraph(graph, this.#preset, height, width);
    const session = await this.#sessions.get(key, build, { precision });
    this.#sessions.keepLatest(key, 'predict ', MOST_SHAPES);
    const shape = [1, 3, height, width];
    const feeds = {
      x: float32(x, shape),
      mu: float32(mu, shape),
      t: float32(Float32Array.of(t), [1]),
      ...this.#guidanceFeeds(guidance),
    };
    return floats((await session.run(feeds, signal)).outputs, 'prediction');
  }

  /** Those parts of the guidance that the network takes. */
  #guidanceFeeds(guidance: Guidance): HostTensors {
    return Object.fromEntries(
      Object.entries(guidanceShapes(this.#preset)).map(([name, shape]) => {
        const values = guidance[name as keyof Guidance];
        if (!values) throw new RangeError(`expected ${name} for the network ${this.name}, received none`);
        return [name, float32(values, shape)];
      }),
    );
  }

  async dispose(): Promise<void> {
    this.#sessions.clear();
    await this.#engine.close();
  }
}
