/**
 * The engine's side of training: one session that holds parameters and optimiser, and what a step is fed.
 *
 * @module
 */
import type { Batch } from '../data/batch.ts';
import { DEGRADATIONS } from '../degradations/index.ts';
import { batchWeights } from '../diffusion/objective.ts';
import { MeanRevertingSde } from '../diffusion/sde.ts';
import { ClearwordError } from '../errors.ts';
import { COMBINATION_TEXTS, COMBINATIONS } from '../models/controller.ts';
import type { Preset } from '../models/preset-schema.ts';
import { textFeeds } from '../models/text-encoder.ts';
import { gaussianField, Random } from '../random/random.ts';
import { type Engine, float32, floats, type Session } from '../runtime/engine.ts';
import type { HostTensors } from '../runtime/protocol.ts';
import { weightFeeds } from './objective.ts';
import { RESIDENT, type ResidentName, STEP_SCALARS, type StepScalars } from './optimiser.ts';
import { LOSS_PARTS, type TrainingGraph } from './training-graph.ts';

/** Streams of the training's own draws, apart from the data's. */
const TIME_STREAM = 0x71;
const NOISE_STREAM = 0x4000_0000;

export type LossParts = Readonly<Record<(typeof LOSS_PARTS)[number], number>>;

export interface StepResult extends LossParts {
  readonly gradientNorm: number;
  /** Mean squared error of each sample, [N]. */
  readonly errors: Float32Array;
  /** Time inside the engine, ms. */
  readonly busy: number;
}

export interface FeedOptions {
  readonly preset: Preset;
  readonly patch: number;
  /** Share of the samples at t = T. */
  readonly finalShare: number;
  readonly seed: number;
}

/** What encoders from outside say about a batch, [N,context] each. */
export interface Embeddings {
  readonly text: Float32Array;
  readonly degradation: Float32Array;
}

/** Steps t of a batch: a share at T, the others uniform in 1..T. */
export function drawTimes(random: Random, count: number, T: number, finalShare: number): number[] {
  return Array.from({ length: count }, () => (random.uniform(0, 1) < finalShare ? T : 1 + random.int(T)));
}

/** Row n is 1 at the combination of degradations that sample n has, [N,8]. */
export function combinationTargets(presence: Float32Array): Float32Array {
  const count = presence.length / DEGRADATIONS.length;
  const targets = new Float32Array(count * COMBINATIONS.length);
  for (let n = 0; n < count; n++) {
    const bits = DEGRADATIONS.reduce((sum, _, i) => sum + (presence[n * DEGRADATIONS.length + i] ? 1 << i : 0), 0);
    targets[n * COMBINATIONS.length + bits] = 1;
  }
  return targets;
}

/** What a network is told about the pictures of a batch. */
function descriptionFeeds(
  batch: Batch,
  { encoders, fusion, name }: Preset,
  given: Embeddings | undefined,
): HostTensors {
  const n = batch.prompts.length;
  if (encoders) {
    return {
      strengths: float32(batch.strength, [n, DEGRADATIONS.length]),
      asked: float32(batch.asked, [n, DEGRADATIONS.length]),
      combination: float32(combinationTargets(batch.presence), [n, COMBINATIONS.length]),
      ...textFeeds('texts', [...batch.prompts, ...COMBINATION_TEXTS], encoders.text),
    };
  }
  if (!given) throw new ClearwordError('INVALID_OPTION', `preset ${name}: expected embeddings, received none`);
  const shape = [n, fusion.context];
  return { text: float32(given.text, shape), degradation: float32(given.degradation, shape) };
}

/** 8-bit values as numbers in 0..1. */
function unitValues(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < values.length; i++) values[i] = (bytes[i] as number) / 255;
  return values;
}

/**
 * The inputs of a step that follow from its batch, the seed and the step's number.
 *
 * @param embeddings of a preset without encoders of its own
 */
export function batchFeeds(
  batch: Batch,
  { preset, patch, finalShare, seed }: FeedOptions,
  embeddings?: Embeddings,
): HostTensors {
  const n = batch.prompts.length;
  const shape = [n, 3, patch, patch];
  const sde = new MeanRevertingSde(preset.sde);
  const times = drawTimes(new Random(seed, TIME_STREAM, batch.step), n, sde.T, finalShare);
  const noise = {
    seed,
    stream: NOISE_STREAM + batch.step,
    x0: 0,
    y0: 0,
    width: patch,
    height: patch,
    imageWidth: patch,
  };
  return {
    mu: float32(unitValues(batch.input), shape),
    x0: float32(unitValues(batch.target), shape),
    z: float32(gaussianField({ ...noise, channels: 3 * n }), shape),
    t: float32(Float32Array.from(times), [n]),
    ...descriptionFeeds(batch, preset, embeddings),
    ...weightFeeds(batchWeights(sde, preset.parameterisation, times)),
  };
}

/** A loaded training graph with its resident vectors. */
export class TrainingSession {
  readonly #session: Session;
  readonly #size: number;

  private constructor(session: Session, size: number) {
    this.#session = session;
    this.#size = size;
  }

  /** Loads the graph and puts the vectors [P] into the engine. */
  static async open(
    engine: Engine,
    graph: TrainingGraph,
    vectors: Readonly<Record<ResidentName, Float32Array>>,
  ): Promise<TrainingSession> {
    const session = await engine.load(graph.model, { resident: RESIDENT });
    const { size } = graph.layout;
    await session.write(
      Object.fromEntries(Object.entries(vectors).map(([name, data]) => [name, float32(data, [size])])),
    );
    return new TrainingSession(session, size);
  }

  /**
   * One step.
   *
   * @throws ClearwordError NON_FINITE if the loss or the gradient is not finite; the vectors are then as they were before
   */
  async step(feeds: HostTensors, scalars: StepScalars): Promise<StepResult> {
    const values = Object.fromEntries(STEP_SCALARS.map((name) => [name, float32(Float32Array.of(scalars[name]), [])]));
    const { outputs, busy } = await this.#session.run({ ...feeds, ...values });
    const scalar = (name: string) => floats(outputs, name)[0] ?? Number.NaN;
    const parts = Object.fromEntries(LOSS_PARTS.map((name) => [name, scalar(name)])) as LossParts;
    const gradientNorm = scalar('gradientNorm');
    if (!Number.isFinite(parts.loss) || !Number.isFinite(gradientNorm)) {
      await this.#session.rollback();
      const message = `training step: expected a finite loss and gradient, received loss ${parts.loss}, gradient norm ${gradientNorm}`;
      throw new ClearwordError('NON_FINITE', message);
    }
    return { ...parts, gradientNorm, errors: floats(outputs, 'errors'), busy };
  }

  /** Copies of the resident vectors. */
  async vectors(): Promise<Record<ResidentName, Float32Array>> {
    const values = await this.#session.read();
    const names = Object.keys(RESIDENT) as ResidentName[];
    return Object.fromEntries(names.map((name) => [name, floats(values, name)])) as Record<ResidentName, Float32Array>;
  }

  get size(): number {
    return this.#size;
  }
}
