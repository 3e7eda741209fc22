/**
 * One picture of `clearword restore`.
 *
 * @module
 */
import { access } from 'node:fs/promises';
import type { Clearword, RestoreProgress } from '../clearword.ts';
import { ClearwordError } from '../errors.ts';
import type { Findings } from '../models/model.ts';
import type { Provenance } from '../restore/provenance.ts';
import { outputFormat, type RestoredImage } from '../restore/restored-image.ts';
import type { RestoreResult } from '../restore/result.ts';
import { companions, type Job } from './outputs.ts';
import { type ErrorReport, reportOf } from './report.ts';
import { type RestoreCommandOptions, restoreParameters } from './restore-options.ts';

/** What is printed about an input; with --json as it is, without `cause`. */
export interface JobReport {
  readonly status: 'restored' | 'skipped' | 'failed';
  readonly input?: string;
  readonly output?: string;
  readonly seconds?: number;
  readonly width?: number;
  readonly height?: number;
  /** Of the controller, without its embedding. */
  readonly findings?: Pick<Findings, 'degradations'>;
  readonly provenance?: Provenance;
  /** Paths of the samples, the uncertainty picture with its scale, the comparison, the states with their times. */
  readonly companions?: Readonly<Record<string, unknown>>;
  readonly error?: ErrorReport;
  /** The error itself. */
  readonly cause?: unknown;
}

/** A result counts as done when its main file exists: that one is written last. */
export async function shouldSkip({ output }: Job): Promise<boolean> {
  return exists(output);
}

/**
 * Restores one picture and writes everything that belongs to it. Failures are part of the report.
 *
 * @param promptFor makes the prompt of each picture, where it is not the same for all
 */
export async function runJob(
  clearword: Clearword,
  job: Job,
  given: RestoreCommandOptions,
  signal: AbortSignal,
  onProgress: (progress: RestoreProgress) => void,
  promptFor?: (input: string) => Promise<string>,
): Promise<JobReport> {
  const { input, output } = job;
  const started = performance.now();
  try {
    // Before minutes of work, not after them.
    if (!given.overwrite && (await exists(output))) {
      throw new ClearwordError('OUTPUT_EXISTS', `expected a new name for ${output}, but the file exists`);
    }
    const format = outputFormat(output);
    const prompt = promptFor === undefined ? given.prompt : await promptFor(input);
    const parameters = { ...restoreParameters(given), prompt };
    const result = await clearword.restore(input, { ...parameters, format, onProgress, signal });
    // Companions of an interrupted run are replaced; without their main file they are not results.
    const written = await writeCompanions(result, output, { overwrite: given.overwrite || given.skipExisting, signal });
    await result.toFile(output, { overwrite: given.overwrite, signal });
    return {
      status: 'restored',
      input,
      output,
      seconds: Math.round(performance.now() - started) / 1000,
      width: result.width,
      height: result.height,
      findings: { degradations: result.findings.degradations },
      provenance: result.provenance,
      ...(Object.keys(written).length > 0 && { companions: written }),
    };
  } catch (cause) {
    return { status: 'failed', input, output, error: reportOf(cause), cause };
  }
}

async function writeCompanions(
  result: RestoreResult,
  output: string,
  settings: { readonly overwrite: boolean; readonly signal: AbortSignal },
): Promise<Record<string, unknown>> {
  const names = companions(output);
  const written: Record<string, unknown> = {};
  const write = async (image: RestoredImage, path: string): Promise<string> => {
    await image.toFile(path, settings);
    return path;
  };
  if (result.samples.length > 0) {
    const paths: string[] = [];
    for (const [k, image] of result.samples.entries()) paths.push(await write(image, names.sample(k)));
    written.samples = paths;
  }
  if (result.uncertainty !== undefined) {
    const { image, scale } = result.uncertainty;
    written.uncertainty = { path: await write(image, names.uncertainty), scale };
  }
  if (result.comparison !== undefined) written.comparison = await write(result.comparison, names.comparison);
  if (result.states !== undefined) {
    written.states = { path: await write(result.states.image, names.states), times: result.states.times };
  }
  return written;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
