/**
 * Steps computed by a PyTorch process.
 *
 * Batches cross as 8-bit values and stay on the device for as long as they are used; what is drawn for each use is a few
 * numbers a picture, and the noise is made on the device from the seed and the step.
 *
 * @module
 */
import { ClearwordError } from '../../errors.ts';
import type { Preset } from '../../models/preset-schema.ts';
import { Random } from '../../random/random.ts';
import type { HostTensors } from '../../runtime/protocol.ts';
import { float32, floats } from '../../runtime/session.ts';
import type { TrainConfig } from '../config.ts';
import type { StepScalars, Vectors } from '../optimisers/index.ts';
import { muonMatrices } from '../optimisers/muon-matrices.ts';
import {
  type BatchUse,
  drawnFeeds,
  type FeedOptions,
  feedOptions,
  type LossParts,
  noiseFeed,
  pictureFeeds,
  type StepResult,
  validationFeeds,
} from '../step.ts';
import type { PreparedStep, StepEngine } from '../step-engine.ts';
import { LOSS_PARTS, type TrainingGraphOptions, trainingLayout } from '../training-graph.ts';
import type { Answer } from './messages.ts';
import { type ProcessOptions, PyTorchProcess } from './process.ts';
import { findPython } from './python.ts';

/** Keeps the draws of mirrored pictures apart from others of the same seed. */
const FLIP_STREAM = 0xf11b;

/** Steps that are launched before the first of them is done: the device always has the next one. */
const AHEAD = 3;

export interface PyTorchOptions extends Omit<ProcessOptions, 'threads'> {
  /** Noise as the built-in engine draws it, for comparisons: slow, and the same on every device. */
  readonly givenNoise?: boolean;
}

/** What the process is told of the networks, the losses and the optimiser. */
function settingsOf(config: TrainConfig, options: TrainingGraphOptions<Preset>) {
  const { preset, loss, only, auxiliary, optimiser } = options;
  const layout = trainingLayout(options);
  const { clipNorm } = optimiser;
  return {
    preset,
    loss,
    ...(only && { only }),
    auxiliary,
    layout: layout.entries.map(({ name, shape }) => ({ name, shape })),
    optimiser: {
      ...optimiser,
      // JSON has no infinity.
      clipNorm: Number.isFinite(clipNorm) ? clipNorm : null,
      matrices: optimiser.kind === 'muon' ? muonMatrices(layout, only) : [],
    },
    device: config.device ?? 'auto',
    precision: config.precision,
    compile: config.compile,
    parts: config.parts,
    ranks: config.ranks,
  };
}

/** 1 for the pictures [M] that a use of a batch mirrors. */
function flipFeed({ batch, step }: BatchUse, seed: number): HostTensors {
  const random = new Random(seed, FLIP_STREAM, step);
  const data = Uint8Array.from(batch.prompts, () => (random.uniform() < 0.5 ? 1 : 0));
  return { flip: { dtype: 'uint8', shape: [data.length], data } };
}

export class PyTorchEngine implements StepEngine {
  readonly ahead = AHEAD;
  readonly description: string;
  readonly #process: PyTorchProcess;
  readonly #echo: number;
  readonly #feeds: { readonly training: FeedOptions<Preset>; readonly validation: FeedOptions<Preset> };
  readonly #givenNoise: boolean;
  /** Numbers of the batches on the device, oldest first. */
  readonly #sent: number[] = [];

  private constructor(
    process: PyTorchProcess,
    { device, precision, compiled, torch, python, ranks = 1 }: Answer,
    config: TrainConfig,
    options: TrainingGraphOptions<Preset>,
    givenNoise: boolean,
  ) {
    this.#process = process;
    this.#echo = config.echo;
    this.#givenNoise = givenNoise;
    this.#feeds = { training: feedOptions(config, options), validation: validationFeeds(config, options) };
    const how = `${precision}${compiled ? ', compiled' : ''}`;
    const many = ranks > 1 ? `${ranks} x ` : '';
    this.description = `PyTorch ${torch} (Python ${python}) on ${many}${device}, ${how}`;
  }

