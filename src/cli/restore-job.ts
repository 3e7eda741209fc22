/**
 * One picture of `clearword restore`.
 *
 * @module
 */
import { access } from 'node:fs/promises';
import type { Clearword, RestoreProgress } from '../clearword.ts';
import { ClearwordError } from '../errors.ts';
import { checkLossless } from '../image/image-encode.ts';
import type { ImageFormat } from '../image/image-signature.ts';
import type { Findings } from '../models/model.ts';
import { limitsFor } from '../restore/options.ts';
import { type DecisionReport, reportDecision } from '../restore/policy.ts';
import type { Provenance } from '../restore/provenance.ts';
import { outputFormat, type RestoredImage, type WriteSettings } from '../restore/restored-image.ts';
import type { RestoreResult } from '../restore/result.ts';
import type { CommandContext } from './command.ts';
import { STANDARD } from './inputs.ts';
import { companions, type Job } from './outputs.ts';
import { type ErrorReport, reportOf } from './report.ts';
import { type RestoreCommandOptions, restoreParameters } from './restore-options.ts';

/** What is printed about an input; with --json as it is, without `cause`. */
export interface JobReport {
  readonly status: 'restored' | 'unchanged' | 'skipped' | 'failed';
  readonly input?: string;
  readonly output?: string;
  readonly seconds?: number;
  readonly width?: number;
  readonly height?: number;
  readonly prompt?: DecisionReport['prompt'];
  /** Of the controller, without its embedding. */
  readonly findings?: Pick<Findings, 'degradations'>;
  readonly decision?: DecisionReport['decision'];
  readonly provenance?: Provenance;
  /** What a person should know, such as that the input ends early or that its IPTC is lost in this format. */
  readonly warnings?: readonly string[];
  /** Paths of the samples, the uncertainty picture with its scale, the comparison, the states with their times. */
  readonly companions?: Readonly<Record<string, unknown>>;
  readonly error?: ErrorReport;
  /** The error itself. */
  readonly cause?: unknown;
}

/** A result counts as done when its main file exists: that one is written last. */
export async function isDone({ output }: Job): Promise<boolean> {
  return output !== STANDARD && exists(output);
}

/** What a job needs beside its own names. */
export interface JobTools {
  readonly clearword: Clearword;
  readonly given: RestoreCommandOptions;
  readonly context: Pick<CommandContext, 'stdout' | 'readStdin' | 'signal'>;
  readonly onProgress: (progress: RestoreProgress) => void;
  /** Makes the prompt of each picture, where it is not the same for all. */
  readonly promptFor?: ((input: string) => Promise<string>) | undefined;
}

/** Restores one picture and writes everything that belongs to it. Failures are part of the report. */
export async function runJob(job: Job, tools: JobTools): Promise<JobReport> {
  const { input, output } = job;
  const started = performance.now();
  try {
    const { result, written, warnings } = await restoreAndWrite(job, tools);
    const { status, prompt, decision } = reportDecision(result.decision);
    return {
      status,
      input,
      output,
      seconds: Math.round(performance.now() - started) / 1000,
      width: result.width,
      height: result.height,
      prompt,
      findings: { degradations: result.findings.degradations },
      decision,
      provenance: result.provenance,
      ...(warnings.length > 0 && { warnings }),
      ...(Object.keys(written).length > 0 && { companions: written }),
    };
  } catch (cause) {
    // Another run was faster: what was asked for is there.
    const isThere = tools.given.skipExisting && cause instanceof ClearwordError && cause.code === 'OUTPUT_EXISTS';
    if (isThere) return { status: 'skipped', input, output };
    return { status: 'failed', input, output, error: reportOf(cause), cause };
  }
}

async function restoreAndWrite({ input, output }: Job, { clearword, given, context, onProgress, promptFor }: JobTools) {
  const { overwrite, skipExisting, quality, lossless } = given;
  const { signal } = context;
  // Before minutes of work, not after them.
  if (output !== STANDARD && !overwrite && (await exists(output))) {
    throw new ClearwordError('OUTPUT_EXISTS', `expected a new name for ${output}, but the file exists`);
  }
  const named = output === STANDARD ? given.format : outputFormat(output);
  if (named !== undefined) checkLossless(named, lossless);
  const picture = input === STANDARD ? await readPicture(context, given.maxMegapixels) : input;
  const prompt = promptFor === undefined ? given.prompt : await promptFor(input);
  const parameters = { ...restoreParameters(given), prompt, ...(named !== undefined && { format: named }) };
  const result = await clearword.restore(picture, { ...parameters, onProgress, signal });
  const warnings = [...result.warnings, ...lossWarnings(result, named)];
  const settings = { lossless, ...(quality !== undefined && { quality }) };
  if (output === STANDARD) {
    const bytes = await result.toBuffer({ ...settings, ...(named !== undefined && { format: named }) });
    context.stdout.write(bytes);
    return { result, warnings, written: {} };
  }
  // Companions of an interrupted run are replaced; without their main file they are not results.
  const written = await writeCompanions(result, output, { ...settings, overwrite: overwrite || skipExisting, signal });
  await result.toFile(output, { ...settings, overwrite, signal });
  return { result, warnings, written };
}

/** Standard input, as far as a picture may be large. Errors: NOT_AN_IMAGE, IMAGE_TOO_LARGE. */
export async function readPicture({ readStdin }: Pick<CommandContext, 'readStdin'>, maxMegapixels: number) {
  const bytes = await readStdin(limitsFor(maxMegapixels).bytes);
  if (bytes.length > 0) return bytes;
  throw new ClearwordError('NOT_AN_IMAGE', 'expected a picture on standard input, received nothing', {
    fix: 'Pipe a picture into the command, or give a path.',
  });
}

function lossWarnings(result: RestoreResult, format: ImageFormat | undefined): string[] {
  const lost = format === undefined ? [] : result.lostIn(format);
  return lost.length === 0 ? [] : [`a ${format} file cannot hold ${lost.join(' and ')} of the input`];
}

async function writeCompanions(
  result: RestoreResult,
  output: string,
  settings: WriteSettings,
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
