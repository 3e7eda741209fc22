/**
 * What there is to train on: a listing of the configured folders, with what is held back for evaluation set apart.
 *
 * @module
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Degradation, KNOWN_DEGRADATIONS } from '../degradations/index.ts';
import { ClearwordError } from '../errors.ts';
import type { DataConfig } from './config.ts';
import type { DepthHint } from './degradations/depth.ts';

/** A clean photo with what is known about it. */
export interface PhotoEntry {
  readonly file: string;
  readonly captions: readonly string[];
  readonly hint: DepthHint | null;
}

/** A genuine haze pair; airlight (grey, 0..1) and scattering as its file name says. */
export interface HazePair {
  readonly scene: string;
  readonly hazy: string;
  readonly clear: string;
  readonly airlight: number;
  readonly beta: number;
}

/** A degraded picture and the same without its degradation. */
export interface PicturePair {
  readonly degradation: Degradation;
  readonly degraded: string;
  readonly clear: string;
  readonly captions: readonly string[];
}

/** Files for training, and files that training never sees. */
export interface Split<T> {
  readonly training: readonly T[];
  readonly heldBack: readonly T[];
}

/** Plain data, so that it can be handed to worker threads. Every list is in natural order. */
export interface DatasetIndex {
  readonly photos: readonly PhotoEntry[];
  readonly rainLayers: Split<string>;
  readonly hazePairs: Split<HazePair>;
  readonly pairs: readonly PicturePair[];
}

const PICTURE = /\.(jpe?g|png|webp|tiff?|avif)$/i;
const natural = new Intl.Collator('en', { numeric: true });

/** Lists the data set. Fails with DATA_INVALID on a missing root, an empty folder, or a weight that has no data. */
export async function scanDataset(config: Pick<DataConfig, 'roots' | 'tasks' | 'holdOut'>): Promise<DatasetIndex> {
  const { roots, tasks, holdOut } = config;
  const described = await readCaptions(roots.captions);
  const photos: PhotoEntry[] = [];
  for (const folder of roots.photos) {
    for (const file of await listPictures(folder, 'roots.photos')) {
      const known = described.get(file);
      photos.push({ file, captions: known?.captions ?? [], hint: known?.hint ?? null });
    }
  }
  const layers: Split<string>[] = [];
  for (const folder of [roots.rainLayers ?? []].flat()) {
    layers.push(holdBackLayers(await listPictures(folder, 'roots.rainLayers'), holdOut.rainLayers));
  }
  const pairs = roots.hazePairs === undefined ? [] : await listHazePairs(roots.hazePairs);
  const { pairs: pairWeight, ...others } = tasks;
  if (photos.length === 0 && Object.values(others).some((weight) => weight > 0)) {
    throw new ClearwordError('DATA_INVALID', 'expected folders of clean photos for roots.photos, received none', {
      fix: 'Give them, or set the weights of all tasks but pairs to 0.',
    });
  }
  const filePairs = await listPairs(roots.pairs, described);
  if (pairWeight > 0 && filePairs.length === 0) {
    throw new ClearwordError('DATA_INVALID', 'tasks.pairs is above 0, but there is no folder in roots.pairs', {
      fix: 'Give a folder of pairs, or set tasks.pairs to 0.',
    });
  }
  return {
    photos,
    pairs: filePairs,
    rainLayers: {
      training: layers.flatMap(({ training }) => training),
      heldBack: layers.flatMap(({ heldBack }) => heldBack),
    },
    hazePairs: holdBackScenes(pairs, holdOut.hazeScenes),
  };
}

/** The last `count` rain layers, in natural order of their names, are held back. */
export function holdBackLayers(files: readonly string[], count: number): Split<string> {
  requireRest('rain layers', files.length, count);
  const cut = files.length === 0 ? 0 : files.length - count;
  return { training: files.slice(0, cut), heldBack: files.slice(cut) };
}

/**
 * `count` scenes are held back, with every pair that shows them: number floor((i + 0.5) n / count) of the n scenes in
 * natural order, because neighbours in RESIDE's numbering were often taken in the same street.
 */
export function holdBackScenes(pairs: readonly HazePair[], count: number): Split<HazePair> {
  const scenes = [...new Set(pairs.map((pair) => pair.scene))].sort(natural.compare);
  requireRest('haze scenes', scenes.length, count);
  const held = new Set<string>();
  if (scenes.length > 0) {
    for (let i = 0; i < count; i++) held.add(scenes[Math.floor(((i + 0.5) * scenes.length) / count)] as string);
  }
  return {
    training: pairs.filter((pair) => !held.has(pair.scene)),
    heldBack: pairs.filter((pair) => held.has(pair.scene)),
  };
}

function requireRest(what: string, available: number, heldBack: number): void {
  if (available > 0 && available <= heldBack) {
    throw new ClearwordError(
      'DATA_INVALID',
      `expected more than ${heldBack} ${what}, because ${heldBack} are held back for evaluation; received ${available}`,
      { fix: 'Add data, or lower holdOut in the configuration.' },
    );
  }
}

