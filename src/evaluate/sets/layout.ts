/**
 * Data sets as they come: which folders hold the degraded and which the clean pictures.
 *
 * @module
 */
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { listPictures } from '../../data/dataset.ts';
import { ClearwordError } from '../../errors.ts';
import { type NamedPair, pairByName } from './pairing.ts';

export const TASKS = ['denoise', 'derain', 'dehaze', 'any'] as const;
/** What is to be undone; `any` where nobody said it. */
export type TaskName = (typeof TASKS)[number];

export type Located =
  | { readonly kind: 'pairs'; readonly pairs: readonly NamedPair[]; readonly unused: number; readonly layout: string }
  | { readonly kind: 'clean'; readonly pictures: readonly string[]; readonly layout: string };

interface PairLayout {
  readonly degraded: RegExp;
  readonly clean: RegExp;
  readonly task: TaskName;
}

/** Names of sub-folders, compared without case. The first layout with both kinds counts. */
const LAYOUTS: readonly PairLayout[] = [
  // Rain100L and Rain100H as published, and as others arranged them anew.
  {
    degraded: /^(rain|rainy|rainy_image|rain_x2|rainstreak|rain_data)$/,
    clean: /^(norain|no-rain|target|gt|clean|clear|ground_?truth)$/,
    task: 'derain',
  },
  // RESIDE's SOTS (hazy, clear or gt) and RESIDE-6k (hazy, GT).
  { degraded: /^(hazy|haze)$/, clean: /^(clear|gt|clean|target|ground_?truth)$/, task: 'dehaze' },
  {
    degraded: /^(noisy|noise|noisy\d+)$/,
    clean: /^(original|original_png|clean|gt|target|ground_?truth)$/,
    task: 'denoise',
  },
  { degraded: /^(input|lq|degraded|low)$/, clean: /^(target|gt|hq|clean|clear|high|ground_?truth)$/, task: 'any' },
];

/** Folders that a data set keeps its test pictures in. */
const INSIDE = /^(test|testing|testset|outdoor|sots|val)$/i;

async function folders(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: unknown) => {
    throw new ClearwordError('DATA_INVALID', `expected a folder for --data, received ${root}, which cannot be listed`, {
      cause,
      fix: 'Check the path.',
    });
  });
  return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
}

async function picturesOf(root: string): Promise<string[]> {
  return listPictures(root, '--data').catch((error: unknown) => {
    if (error instanceof ClearwordError) return [];
    throw error;
  });
}

/** A folder with pictures of both kinds: Rain100L as published has rain-001.png and norain-001.png side by side. */
function sideBySide(pictures: readonly string[]): { degraded: string[]; clean: string[] } {
  const clean = pictures.filter((path) => /^no-?rain[-_ ]/i.test(basename(path)));
  return { clean, degraded: pictures.filter((path) => /^rain(y)?[-_ ]/i.test(basename(path))) };
}

async function pairedFolders(root: string, names: readonly string[], task: TaskName, sigma: number | undefined) {
  // Ready noisy pictures of the sigma asked for go before those of another.
  const noisy = sigma === undefined ? undefined : names.find((name) => name.toLowerCase() === `noisy${sigma}`);
  for (const layout of LAYOUTS) {
    if (task !== 'any' && layout.task !== 'any' && layout.task !== task) continue;
    const candidates = names.filter((name) => layout.degraded.test(name.toLowerCase()));
    const numbered = candidates.filter((name) => /noisy\d/i.test(name));
    const degraded = noisy ?? candidates.find((name) => !numbered.includes(name)) ?? numbered[0];
    const clean = names.find((name) => layout.clean.test(name.toLowerCase()) && name !== degraded);
    // With a sigma, noisy pictures of another sigma are not what was asked for.
    if (sigma !== undefined && noisy === undefined && degraded !== undefined && numbered.includes(degraded)) continue;
    if (degraded === undefined || clean === undefined) continue;
    if (noisy !== undefined && layout.task !== 'denoise') continue;
    return { degraded: join(root, degraded), clean: join(root, clean), name: `${degraded} / ${clean}` };
  }
  return undefined;
}

/**
 * Finds the pictures of a data set: pairs, or for denoising clean ones to which noise is added.
 *
 * @throws ClearwordError DATA_INVALID naming what is there instead
 */
export async function locate(folder: string, task: TaskName, sigma?: number): Promise<Located> {
  const root = resolve(folder);
  const names = await folders(root);
  const paired = await pairedFolders(root, names, task, sigma);
  if (paired) {
    const targets = await listPictures(paired.clean, '--data');
    const { pairs, unused } = pairByName(await listPictures(paired.degraded, '--data'), targets, paired.name);
    return { kind: 'pairs', pairs, unused: unused.length, layout: paired.name };
  }
  const pictures = await picturesOf(root);
  const { degraded, clean } = sideBySide(pictures);
  if (degraded.length > 0 && clean.length > 0) {
    const { pairs, unused } = pairByName(degraded, clean, 'rain-* pictures');
    return { kind: 'pairs', pairs, unused: unused.length, layout: 'rain-*, norain-* in one folder' };
  }
  if (task === 'denoise') {
    const original = names.find((name) => /^(original|original_png|gt|clean)$/i.test(name));
    const found =
      pictures.length > 0
        ? pictures
        : original !== undefined
          ? await picturesOf(join(root, original))
          : // WED and BSD400 side by side make one set.
            (await Promise.all(names.map((name) => picturesOf(join(root, name))))).flat();
    if (found.length > 0) return { kind: 'clean', pictures: found, layout: 'clean pictures, noise added' };
  }
  const inner = names.filter((name) => INSIDE.test(name));
  for (const name of inner) {
    const found = await locate(join(root, name), task, sigma).catch((error: unknown) => {
      if (error instanceof ClearwordError && error.code === 'DATA_INVALID') return undefined;
      throw error;
    });
    if (found) return found;
  }
  const there = [...names.map((name) => `${name}/`), ...pictures.slice(0, 3).map((path) => basename(path))];
  throw new ClearwordError(
    'DATA_INVALID',
    `expected folders such as rain/ and norain/, hazy/ and clear/, or input/ and target/ in ${root} (--data), received ${there.slice(0, 8).join(', ') || 'nothing'}`,
    { fix: 'Name the two folders with --input and --target; for clean pictures add --task denoise --sigma 50.' },
  );
}
