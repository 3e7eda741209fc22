/**
 * Steps computed by ONNX Runtime.
 *
 * @module
 */
import { chooseDevice } from '../runtime/device.ts';
import { Engine, float32, floats, type Session } from '../runtime/engine.ts';
import type { TrainConfig } from './config.ts';
import type { Vectors } from './optimisers/index.ts';
import { type BatchUse, batchFeeds, type FeedOptions, feedOptions, TrainingSession, validationFeeds } from './step.ts';
import type { PreparedStep, StepEngine } from './step-engine.ts';
import { type TrainingGraphOptions, trainingGraph, validationGraph } from './training-graph.ts';

export class BuiltInEngine implements StepEngine {
  // A step that is not finite is rolled back before the next one begins.
  readonly ahead = 1;
  readonly description: string;
  /** For encoders from outside. */
  readonly engine: Engine;
  readonly #options: TrainingGraphOptions;
  readonly #feeds: { readonly training: FeedOptions; readonly validation: FeedOptions };
  readonly #session: TrainingSession;
  #validation: Promise<Session> | undefined;

  private constructor(engine: Engine, session: TrainingSession, config: TrainConfig, options: TrainingGraphOptions) {
    this.engine = engine;
    this.description = `ONNX Runtime on ${engine.device}`;
    this.#session = session;
    this.#options = options;
    this.#feeds = { training: feedOptions(config, options), validation: validationFeeds(config, options) };
  }

  /** Builds the step's graph and gives it the vectors [P] to begin with. */
  static async open(config: TrainConfig, options: TrainingGraphOptions, vectors: Vectors): Promise<BuiltInEngine> {
    const engine = new Engine({ device: await chooseDevice(config.device ?? 'cpu'), threads: config.threads });
    try {
      const session = await TrainingSession.open(engine, trainingGraph(options), vectors);
      return new BuiltInEngine(engine, session, config, options);
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  prepare(use: BatchUse): PreparedStep {
    const feeds = batchFeeds(use, this.#feeds.training);
    return (scalars) => this.#session.step(feeds, scalars);
  }

  vectors(): Promise<Vectors> {
    return this.#session.vectors();
  }

  async score(uses: readonly BatchUse[]): Promise<Float32Array[]> {
    this.#validation ??= this.engine.load(validationGraph(this.#options));
    const [session, { average }] = [await this.#validation, await this.#session.vectors()];
    const parameters = float32(average, [average.length]);
    const found: Float32Array[] = [];
    for (const use of uses) {
      const feeds = batchFeeds(use, this.#feeds.validation);
      found.push(floats((await session.run({ ...feeds, parameters })).outputs, 'errors'));
    }
    return found;
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}
