/**
 * What became of the pictures of one run of `clearword restore`: which are there already, which another run makes, and what
 * is printed about each.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises';
import { wordsFor } from '../degradations/index.ts';
import { ClearwordError } from '../errors.ts';
import { claimOutput } from './claims.ts';
import type { CommandContext } from './command.ts';
import { STANDARD } from './inputs.ts';
import type { Job } from './outputs.ts';
import type { ProgressDisplay } from './progress.ts';
import { printError, reportOf, visible } from './report.ts';
import { isDone, type JobReport } from './restore-job.ts';
import type { RestoreCommandOptions } from './restore-options.ts';

export class Tally {
  restored = 0;
  unchanged = 0;
  skipped = 0;
  failed = 0;
  readonly #json: boolean;
  readonly #context: CommandContext;
  readonly #progress: ProgressDisplay;

  constructor(json: boolean, context: CommandContext, progress: ProgressDisplay) {
    this.#json = json;
    this.#context = context;
    this.#progress = progress;
  }

  get count(): number {
    return this.restored + this.unchanged + this.skipped + this.failed;
  }

  text(): string {
    return `${this.restored} restored, ${this.unchanged} unchanged, ${this.skipped} skipped, ${this.failed} failed`;
  }

  /** Counts and prints a report. `quiet`: its error is part of one that was printed for all. */
  add(report: JobReport, quiet = false): void {
    this[report.status]++;
    this.#progress.around(() => this.#print(report, quiet));
  }

  /** Prints an error that is about several pictures. */
  say(error: unknown): void {
    this.#progress.around(() => printError(this.#context.stderr, error, this.#context.debug));
  }

  #print(report: JobReport, quiet: boolean): void {
    const { cause, ...fields } = report;
    const { stdout, stderr, debug } = this.#context;
    if (this.#json) stdout.write(`${JSON.stringify(fields)}\n`);
    for (const warning of report.warnings ?? []) {
      stderr.write(`warning: ${visible(report.input ?? '')}: ${visible(warning)}\n`);
    }
    if (report.status === 'failed' && !quiet) printError(stderr, cause, debug);
    // Standard output is the picture's then.
    const lines = report.output === STANDARD ? stderr : stdout;
    if (report.status !== 'failed' && !this.#json) lines.write(`${textOf(report)}\n`);
  }
}

function textOf(report: JobReport): string {
  const names = `${visible(report.input ?? '')} -> ${visible(report.output ?? '')}`;
  if (report.status === 'skipped') return `${names}  exists, skipped`;
  const { removing = [], perhaps = [] } = report.decision ?? {};
  const notes = [
    ...(report.prompt?.understood === false ? ['prompt not understood: everything found is removed'] : []),
    ...(perhaps.length > 0
      ? [`perhaps ${listed(perhaps)}, left alone: ask for it with --prompt "remove ${perhaps[0]}"`]
      : []),
  ];
  const { reading, model } = report.provenance ?? {};
  const done =
    report.status === 'unchanged'
      ? 'unchanged, nothing found or asked for'
      : reading === undefined
        ? `removed: ${described(report, removing)}`
        : `restored by ${visible(model ?? '')}`;
  return [`${names}  ${report.seconds?.toFixed(1)} s  ${done}`, ...notes].join('; ');
}

const listed = (names: readonly string[]): string => names.map((name) => wordsFor(name).label).join(', ');

/** Names with their strengths in people's units: noise 12, haze 40 %. What was not found has none that is worth saying. */
function described({ findings }: JobReport, names: readonly string[]): string {
  const words = names.map((name) => {
    const { label, strength } = wordsFor(name);
    const finding = findings?.degradations[name];
    if (finding?.verdict !== 'found') return `${label} (asked for, not found)`;
    return `${label} ${Math.round(strength.full * finding.strength)}${strength.unit}`;
  });
  return words.join(', ') || 'what the prompt says';
}

/** The jobs whose results are not there. Those that are, are told in one message, before any work. */
export async function withoutExisting(
  jobs: readonly Job[],
  { overwrite, skipExisting }: RestoreCommandOptions,
  tally: Tally,
): Promise<readonly Job[]> {
  if (overwrite || skipExisting) return jobs;
  const there = await Promise.all(jobs.map(isDone));
  const existing = jobs.filter((_, i) => there[i]);
  const [first] = existing;
  // One is told as it comes, with the message that it has anyway.
  if (first === undefined || existing.length === 1) return jobs;
  const message = `expected new names for the results, but ${existing.length} of ${jobs.length} exist, ${first.output} the first`;
  const error = new ClearwordError('OUTPUT_EXISTS', message);
  tally.say(error);
  for (const { input, output } of existing) {
    const own = new ClearwordError('OUTPUT_EXISTS', `expected a new name for ${output}, but the file exists`);
    tally.add({ status: 'failed', input, output, error: reportOf(own), cause: own }, true);
  }
  return jobs.filter((_, i) => !there[i]);
}

/** Milliseconds between looks at what another run makes. */
const LOOK = 500;

/**
 * The jobs for this run to do, one after the other. With --skip-existing other runs may be at work in the same folder: what
 * one of them has begun is left to it, and done here only if it ends without a result.
 */
export async function* shared(
  jobs: readonly Job[],
  { skipExisting }: RestoreCommandOptions,
  tally: Tally,
  signal: AbortSignal,
): AsyncGenerator<Job> {
  if (!skipExisting) {
    yield* jobs;
    return;
  }
  let waiting = jobs;
  while (waiting.length > 0) {
    const taken: Job[] = [];
    for (const job of waiting) {
      if (await isDone(job)) {
        tally.add({ status: 'skipped', input: job.input, output: job.output });
        continue;
      }
      const claim = await claimOutput(job.output);
      if (claim === undefined) {
        taken.push(job);
        continue;
      }
      try {
        // The other run may have finished it just now.
        if (await isDone(job)) tally.add({ status: 'skipped', input: job.input, output: job.output });
        else yield job;
      } finally {
        await claim.release();
      }
    }
    waiting = taken;
    if (waiting.length > 0) {
      await wait(LOOK, undefined, { signal }).catch(() => {
        throw new ClearwordError('CANCELLED', 'waiting for another run was cancelled');
      });
    }
  }
}