/** Absolute paths of the pictures of one folder, in natural order; `option` names the folder in the message. */
export async function listPictures(folder: string, option: string): Promise<string[]> {
  const root = resolve(folder);
  const names = await readdir(root).catch((cause: unknown) => {
    throw new ClearwordError(
      'DATA_INVALID',
      `expected a folder for ${option}, received ${root}, which cannot be listed`,
      {
        cause,
      },
    );
  });
  const pictures = names.filter((name) => PICTURE.test(name) && !name.startsWith('.'));
  if (pictures.length === 0) {
    throw new ClearwordError('DATA_INVALID', `expected pictures in ${root} (${option}), received a folder without any`);
  }
  return pictures.sort(natural.compare).map((name) => join(root, name));
}

/** Pairs of a folder in RESIDE's naming: hazy/scene_A_beta.ext with clear/scene.ext. */
export async function listHazePairs(folder: string): Promise<HazePair[]> {
  const clear = new Map<string, string>();
  for (const file of await listPictures(join(folder, 'clear'), 'roots.hazePairs, clear')) clear.set(stem(file), file);
  const hazy = await listPictures(join(folder, 'hazy'), 'roots.hazePairs, hazy');
  return hazy.map((file) => {
    const match = /^(.+)_(\d*\.?\d+)_(\d*\.?\d+)$/.exec(stem(file));
    const [, scene, airlight, beta] = match ?? [];
    const partner = clear.get(scene ?? '');
    if (scene === undefined || !(Number(beta) > 0) || !(Number(airlight) > 0)) {
      throw new ClearwordError(
        'DATA_INVALID',
        `expected a name scene_A_beta with A and beta above 0, received ${file}`,
      );
    }
    if (partner === undefined) {
      throw new ClearwordError('DATA_INVALID', `expected clear/${scene} beside the hazy picture ${file}, found none`);
    }
    return { scene, hazy: file, clear: partner, airlight: Number(airlight), beta: Number(beta) };
  });
}

/** Names of the two folders of pairs: the first layout that is there counts. */
const PAIR_LAYOUTS = [
  ['degraded', 'clear'],
  ['input', 'target'],
] as const;

/** Pairs of the folders of each degradation: degraded/name.ext with clear/name.ext, whatever the extensions. */
async function listPairs(
  roots: DataConfig['roots']['pairs'],
  described: ReadonlyMap<string, Description>,
): Promise<PicturePair[]> {
  const pairs: PicturePair[] = [];
  for (const degradation of KNOWN_DEGRADATIONS) {
    const folder = roots[degradation];
    if (folder === undefined) continue;
    const option = `roots.pairs.${degradation}`;
    const [first, second] = await layoutOf(folder);
    const clear = new Map<string, string>();
    for (const file of await listPictures(join(folder, second), `${option}, ${second}`)) clear.set(stem(file), file);
    for (const degraded of await listPictures(join(folder, first), `${option}, ${first}`)) {
      const partner = clear.get(stem(degraded));
      if (partner === undefined) {
        throw new ClearwordError(
          'DATA_INVALID',
          `expected a clear picture of the same name beside ${degraded}, found none`,
        );
      }
      const captions = (described.get(degraded) ?? described.get(partner))?.captions ?? [];
      pairs.push({ degradation, degraded, clear: partner, captions });
    }
  }
  return pairs;
}

async function layoutOf(folder: string): Promise<readonly [string, string]> {
  for (const layout of PAIR_LAYOUTS) {
    const found = await stat(join(folder, layout[0])).catch(() => undefined);
    if (found?.isDirectory()) return layout;
  }
  return PAIR_LAYOUTS[0];
}

function stem(file: string): string {
  return file.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '');
}

interface Description {
  readonly captions: string[];
  hint: DepthHint | null;
}

const FAR = ['top', 'background', 'left', 'right', 'centre', 'none'] as const satisfies readonly DepthHint['far'][];

/** Reads caption tables; a file may have several rows, and its last depth hint counts. */
async function readCaptions(tables: readonly string[]): Promise<Map<string, Description>> {
  const described = new Map<string, Description>();
  for (const table of tables) {
    const path = resolve(table);
    const text = await readTable(path);
    for (const [number, line] of text.split(/\r?\n/).entries()) {
      // The first line is the header; a file may end with a newline.
      if (number === 0 || line.trim() === '') continue;
      const [file, caption, , horizon, far] = line.split('\t');
      if (file === undefined || caption === undefined) {
        throw new ClearwordError('DATA_INVALID', `expected file<TAB>caption in line ${number + 1} of ${path}`);
      }
      const entry = described.get(resolve(dirname(path), file)) ?? { captions: [], hint: null };
      entry.captions.push(caption.trim());
      if (far !== undefined) entry.hint = depthHint(horizon, far);
      described.set(resolve(dirname(path), file), entry);
    }
  }
  return described;
}

/** '-' is no horizon; a far part that is in none of the known places counts as the background. */
function depthHint(horizon: string | undefined, far: string): DepthHint {
  const height = horizon === undefined || horizon.trim() === '-' ? Number.NaN : Number(horizon);
  return {
    horizon: height >= 0 && height < 1 ? height : null,
    far: FAR.find((place) => place === far.trim()) ?? 'background',
  };
}

async function readTable(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile()) {
    throw new ClearwordError(
      'DATA_INVALID',
      `expected a caption table for roots.captions, received ${path}, not a file`,
    );
  }
  return readFile(path, 'utf8');
}
