/**
 * Captions of many files as a table that training reads: `file<TAB>caption`, files relative to the table.
 *
 * @module
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../atomic-file.ts';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { readImage } from '../image/image-file.ts';
import type { ImageLimits } from '../image/limits.ts';
import { toEightBits } from '../image/picture.ts';
import { CAPTION_SIDE, type Captioner, type CaptionImage } from './captioner.ts';

const HEADER = 'file\tcaption';

/** A file of any supported format as a small JPEG. Errors: those of reading pictures. */
export async function captionImage(file: string, limits: ImageLimits, signal?: AbortSignal): Promise<CaptionImage> {
  const { picture } = await readImage(file, { limits, toSrgb: true, signal });
  const { width, height, channels } = picture;
  const jpeg = await sharp(toEightBits(picture.data), { raw: { width, height, channels } })
    .resize({ width: CAPTION_SIDE, height: CAPTION_SIDE, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 90 })
    .toBuffer();
  return { jpeg };
}

/** Captions of a table by absolute path; none where there is no table. Errors: INPUT_UNREADABLE for another file. */
export async function readTable(table: string): Promise<Map<string, string>> {
  const text = await readFile(table, 'utf8').catch(() => undefined);
  if (text === undefined) return new Map();
  const [header, ...lines] = text.split('\n');
  if (header?.split('\t').slice(0, 2).join('\t') !== HEADER) {
    throw new ClearwordError('INPUT_UNREADABLE', `${table}: expected a table that begins with file<TAB>caption`);
  }
  // A line that was being written when the power went has no end; its caption is made again.
  const whole = lines.slice(0, -1).map((line) => line.split('\t'));
  return new Map(
    whole.flatMap(([file, caption]) => (file && caption ? [[resolve(dirname(table), file), caption] as const] : [])),
  );
}

export interface CaptionRun {
  readonly captioner: Captioner;
  readonly limits: ImageLimits;
  /** Requests at a time. */
  readonly concurrency: number;
  readonly signal?: AbortSignal | undefined;
  readonly onCaption?: (file: string, caption: string) => void;
  readonly onFailure?: (file: string, error: unknown) => void;
}

const rowOf = (table: string, file: string, caption: string) => {
  const name = relative(dirname(resolve(table)), file).replaceAll('\\', '/');
  return `${name}\t${caption}\n`;
};

/**
 * Captions `files` into `table`. Files that it has already are left out; each caption is in it as soon as it is made, and in
 * the end the rows have the order of the files.
 *
 * @returns how many were captioned, found, and failed
 * @throws ClearwordError CANCELLED, with all captions made so far in the table
 */
export async function captionFiles(
  files: readonly string[],
  table: string,
  { captioner, limits, concurrency, signal, onCaption, onFailure }: CaptionRun,
): Promise<{ captioned: number; present: number; failed: number }> {
  const known = await readTable(table);
  const paths = files.map((file) => resolve(file));
  const missing = paths.filter((path) => !known.has(path));
  const tally = { captioned: 0, present: paths.length - missing.length, failed: 0 };
  await mkdir(dirname(resolve(table)), { recursive: true });
  const write = () => {
    const ordered = [...new Set([...known.keys()].filter((path) => !paths.includes(path)).concat(paths))];
    const rows = ordered.flatMap((path) => (known.has(path) ? [rowOf(table, path, known.get(path) ?? '')] : []));
    return writeFileAtomic(table, `${HEADER}\n${rows.join('')}`, { overwrite: true });
  };
  await write();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let path = missing[next++]; path !== undefined; path = missing[next++]) {
      if (signal?.aborted) return;
      try {
        const caption = await captioner.caption(await captionImage(path, limits, signal), signal);
        known.set(path, caption);
        await appendFile(table, rowOf(table, path, caption));
        tally.captioned++;
        onCaption?.(path, caption);
      } catch (error) {
        if (signal?.aborted) return;
        tally.failed++;
        onFailure?.(path, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, missing.length) }, work));
  await write();
  throwIfCancelled(signal, 'captioning');
  return tally;
}
