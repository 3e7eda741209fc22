/**
 * The training loop.
 *
 * While the engine computes a step, worker threads make the next batches and this thread prepares the next step's inputs;
 * the engine waits for neither.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises';
import { BatchLoader } from '../data/loader.ts';
import { ClearwordError } from '../errors.ts';
import { chooseDevice } from '../runtime/device.ts';
import { Engine } from '../runtime/engine.ts';
import { type Checkpoint, saveCheckpoint } from './checkpoint.ts';
import type { TrainConfig } from './config.ts';
import { BatchEmbeddings } from './embeddings.ts';
import { appendLog } from './log.ts';
import { cosineSchedule, type StepScalars } from './optimiser.ts';
import { graphOptions, startingPoint } from './start.ts';
import { batchFeeds, type StepResult, TrainingSession } from './step.ts';
import { type TrainingGraphOptions, trainingGraph } from './training-graph.ts';
import { Validation, type ValidationRow } from './validation.ts';

export interface TrainProgress {
  /** Steps done. */
  readonly step: number;
  /** 0..1. */
  readonly fraction: number;
  /** Mean over the steps since the report before. */
  readonly loss: number;
  readonly stepsPerSecond: number;
  /** Seconds until the end at this speed. */
  readonly remaining: number;
  /** Share of the time that the engine was computing, since the start of this part. */
  readonly busyShare: number;
}

export interface TrainEvents {
  readonly onProgress?: (progress: TrainProgress) => void;
  readonly onValidation?: (step: number, rows: readonly ValidationRow[]) => void;
  readonly onCheckpoint?: (path: string) => void;
  /** Aborting it saves a checkpoint and ends the run cleanly. */
  readonly signal?: AbortSignal;
}

export interface TrainResult {
  readonly step: number;
  readonly checkpoint: string;
  /** False when the run was stopped before its end. */
  readonly finished: boolean;
  readonly busyShare: number;
}

/** Steps between two lines of the log. */
const LOG_EVERY = 20;

/** Progress of a run in 0..1, by steps or by time. */
function fractionOf({ steps, minutes }: TrainConfig, step: number, milliseconds: number): number {
  return steps !== undefined ? step / steps : milliseconds / ((minutes ?? 1) * 60_000);
}

export function scalarsOf(config: TrainConfig, step: number, fraction: number): StepScalars {
  const { learningRate: peak, floor, betas, warmup } = config.optimiser;
  const { decay, every } = config.average;
  const rate =
    step < warmup ? (peak * (step + 1)) / warmup : cosineSchedule(fraction, { peak, floor, warmup: 0, total: 1 });
  return {
    learningRate: rate,
    correction1: 1 - betas[0] ** (step + 1),
    correction2: 1 - betas[1] ** (step + 1),
    averageDecay: (step + 1) % every === 0 ? decay : 1,
  };
}

/** One run, or a part of it. Everything that it opens, it closes. */
export async function train(
  config: TrainConfig,
  folder: string,
  resume: boolean,
  events: TrainEvents = {},
): Promise<TrainResult> {
  const options = graphOptions(config);
  const graph = trainingGraph(options);
  await mkdir(folder, { recursive: true });
  const start = await startingPoint(config, folder, graph, resume);
  const engine = new Engine({ device: await chooseDevice(config.device), threads: config.threads });
  try {
    const loader = await BatchLoader.open({ config: config.data, batchSize: config.batch, firstStep: start.step });
    try {
      const embeddings = await BatchEmbeddings.open(engine, config, options.preset);
      const validation = await Validation.open(engine, config, options, embeddings);
      const session = await TrainingSession.open(engine, graph, start.vectors);
      return await new Run(config, folder, options, start, session, loader, embeddings, validation, events).go();
    } finally {
      await loader.close();
    }
  } finally {
    await engine.close();
  }
}

class Run {
  #step: number;
  #milliseconds: number;
  #busy = 0;
  readonly #began = performance.now();
  readonly #folder: string;
  readonly #config: TrainConfig;
  readonly #options: TrainingGraphOptions;
  readonly #layout: string;
  readonly #before: number;
  readonly #session: TrainingSession;
  readonly #loader: BatchLoader;
  readonly #embeddings: BatchEmbeddings | undefined;
  readonly #validation: Validation | undefined;
  readonly #events: TrainEvents;

  constructor(
    config: TrainConfig,
    folder: string,
    options: TrainingGraphOptions,
    start: Checkpoint,
    session: TrainingSession,
    loader: BatchLoader,
    embeddings: BatchEmbeddings | undefined,
    validation: Validation | undefined,
    events: TrainEvents,
  ) {
    this.#config = config;
    this.#folder = folder;
    this.#options = options;
    this.#layout = start.layout;
    this.#step = start.step;
    this.#before = start.milliseconds;
    this.#milliseconds = start.milliseconds;
    this.#session = session;
    this.#loader = loader;
    this.#embeddings = embeddings;
    this.#validation = validation;
    this.#events = events;
  }

