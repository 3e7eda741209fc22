/**
 * The training loop.
 *
 * While the engine computes steps, worker threads make the next batches and this thread prepares the next step's inputs; the
 * engine waits for neither.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises';
import { writeFailure } from '../atomic-file.ts';
import { BatchLoader } from '../data/loader.ts';
import { ClearwordError } from '../errors.ts';
import type { DownloadProgress } from '../hub/download.ts';
import { batchForm } from './batch-form.ts';
import { type Checkpoint, saveCheckpoint } from './checkpoint.ts';
import type { TrainConfig } from './config.ts';
import { EchoedBatches, firstBatch } from './echo.ts';
import { BatchEmbeddings } from './embeddings.ts';
import { type LogEntry, RunLog } from './log.ts';
import { openEngine } from './open-engine.ts';
import { learningRateAt, scalarsOf } from './schedule.ts';
import { graphOptions, startingPoint } from './start.ts';
import type { StepResult } from './step.ts';
import type { PreparedStep, StepEngine } from './step-engine.ts';
import { trainingLayout } from './training-graph.ts';
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
  /** A checkpoint or a line of the log could not be written; the run goes on and tries again. */
  readonly onUnwritable?: (error: ClearwordError) => void;
  /** Called with what computes, and with what that has to say: that it goes on in smaller parts, say. */
  readonly onNote?: (note: string) => void;
  /** Called while weights of encoders from outside are downloaded. */
  readonly onDownload?: (progress: DownloadProgress) => void;
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

/** One run, or a part of it. Everything that it opens, it closes. */
export async function train(
  config: TrainConfig,
  folder: string,
  resume: boolean,
  events: TrainEvents = {},
): Promise<TrainResult> {
  const options = graphOptions(config);
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw writeFailure(folder, cause);
  });
  const start = await startingPoint(config, folder, trainingLayout(options), resume);
  const embeddings = await BatchEmbeddings.open(config, options.preset, events);
  try {
    const loader = await BatchLoader.open({
      config: config.data,
      ...batchForm(options.preset),
      batchSize: config.batch,
      firstStep: firstBatch(start.step, config.echo),
    });
    try {
      const validation = await Validation.open(config, options, embeddings);
      const engine = await openEngine(config, options, start.vectors, { onNote: events.onNote });
      try {
        events.onNote?.(engine.description);
        const log = await RunLog.open(folder);
        const { step, milliseconds, layout } = start;
        const batches = new EchoedBatches(() => loader.next(), config.echo, step);
        const begin = { step, milliseconds, layout };
        return await new Run({ config, folder, begin, engine, batches, embeddings, validation, log, events }).go();
      } finally {
        await engine.close();
      }
    } finally {
      await loader.close();
    }
  } finally {
    await embeddings?.close();
  }
}

/** What a run works with. */
interface RunParts {
  readonly config: TrainConfig;
  readonly folder: string;
  /** Without the vectors, which the engine has its own copy of. */
  readonly begin: Omit<Checkpoint, 'vectors' | 'config'>;
  readonly engine: StepEngine;
  readonly batches: EchoedBatches;
  readonly embeddings: BatchEmbeddings | undefined;
  readonly validation: Validation | undefined;
  readonly log: RunLog;
  readonly events: TrainEvents;
}

