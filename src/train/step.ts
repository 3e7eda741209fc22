/**
 * The engine's side of training: one session that holds parameters and optimiser, and what a step is fed.
 *
 * @module
 */
import type { Batch } from '../data/batch.ts';
import { batchWeights } from '../diffusion/objective.ts';
import { MeanRevertingSde } from '../diffusion/sde.ts';
import { ClearwordError } from '../errors.ts';
import { combinationTargets, labellingOf } from '../models/labels.ts';
import { hasOwnEncoders, type OwnPreset } from '../models/networks.ts';
import { isPlainPreset, type TrainedPreset } from '../models/plain/presets.ts';
import type { Preset } from '../models/preset-schema.ts';
import { textFeeds } from '../models/text-encoder.ts';
import { gaussianField, Random } from '../random/random.ts';
import { type Engine, float32, floats, type Session } from '../runtime/engine.ts';
import type { HostTensors } from '../runtime/protocol.ts';
import type { TrainConfig } from './config.ts';
import { weightFeeds } from './objective.ts';
import type { StepScalars, Vectors } from './optimisers/index.ts';
import { noiseLevelFeed } from './plain-step.ts';
import { LOSS_PARTS, type TrainingGraph, type TrainingGraphOptions } from './training-graph.ts';

/** Streams of the training's own draws, apart from the data's. */
const TIME_STREAM = 0x71;
const NOISE_STREAM = 0x4000_0000;
const TOLD_STREAM = 0x701d;

export type LossParts = Readonly<Record<(typeof LOSS_PARTS)[number], number>>;

export interface StepResult extends LossParts {
  readonly gradientNorm: number;
  /** Mean squared error of each sample, [N]. */
  readonly errors: Float32Array;
  /** Time inside the engine, ms. */
  readonly busy: number;
}

export interface FeedOptions<Of extends TrainedPreset = TrainedPreset> {
  readonly preset: Of;
  readonly patch: number;
  /** Share of the samples at t = T. */
  readonly finalShare: number;
  /** Share of the pictures whose strengths the network is told, and of these the share that is told wrongly. */
  readonly told?: { readonly share: number; readonly perturbed: number } | undefined;
  readonly seed: number;
}

/** Standard deviation of the logarithm of a wrong strength. */
const PERTURBATION = 0.25;

/** What encoders from outside say about a batch, [N,context] each. */
export interface Embeddings {
  readonly text: Float32Array;
  readonly degradation: Float32Array;
}

/** Steps t of a batch: a share at T, the others uniform in 1..T. */
export function drawTimes(random: Random, count: number, T: number, finalShare: number): number[] {
  return Array.from({ length: count }, () => (random.uniform(0, 1) < finalShare ? T : 1 + random.int(T)));
}

/**
 * What the network is told of the strengths [M,D], [M,2D]: each picture's as they are, or all a little wrong as a user may have
 * them, or nothing, as is usual; then whether it was told.
 */
export function drawTold(
  random: Random,
  strength: Float32Array,
  pictures: number,
  { told }: Pick<FeedOptions, 'told'>,
) {
  const count = strength.length / pictures;
  const values = new Float32Array(2 * strength.length);
  for (let m = 0; m < pictures; m++) {
    const known = random.uniform() < (told?.share ?? 0);
    const wrong = random.uniform() < (told?.perturbed ?? 0);
    for (let i = 0; i < count; i++) {
      const factor = Math.exp(PERTURBATION * random.normal());
      const truth = strength[m * count + i] ?? 0;
      values[2 * m * count + i] = known ? Math.min(1, truth * (wrong ? factor : 1)) : 0;
      values[(2 * m + 1) * count + i] = known ? 1 : 0;
    }
  }
  return values;
}

/** What a network with encoders of its own learns about the pictures of a batch from their labels and prompts. */
function labelFeeds(batch: Batch, preset: OwnPreset): HostTensors {
  const { encoders, degradations } = preset;
  const { labels = 'combinations', view } = encoders.controller;
  const [m, count] = [batch.prompts.length, degradations.length];
  const texts = [...batch.prompts, ...labellingOf(encoders.controller).texts(degradations)];
  return {
    strengths: float32(batch.strength, [m, count]),
    asked: float32(batch.asked, [m, count]),
    ...(labels === 'sigmoid'
      ? { presence: float32(batch.presence, [m, count]) }
      : { combination: float32(combinationTargets(batch.presence, count), [m, 2 ** count]) }),
    ...(view && batch.view ? { view: uint8(batch.view, [m, 3, view.side, view.side]) } : {}),
    ...textFeeds('texts', texts, encoders.text),
  };
}

/** What a network is told about the pictures of a batch. */
function descriptionFeeds(batch: Batch, { preset }: FeedOptions, given: Embeddings | undefined): HostTensors {
  if (isPlainPreset(preset)) return preset.plain.takesNoiseLevel ? noiseLevelFeed(batch) : {};
  if (hasOwnEncoders(preset)) return labelFeeds(batch, preset);
  const { name, fusion } = preset;
  if (!given) throw new ClearwordError('INVALID_OPTION', `preset ${name}: expected embeddings, received none`);
  const shape = [batch.prompts.length, fusion.context];
  return { text: float32(given.text, shape), degradation: float32(given.degradation, shape) };
}

const uint8 = (data: Uint8Array, shape: readonly number[]) => ({ dtype: 'uint8', shape, data }) as const;

