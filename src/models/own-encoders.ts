/**
 * The encoders that a model was trained together with: compact text encoder and degradation controller.
 *
 * @module
 */
import { throwIfCancelled } from '../errors.ts';
import type { Raster } from '../image/raster.ts';
import { float32, floats } from '../runtime/session.ts';
import { type Calibration, judge } from './calibration.ts';
import { statisticsSizes } from './controller.ts';
import { inspectionTiles } from './inspection-tiles.ts';
import { labellingOf } from './labels.ts';
import type { Findings, ModelEncoders, PictureViews } from './model.ts';
import { findingsGraph, type OwnPreset, statisticsGraph, textGraph, viewGraph } from './networks.ts';
import type { Sessions } from './sessions.ts';
import { textFeeds } from './text-encoder.ts';

/** Tiles that the controller reads in one run. */
const INSPECTION_BATCH = 16;

export class OwnEncoders implements ModelEncoders {
  readonly viewSide: number | undefined;
  readonly #preset: OwnPreset;
  readonly #sessions: Sessions;
  readonly #calibration: Readonly<Record<string, Calibration>>;
  #labels: Promise<Float32Array> | undefined;

  constructor(preset: OwnPreset, sessions: Sessions, calibration: Readonly<Record<string, Calibration>> = {}) {
    this.#preset = preset;
    this.#calibration = calibration;
    this.#sessions = sessions;
    this.viewSide = preset.encoders.controller.view?.side;
  }

  async encodeText(prompt: string): Promise<Float32Array> {
    const { text } = this.#preset.encoders;
    const session = await this.#sessions.get('text', (graph) => textGraph(graph, this.#preset));
    return floats((await session.run(textFeeds('prompt', [prompt], text))).outputs, 'embedding');
  }

  async inspect(views: PictureViews, signal?: AbortSignal): Promise<Findings> {
    const { degradations, fusion } = this.#preset;
    const close = await this.#statistics(views.close, signal);
    const whole = await this.#view(views.whole);
    const session = await this.#sessions.get('findings', (graph) => findingsGraph(graph, this.#preset));
    this.#labels ??= this.#labelEmbeddings();
    const labels = await this.#labels;
    const { outputs } = await session.run({
      close: float32(close, [1, close.length]),
      ...(whole ? { view: float32(whole.statistics, [1, whole.statistics.length]) } : {}),
      texts: float32(labels, [labels.length / fusion.context, fusion.context]),
    });
    const [probability, strength] = [floats(outputs, 'probability'), floats(outputs, 'strength')];
    const found = degradations.map((name, i) => [
      name,
      judge({ probability: probability[i] ?? 0, strength: strength[i] ?? 0 }, this.#calibration[name]),
    ]);
    return { degradations: Object.fromEntries(found), embedding: floats(outputs, 'embedding'), view: whole?.tokens };
  }

  /** Mean of the statistics of the picture's tiles. */
  async #statistics(image: Raster, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { controller } = this.#preset.encoders;
    const { tile } = controller;
    const tiles = inspectionTiles(image, tile);
    const sums = new Float32Array(statisticsSizes(controller).close);
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

  /** What the whole picture shows, where the controller looks at it. */
  async #view(whole: Raster | undefined) {
    const { view } = this.#preset.encoders.controller;
    if (!view) return undefined;
    if (whole?.width !== view.side || whole.height !== view.side) {
      throw new RangeError(`expected the whole picture as a square of ${view.side}, received ${whole?.width}`);
    }
    const session = await this.#sessions.get('view', (graph) => viewGraph(graph, view, this.#preset.fusion.context));
    const { outputs } = await session.run({ view: float32(whole.data, [1, 3, view.side, view.side]) });
    return { statistics: floats(outputs, 'statistics'), tokens: floats(outputs, 'tokens') };
  }

  async #labelEmbeddings(): Promise<Float32Array> {
    const { degradations, encoders, fusion } = this.#preset;
    const texts = labellingOf(encoders.controller).texts(degradations);
    const all = new Float32Array(texts.length * fusion.context);
    for (const [i, text] of texts.entries()) all.set(await this.encodeText(text), i * fusion.context);
    return all;
  }
}