class Run {
  readonly #parts: RunParts;
  readonly #began = performance.now();
  #step: number;
  #milliseconds: number;
  #busy = 0;
  /** Results since the last report. */
  readonly #window: StepResult[] = [];
  #windowBegan = performance.now();
  /** A checkpoint is due that could not be written. */
  #unsaved = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#step = parts.begin.step;
    this.#milliseconds = parts.begin.milliseconds;
  }

  async go(): Promise<TrainResult> {
    const { config, engine, validation, events } = this.#parts;
    const { checkpoint, steps } = config;
    const finished = () => (steps !== undefined ? this.#step >= steps : this.#fraction() >= 1);
    const underWay: Promise<StepResult>[] = [];
    let started = this.#step;
    let prepared = this.#prepare(started);
    while (!finished() && !events.signal?.aborted) {
      const boundary = this.#boundary();
      while (underWay.length < engine.ahead && started < boundary) {
        const running = (await prepared)(scalarsOf(config, started, this.#fraction(started)));
        // What fails is reported when its turn comes, not while another step runs.
        running.catch(() => undefined);
        underWay.push(running);
        prepared = this.#prepare(++started);
      }
      await this.#finish(underWay.shift());
      const reporting = this.#step % LOG_EVERY === 0;
      if (reporting) await this.#report();
      if (validation && this.#step % validation.every === 0) await this.#validate(validation);
      const due = this.#step % checkpoint.every === 0 || (this.#unsaved && reporting);
      if (due && !finished()) this.#unsaved = !(await this.#attempt(() => this.#save()));
    }
    for (const running of underWay) await this.#finish(running);
    if (this.#window.length > 0) await this.#report();
    const path = await this.#save();
    return { step: this.#step, checkpoint: path, finished: finished(), busyShare: this.#busyShare() };
  }

  /** Inputs of a step, while the ones before are computed. */
  #prepare(step: number): Promise<PreparedStep> {
    const { config, engine, batches, embeddings } = this.#parts;
    const make = async () => {
      const batch = await batches.of(step);
      return engine.prepare({ batch, step, embeddings: await embeddings?.of(batch, config.data.patch) });
    };
    const prepared = make();
    // A batch that cannot be made is reported when its turn comes.
    prepared.catch(() => undefined);
    return prepared;
  }

  /** Steps that may begin before the next time that something is done with the vectors. */
  #boundary(): number {
    const { checkpoint, validation, steps } = this.#parts.config;
    const next = (every: number) => (Math.floor(this.#step / every) + 1) * every;
    const times = [checkpoint.every, ...(validation ? [validation.every] : []), ...(this.#unsaved ? [LOG_EVERY] : [])];
    return Math.min(steps ?? Number.POSITIVE_INFINITY, ...times.map(next));
  }

  async #finish(running: Promise<StepResult> | undefined): Promise<void> {
    if (!running) return;
    const result = await running.catch((error: unknown) => this.#saveAndRethrow(error));
    this.#step++;
    this.#busy += result.busy;
    this.#milliseconds = this.#parts.begin.milliseconds + performance.now() - this.#began;
    this.#window.push(result);
  }

  #fraction(step = this.#step): number {
    return Math.min(1, fractionOf(this.#parts.config, step, this.#milliseconds));
  }

  #busyShare(): number {
    return this.#busy / Math.max(1, performance.now() - this.#began);
  }

  /** A disk that is full for a while costs nothing: writing is tried again, and only the end of the run insists on it. */
  async #attempt(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      if (!(error instanceof ClearwordError) || error.code !== 'OUTPUT_UNWRITABLE') throw error;
      this.#parts.events.onUnwritable?.(error);
      return false;
    }
  }

  async #log(entry: LogEntry): Promise<void> {
    await this.#attempt(() => this.#parts.log.append(entry));
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

  async #report(): Promise<void> {
    const window = this.#window.splice(0);
    const milliseconds = performance.now() - this.#windowBegan;
    this.#windowBegan = performance.now();
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
    const learningRate = learningRateAt(this.#parts.config, this.#step - 1, fraction);
    await this.#log({
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
    this.#parts.events.onProgress?.(progress);
  }

  async #validate(validation: Validation): Promise<void> {
    const rows = await validation.score(this.#parts.engine);
    await this.#log({
      kind: 'validation',
      step: this.#step,
      minutes: this.#milliseconds / 60_000,
      rows: [...rows],
    });
    this.#parts.events.onValidation?.(this.#step, rows);
  }

  async #save(): Promise<string> {
    const { config, folder, begin, engine, events } = this.#parts;
    const vectors = await engine.vectors();
    const state = { step: this.#step, milliseconds: this.#milliseconds, config, layout: begin.layout, vectors };
    const path = await saveCheckpoint(folder, state, config.checkpoint.keep);
    events.onCheckpoint?.(path);
    return path;
  }
}
