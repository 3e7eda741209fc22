/**
 * Restores the pictures of a test set, or takes the results of any system, and scores them against their targets.
 *
 * @module
 */
import type { Clearword } from '../clearword.ts';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { fromRawPixels, toBytes, toRaster } from '../image/picture.ts';
import type { Raster } from '../image/raster.ts';
import { frechetDistance } from '../metrics/frechet.ts';
import type { RestoreParameters } from '../restore/options.ts';
import { type Decided, decodeFeatures, encodeFeatures, Journal, type PictureRecord, settingsKey } from './journal.ts';
import { savePreviews } from './report/previews.ts';
import { allScores, type MeanScores, meanScores, pixelScores } from './scores.ts';
import type { EvaluationCase } from './sets/pictures.ts';
import type { Meters, Metric } from './weights/meters.ts';

/** A test set with what the restorer is told about each of its pictures. */
export interface EvaluationSet {
  readonly name: string;
  readonly cases: readonly EvaluationCase[];
  /** As many as cases. */
  readonly prompts: readonly string[];
}

export interface EvaluationOptions {
  readonly meters: Meters;
  /** The restorer with its settings; without it the cases' inputs are the results to score. */
  readonly restorer?: { readonly clearword: Clearword; readonly parameters: RestoreParameters };
  /** Folder for the journal and the previews; without it nothing is kept. */
  readonly folder?: string | undefined;
  /** What decides the results beside the model: part of the journal's key. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Pictures decoded ahead of the one that is being restored. */
  readonly ahead?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, fraction: number, text: string) => void) | undefined;
}

export interface Failure {
  readonly id: string;
  readonly error: unknown;
}

export interface EvaluationResult {
  readonly name: string;
  readonly pictures: readonly PictureRecord[];
  /** Pictures that could not be measured. */
  readonly failures: readonly Failure[];
  readonly mean: MeanScores;
  /** Of the degraded pictures, where they were restored here. */
  readonly before?: MeanScores;
  /** Frechet distance of the Inception features of results and targets. */
  readonly fid?: number;
  readonly unavailable: Meters['unavailable'];
  /** Pictures taken from the journal. */
  readonly resumed: number;
  /** Seconds a restoration took, on average; 0 where nothing was restored. */
  readonly secondsEach: number;
}

/** Starts loading the next cases while one is being worked on. */
async function* loadedAhead(cases: readonly EvaluationCase[], ahead: number, signal: AbortSignal | undefined) {
  const started = new Map<number, ReturnType<EvaluationCase['load']>>();
  for (const [i, current] of cases.entries()) {
    for (let next = i; next <= Math.min(i + ahead, cases.length - 1); next++) {
      if (started.has(next)) continue;
      const loading = (cases[next] as EvaluationCase).load(signal);
      // Looked at when its turn comes.
      loading.catch(() => undefined);
      started.set(next, loading);
    }
    const loading = started.get(i) as ReturnType<EvaluationCase['load']>;
    started.delete(i);
    yield { current, loading };
  }
}

/** Errors: CANCELLED, OUTPUT_UNWRITABLE, DATA_INVALID (the journal). What is wrong with a single picture is in `failures`. */
export async function evaluate(set: EvaluationSet, options: EvaluationOptions): Promise<EvaluationResult> {
  const { meters, restorer, folder, signal, onProgress, ahead = 3 } = options;
  const key = settingsKey([
    options.settings,
    restorer === undefined ? null : [...weightsOf(restorer.clearword), restorer.parameters],
    Object.keys(meters.unavailable),
  ]);
  const journal = await Journal.open(folder, key);
  const identity = ({ id, input, target }: EvaluationCase, prompt: string) => settingsKey([id, input, target, prompt]);
  const prompts = new Map(set.cases.map((entry, i) => [entry, set.prompts[i] ?? '']));
  const open = set.cases.filter((entry) => !known(journal, entry, prompts.get(entry) ?? ''));
  const resumed = set.cases.length - open.length;
  const failures: Failure[] = [];
  let done = resumed;

  for await (const { current, loading } of loadedAhead(open, ahead, signal)) {
    throwIfCancelled(signal, 'the evaluation');
    const report = (fraction: number) =>
      onProgress?.(done, (done + fraction) / set.cases.length, `${set.name}: ${current.id}`);
    report(0);
    const prompt = prompts.get(current) ?? '';
    try {
      const { input, target } = await loading;
      const started = performance.now();
      const memory = restorer === undefined ? undefined : watchMemory();
      const own = restorer && (await restored(restorer, input, prompt, signal, report).finally(memory?.stop));
      const result = own?.result ?? input;
      const seconds = restorer === undefined ? 0 : (performance.now() - started) / 1000;
      const features = meters.inception && {
        result: encodeFeatures(await meters.inception.of(result)),
        target: encodeFeatures(await meters.inception.of(target)),
      };
      const previews =
        folder === undefined
          ? undefined
          : await savePreviews(folder, `${key}-${identity(current, prompt)}`, {
              ...(restorer !== undefined && { before: input }),
              after: result,
              target,
            });
      await journal.add({
        id: current.id,
        input: current.input,
        target: current.target,
        prompt,
        width: target.width,
        height: target.height,
        seconds: Math.round(seconds * 1000) / 1000,
        ...(memory && { memory: memory.most() }),
        ...(own && { before: pixelScores(input, target), decided: own.decided }),
        after: await allScores(result, target, meters),
        ...(features && { features }),
        ...(previews && { previews }),
      });
    } catch (error) {
      throwIfCancelled(signal, 'the evaluation');
      if (error instanceof ClearwordError && error.code === 'OUTPUT_UNWRITABLE') throw error;
      failures.push({ id: current.id, error });
    }
    done++;
  }
  const pictures = set.cases.flatMap(({ id }) => journal.find(id) ?? []);
  return summary(set.name, pictures, { failures, resumed, unavailable: meters.unavailable });
}

