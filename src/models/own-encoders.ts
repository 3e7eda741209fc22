/**
 * The encoders that a model was trained together with: compact text encoder and degradation controller.
 *
 * @module
 */

import { DEGRADATIONS } from '../degradations/index.ts';
import { throwIfCancelled } from '../errors.ts';
import type { Raster } from '../image/raster.ts';
import { float32, floats } from '../runtime/session.ts';
import { COMBINATION_TEXTS } from './controller.ts';
import { inspectionTiles } from './inspection-tiles.ts';
import type { Findings, ModelEncoders } from './model.ts';
import { findingsGraph, statisticsGraph, textGraph } from './networks.ts';
import type { Preset } from './preset-schema.ts';
import type { Sessions } from './sessions.ts';
import { textFeeds } from './text-encoder.ts';

/** Tiles that the controller reads in one run. */
const INSPECTION_BATCH = 16;

export class OwnEncoders implements ModelEncoders {
  readonly #config: NonNullable<Preset['encoders']>;
  readonly #context: number;
  readonly #sessions: Sessions;
  #names: Promise<Float32Array> | undefined;

  /** @param context features of the embeddings */
  constructor(config: NonNullable<Preset['encoders']>, context: number, sessions: Sessions) {
    this.#config = config;
    this.#context = context;
    this.#sessions = sessions;
  }

  async encodeText(prompt: string): Promise<Float32Array> {
    const { text } = this.#config;
    const session = await this.#sessions.get('text', (graph) => textGraph(graph, text, this.#context));
    return floats((await session.run(textFeeds('prompt', [prompt], text))).outputs, 'embedding');
  }

  async inspect(image: Raster, signal?: AbortSignal): Promise<Findings> {
    const { controller } = this.#config;
    const statistics = await this.#statistics(image, signal);
    const session = await this.#sessions.get('findings', (graph) => findingsGraph(graph, controller, this.#context));
    this.#names ??= this.#nameEmbeddings();
    const { outputs } = await session.run({
      statistics: float32(statistics, [1, statistics.length]),
      texts: float32(await this.#names, [COMBINATION_TEXTS.length, this.#context]),
    });
    const [probability, strength] = [floats(outputs, 'probability'), floats(outputs, 'strength')];
    const found = DEGRADATIONS.map((name, i) => [
      name,
      { probability: probability[i] ?? 0, strength: strength[i] ?? 0 },
    ]);
    return { degradations: Object.fromEntries(found), embedding: floats(outputs, 'embedding') };
  }

  /** Mean of the statistics of the picture's tiles. */
  async #statistics(image: Raster, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { controller } = this.#config;
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
      const session = await this.#sessions.get(key, (graph) => statisticsGraph(graph, controller, part.length));
      const { outputs } = await session.run({ pictures: float32(pictures, [part.length, 3, tile, tile]) });
      floats(outputs, 'statistics').forEach((value, i) => {
        sums[i % sums.length] = (sums[i % sums.length] ?? 0) + value / tiles.length;
      });
    }
    return sums;
  }

  async #nameEmbeddings(): Promise<Float32Array> {
    const all = new Float32Array(COMBINATION_TEXTS.length * this.#context);
    for (const [i, text] of COMBINATION_TEXTS.entries()) all.set(await this.encodeText(text), i * this.#context);
    return all;
  }
}