  async go(): Promise<TrainResult> {
    const { checkpoint, steps } = this.#config;
    const finished = () => (steps !== undefined ? this.#step >= steps : this.#fraction() >= 1);
    let feeds = this.#nextFeeds();
    const window: StepResult[] = [];
    let windowStart = performance.now();
    while (!finished() && !this.#events.signal?.aborted) {
      const running = this.#session.step(await feeds, scalarsOf(this.#config, this.#step, this.#fraction()));
      feeds = this.#nextFeeds();
      // A batch that cannot be made is reported when its turn comes, not while this step runs.
      feeds.catch(() => undefined);
      const result = await running.catch((error: unknown) => this.#saveAndRethrow(error));
      this.#step++;
      this.#busy += result.busy;
      this.#milliseconds = this.#before + performance.now() - this.#began;
      window.push(result);
      if (this.#step % LOG_EVERY === 0 || finished()) {
        await this.#report(window, performance.now() - windowStart);
        window.length = 0;
        windowStart = performance.now();
      }
      if (this.#validation && this.#step % this.#validation.every === 0) await this.#validate(this.#validation);
      if (this.#step % checkpoint.every === 0 && !finished()) await this.#save();
    }
    feeds.catch(() => undefined);
    const path = await this.#save();
    return { step: this.#step, checkpoint: path, finished: finished(), busyShare: this.#busyShare() };
  }

  #fraction(): number {
    return Math.min(1, fractionOf(this.#config, this.#step, this.#milliseconds));
  }

  #busyShare(): number {
    return this.#busy / Math.max(1, performance.now() - this.#began);
  }

  async #nextFeeds() {
    const { seed, finalShare, data } = this.#config;
    const batch = await this.#loader.next();
    const embeddings = await this.#embeddings?.of(batch, data.patch);
    return batchFeeds(batch, { preset: this.#options.preset, patch: data.patch, finalShare, seed }, embeddings);
  }

  /** The state is that of before the failed step: it is worth keeping. */
  async #saveAndRethrow(error: unknown): Promise<never> {
    if (error instanceof ClearwordError && error.code === 'NON_FINITE') {
      const path = await this.#save();
      throw new ClearwordError(
        'NON_FINITE',
        `step ${this.#step + 1}: ${error.message}; the state before it is in ${path}`,
        { cause: error },
      );
    }
    throw error;
  }

  async #report(window: readonly StepResult[], milliseconds: number): Promise<void> {
    const mean = (value: (result: StepResult) => number) =>
      window.reduce((sum, r) => sum + value(r), 0) / window.length;
    const fraction = this.#fraction();
    const elapsed = this.#milliseconds;
    const progress: TrainProgress = {
      step: this.#step,
      fraction,
      loss: mean((r) => r.loss),
      stepsPerSecond: (1000 * window.length) / milliseconds,
      remaining: fraction > 0 ? (elapsed / 1000) * (1 / fraction - 1) : Number.POSITIVE_INFINITY,
      busyShare: this.#busyShare(),
    };
    const { learningRate } = scalarsOf(this.#config, this.#step - 1, fraction);
    await appendLog(this.#folder, {
      kind: 'step',
      step: progress.step,
      loss: progress.loss,
      stepsPerSecond: progress.stepsPerSecond,
      busyShare: progress.busyShare,
      restoration: mean((r) => r.restoration),
      contrastive: mean((r) => r.contrastive),
      strength: mean((r) => r.strength),
      intent: mean((r) => r.intent),
      gradientNorm: mean((r) => r.gradientNorm),
      learningRate,
      minutes: elapsed / 60_000,
    });
    this.#events.onProgress?.(progress);
  }

  async #validate(validation: Validation): Promise<void> {
    const { average } = await this.#session.vectors();
    const rows = await validation.score(average);
    await appendLog(this.#folder, {
      kind: 'validation',
      step: this.#step,
      minutes: this.#milliseconds / 60_000,
      rows: [...rows],
    });
    this.#events.onValidation?.(this.#step, rows);
  }

  async #save(): Promise<string> {
    const vectors = await this.#session.vectors();
    const state = {
      step: this.#step,
      milliseconds: this.#milliseconds,
      config: this.#config,
      layout: this.#layout,
      vectors,
    };
    const path = await saveCheckpoint(this.#folder, state, this.#config.checkpoint.keep);
    this.#events.onCheckpoint?.(path);
    return path;
  }
}