  /**
   * Starts the process and gives it the vectors [P] to begin with.
   *
   * @throws ClearwordError INVALID_OPTION, PACKAGE_MISSING, DEVICE_UNAVAILABLE, RUNTIME_FAILED
   */
  static async open(
    config: TrainConfig,
    options: TrainingGraphOptions<Preset>,
    vectors: Vectors,
    { givenNoise = false, onNote }: PyTorchOptions = {},
  ): Promise<PyTorchEngine> {
    if (config.device === 'webgpu') {
      throw new ClearwordError(
        'DEVICE_UNAVAILABLE',
        'device: expected cpu, cuda or auto with PyTorch, received webgpu',
      );
    }
    const pictures = options.batch / options.patches;
    if (pictures < config.ranks) {
      const message = `batch: expected a picture for each of ${config.ranks} ranks, received ${pictures}`;
      throw new ClearwordError('INVALID_OPTION', message);
    }
    const process = new PyTorchProcess(await findPython(config.python), { threads: config.threads, onNote });
    try {
      const tensors = Object.entries(vectors).map(([name, data]) => [name, float32(data, [data.length])] as const);
      const settings = settingsOf(config, options);
      const answer = await process.ask({ kind: 'open', settings }, Object.fromEntries(tensors));
      return new PyTorchEngine(process, answer, config, options, givenNoise);
    } catch (error) {
      await process.close();
      throw error;
    }
  }

  prepare(use: BatchUse): PreparedStep {
    const { training } = this.#feeds;
    const number = use.batch.step;
    this.#send(use);
    const drawn = {
      ...drawnFeeds(use, training),
      ...(this.#echo > 1 ? flipFeed(use, training.seed) : {}),
      ...(this.#givenNoise ? noiseFeed(use, training) : {}),
    };
    const header = { kind: 'step', slot: number, seed: [training.seed, use.step] };
    return async (scalars: StepScalars) => resultOf(await this.#process.ask({ ...header, scalars }, drawn));
  }

  async vectors(): Promise<Vectors> {
    const { tensors } = await this.#process.ask({ kind: 'vectors' });
    const named = Object.keys(tensors).map((name) => [name, floats(tensors, name)] as const);
    return {
      ...Object.fromEntries(named),
      parameters: floats(tensors, 'parameters'),
      average: floats(tensors, 'average'),
    };
  }

  async score(uses: readonly BatchUse[]): Promise<Float32Array[]> {
    const { validation } = this.#feeds;
    const found: Float32Array[] = [];
    for (const use of uses) {
      const feeds = { ...pictureFeeds(use, validation), ...noiseFeed(use, validation), ...drawnFeeds(use, validation) };
      found.push(floats((await this.#process.ask({ kind: 'errors' }, feeds)).tensors, 'errors'));
    }
    return found;
  }

  close(): Promise<void> {
    return this.#process.close();
  }

  /** Sends a batch that the device has not, in the place of one that is not used any more. */
  #send(use: BatchUse): void {
    const number = use.batch.step;
    if (this.#sent.includes(number)) return;
    // Those of prepared steps that have not begun are kept as well.
    const forget = this.#sent.splice(0, Math.max(0, this.#sent.length - this.#echo - AHEAD));
    this.#sent.push(number);
    this.#process.tell({ kind: 'batch', slot: number, forget }, pictureFeeds(use, this.#feeds.training));
  }
}

function resultOf({ tensors, busy = 0 }: Answer): StepResult {
  const values = floats(tensors, 'values');
  const parts = Object.fromEntries(LOSS_PARTS.map((name, i) => [name, values[i] ?? Number.NaN])) as LossParts;
  const gradientNorm = values[LOSS_PARTS.length] ?? Number.NaN;
  if (!Number.isFinite(parts.loss) || !Number.isFinite(gradientNorm)) {
    const message = `training step: expected a finite loss and gradient, received loss ${parts.loss}, gradient norm ${gradientNorm}`;
    throw new ClearwordError('NON_FINITE', message);
  }
  return { ...parts, gradientNorm, errors: floats(tensors, 'errors'), busy };
}