/** What tells models apart: of a plain network also how its input is made. */
const weightsOf = ({ model: { hash, reading } }: Clearword): readonly string[] =>
  reading === undefined ? [hash] : [hash, reading];

/** Milliseconds between two looks at the memory. */
const LOOK = 50;

/** The most memory that this process holds until it is stopped, in whole megabytes. */
function watchMemory(): { readonly stop: () => void; readonly most: () => number } {
  let most = 0;
  const look = () => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  look();
  const timer = setInterval(look, LOOK);
  const stop = () => {
    look();
    clearInterval(timer);
  };
  return { stop, most: () => Math.round(most / 1e6) };
}

/** Whether the journal has this case, made of the same files and with the same prompt. */
function known(journal: Journal, { id, input, target }: EvaluationCase, prompt: string): boolean {
  const record = journal.find(id);
  return record?.input === input && record.target === target && record.prompt === prompt;
}

async function restored(
  { clearword, parameters }: NonNullable<EvaluationOptions['restorer']>,
  input: Raster,
  prompt: string,
  signal: AbortSignal | undefined,
  report: (fraction: number) => void,
): Promise<{ readonly result: Raster; readonly decided: Decided }> {
  const given = toBytes(input);
  const result = await clearword.restore(given, {
    ...parameters,
    prompt,
    onProgress: ({ fraction }) => report(fraction),
    ...(signal !== undefined && { signal }),
  });
  const pixels = result.pixels();
  const findings = Object.entries(result.findings.degradations).map(
    ([name, { probability, verdict }]) => [name, { probability, verdict }] as const,
  );
  const decided = {
    status: result.decision.status,
    untouched: Buffer.compare(Buffer.from(pixels.data), Buffer.from(given.data)) === 0,
    findings: Object.fromEntries(findings),
  };
  return { result: toRaster(fromRawPixels(pixels)), decided };
}

function summary(
  name: string,
  pictures: readonly PictureRecord[],
  rest: Pick<EvaluationResult, 'failures' | 'resumed'> & { unavailable: Partial<Record<Metric, string>> },
): EvaluationResult {
  const before = pictures.flatMap((picture) => picture.before ?? []);
  const unavailable = { ...rest.unavailable };
  const fid = fidOf(pictures);
  if (typeof fid === 'string' && unavailable.fid === undefined) unavailable.fid = fid;
  return {
    name,
    pictures,
    ...rest,
    unavailable,
    mean: meanScores(pictures.map(({ after }) => after)),
    ...(before.length > 0 && { before: meanScores(before) }),
    ...(typeof fid === 'number' && { fid }),
    secondsEach: pictures.reduce((sum, { seconds }) => sum + seconds, 0) / Math.max(1, pictures.length),
  };
}

/** FID, why there is none, or undefined where nobody asked. */
function fidOf(pictures: readonly PictureRecord[]): number | string | undefined {
  const both = pictures.flatMap(({ features }) => features ?? []);
  if (both.length === 0) return undefined;
  if (both.length < 2) return 'one picture has no distribution';
  const set = (of: 'result' | 'target') => {
    const rows = both.map((features) => decodeFeatures(features[of]));
    const length = rows[0]?.length ?? 0;
    const values = new Float64Array(rows.length * length);
    for (const [i, row] of rows.entries()) values.set(row, i * length);
    return { values, count: rows.length, length };
  };
  return frechetDistance(set('result'), set('target'));
}