/** 8-bit values as numbers in 0..1. */
function unitValues(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < values.length; i++) values[i] = (bytes[i] as number) / 255;
  return values;
}

/** What is drawn for the training steps of a configuration. */
export const feedOptions = <Of extends TrainedPreset>(
  config: TrainConfig,
  { preset }: TrainingGraphOptions<Of>,
): FeedOptions<Of> => ({
  preset,
  patch: config.data.patch,
  finalShare: config.finalShare,
  told: config.told,
  seed: config.seed,
});

/** Held-back samples begin at t = T, with noise of their own. */
export const validationFeeds = <Of extends TrainedPreset>(
  config: TrainConfig,
  options: TrainingGraphOptions<Of>,
): FeedOptions<Of> => ({
  ...feedOptions(config, options),
  finalShare: 1,
  told: undefined,
  seed: config.seed + 1,
});

/** A batch, and the number of the step that it is used in, which addresses all random choices. */
export interface BatchUse {
  readonly batch: Batch;
  readonly step: number;
  /** Of a preset without encoders of its own. */
  readonly embeddings?: Embeddings | undefined;
}

/** The pictures of a batch, as 8-bit values, and what is known of them: the same however often it is used. */
export function pictureFeeds({ batch, embeddings }: Omit<BatchUse, 'step'>, options: FeedOptions): HostTensors {
  const shape = [batch.prompts.length * batch.patches, 3, options.patch, options.patch];
  return {
    mu: uint8(batch.input, shape),
    x0: uint8(batch.target, shape),
    ...descriptionFeeds(batch, options, embeddings),
  };
}

/** What is drawn anew for each use of a batch: steps t [M], the weights of the objective there, and what is told. */
export function drawnFeeds({ batch, step }: BatchUse, options: FeedOptions<Preset>): HostTensors {
  const { preset, finalShare, seed } = options;
  const pictures = batch.prompts.length;
  const sde = new MeanRevertingSde(preset.sde);
  const times = drawTimes(new Random(seed, TIME_STREAM, step), pictures, sde.T, finalShare);
  const ofPatches = times.flatMap((t) => new Array<number>(batch.patches).fill(t));
  const told = () => drawTold(new Random(seed, TOLD_STREAM, step), batch.strength, pictures, options);
  return {
    t: float32(Float32Array.from(times), [pictures]),
    ...(preset.fusion.strengths ? { told: float32(told(), [pictures, 2 * batch.degradations.length]) } : {}),
    ...weightFeeds(batchWeights(sde, preset.parameterisation, ofPatches)),
  };
}

/** The noise z [N,3,P,P] of a step. */
export function noiseFeed({ batch, step }: BatchUse, { patch, seed }: FeedOptions): HostTensors {
  const n = batch.prompts.length * batch.patches;
  const size = { width: patch, height: patch, imageWidth: patch };
  const place = { seed, stream: NOISE_STREAM + step, x0: 0, y0: 0, ...size, channels: 3 * n };
  return { z: float32(gaussianField(place), [n, 3, patch, patch]) };
}

/** All inputs of a step, as its graph takes them. They follow from the batch, the seed and the step's number. */
export function batchFeeds(use: BatchUse, options: FeedOptions): HostTensors {
  const pictures = Object.entries(pictureFeeds(use, options)).map(([name, tensor]) => {
    const { dtype, data, shape } = tensor;
    return [name, dtype === 'uint8' ? float32(unitValues(data as Uint8Array), shape) : tensor] as const;
  });
  const { preset, ...rest } = options;
  // There are no steps and no noise on the way of a plain network.
  if (isPlainPreset(preset)) return Object.fromEntries(pictures);
  return { ...Object.fromEntries(pictures), ...noiseFeed(use, options), ...drawnFeeds(use, { ...rest, preset }) };
}

/** A loaded training graph with its resident vectors. */
export class TrainingSession {
  readonly #session: Session;
  readonly #graph: TrainingGraph;

  private constructor(session: Session, graph: TrainingGraph) {
    this.#session = session;
    this.#graph = graph;
  }

  /** Loads the graph and puts the vectors [P] into the engine. */
  static async open(engine: Engine, graph: TrainingGraph, vectors: Vectors): Promise<TrainingSession> {
    const session = await engine.load(graph.model, { resident: graph.resident });
    const { size } = graph.layout;
    await session.write(
      Object.fromEntries(Object.entries(vectors).map(([name, data]) => [name, float32(data, [size])])),
    );
    return new TrainingSession(session, graph);
  }

  /**
   * One step.
   *
   * @throws ClearwordError NON_FINITE if the loss or the gradient is not finite; the vectors are then as they were before
   */
  async step(feeds: HostTensors, scalars: StepScalars): Promise<StepResult> {
    const values = Object.fromEntries(
      Object.entries(scalars).map(([name, value]) => [name, float32(Float32Array.of(value), [])]),
    );
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
  async vectors(): Promise<Vectors> {
    const values = await this.#session.read();
    const vectors = Object.keys(this.#graph.resident).map((name) => [name, floats(values, name)] as const);
    return {
      ...Object.fromEntries(vectors),
      parameters: floats(values, 'parameters'),
      average: floats(values, 'average'),
    };
  }

  get size(): number {
    return this.#graph.layout.size;
  }
}
