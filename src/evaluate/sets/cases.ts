/**
 * The pictures that the options of an evaluation mean.
 *
 * @module
 */
import { basename, resolve } from 'node:path';
import { listPictures } from '../../data/dataset.ts';
import { ClearwordError } from '../../errors.ts';
import type { Crop } from '../resize.ts';
import { locate, type TaskName } from './layout.ts';
import { type NamedPair, pairByName } from './pairing.ts';
import { type EvaluationCase, noisyCase, pairCase } from './pictures.ts';

export interface SourceOptions {
  /** A data set in one of the layouts that are known ... */
  readonly data?: string | undefined;
  /** ... or its two folders, or the targets and a system's results for them. */
  readonly input?: string | undefined;
  readonly target?: string | undefined;
  readonly outputs?: string | undefined;
  readonly task: TaskName;
  readonly sigma?: number | undefined;
  readonly crop: Crop;
  readonly seed: number;
  readonly limit?: number | undefined;
}

export interface CaseList {
  readonly cases: readonly EvaluationCase[];
  /** How the pictures were found, in words. */
  readonly layout: string;
  /** Targets that nothing belongs to. */
  readonly unused: number;
}

/** File names without extension; those that several share, with their folder. */
function idsOf(paths: readonly string[]): string[] {
  const stem = (path: string) => basename(path).replace(/\.[^.]+$/, '');
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(stem(path), (counts.get(stem(path)) ?? 0) + 1);
  return paths.map((path) => ((counts.get(stem(path)) ?? 0) > 1 ? path : stem(path)));
}

function pairs(list: readonly NamedPair[], crop: Crop): EvaluationCase[] {
  const ids = idsOf(list.map(({ input }) => input));
  return list.map(({ input, target }, i) => pairCase(ids[i] as string, input, target, crop));
}

function noisy(targets: readonly string[], { sigma, seed, crop }: SourceOptions, option: string): EvaluationCase[] {
  if (sigma === undefined) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected --sigma with clean pictures alone (${option}), received none`,
      {
        fix: 'Add --task denoise --sigma 50, or give the degraded pictures with --input.',
      },
    );
  }
  const ids = idsOf(targets);
  return targets.map((target, index) => noisyCase(ids[index] as string, target, { sigma, seed, index, crop }));
}

async function all(options: SourceOptions): Promise<CaseList> {
  const { data, input, target, outputs, task, sigma, crop } = options;
  if (data !== undefined) {
    if (input !== undefined || target !== undefined || outputs !== undefined) {
      throw new ClearwordError('INVALID_OPTION', 'expected --data, or --input, --outputs and --target, received both');
    }
    const located = await locate(data, task, sigma);
    const cases = located.kind === 'pairs' ? pairs(located.pairs, crop) : noisy(located.pictures, options, '--data');
    return { cases, layout: located.layout, unused: located.kind === 'pairs' ? located.unused : 0 };
  }
  if (target === undefined || (input !== undefined && outputs !== undefined)) {
    throw new ClearwordError(
      'INVALID_OPTION',
      'expected --data DIR, --input DIR --target DIR, --target DIR --sigma N, or --outputs DIR --target DIR',
      { fix: 'Say where the clean pictures are, and either what to restore or whose results to score.' },
    );
  }
  const targets = await listPictures(target, '--target');
  const folder = input ?? outputs;
  if (folder === undefined) return { cases: noisy(targets, options, '--target'), layout: 'noise added', unused: 0 };
  if (sigma !== undefined) {
    throw new ClearwordError('INVALID_OPTION', 'expected --sigma or --input (ready pictures), received both', {
      fix: 'Leave one of them out: noise is added to clean pictures only.',
    });
  }
  const option = input === undefined ? '--outputs' : '--input';
  const { pairs: found, unused } = pairByName(await listPictures(folder, option), targets, `pictures of ${option}`);
  return { cases: pairs(found, crop), layout: `${resolve(folder)} for ${resolve(target)}`, unused: unused.length };
}

/** The cases in natural order. Errors: INVALID_OPTION, DATA_INVALID. */
export async function casesFor(options: SourceOptions): Promise<CaseList> {
  const list = await all(options);
  return options.limit === undefined ? list : { ...list, cases: list.cases.slice(0, options.limit) };
}
