/**
 * What has been measured, one JSON object a line: an evaluation that was stopped goes on after the last whole line.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ClearwordError } from '../errors.ts';

const score = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const scoresSchema = z.object({
  psnr: score,
  ssim: score,
  psnrLuma: score,
  ssimLuma: score,
  niqe: score.optional(),
  lpips: score.optional(),
});

/** What a restorer said and did of its own accord. */
const decidedSchema = z.object({
  status: z.enum(['restored', 'unchanged']),
  /** Whether every pixel is as it was. */
  untouched: z.boolean(),
  /** Of each degradation that the model knows. */
  findings: z.record(
    z.string(),
    z.object({ probability: z.number(), verdict: z.enum(['found', 'perhaps', 'absent']) }),
  ),
});

export type Decided = Readonly<z.infer<typeof decidedSchema>>;

const pictureSchema = z.object({
  kind: z.literal('picture'),
  /** Hash of the settings that it was measured with. */
  key: z.string(),
  id: z.string(),
  input: z.string(),
  target: z.string(),
  prompt: z.string(),
  width: z.number(),
  height: z.number(),
  /** Time of the restoration. */
  seconds: z.number(),
  /** Most memory that the process held meanwhile, MB. */
  memory: z.number().optional(),
  before: scoresSchema.optional(),
  /** Where it was restored here. */
  decided: decidedSchema.optional(),
  after: scoresSchema,
  /** Inception features of result and target: base64 of float32 values, little-endian. */
  features: z.object({ result: z.string(), target: z.string() }).optional(),
  /** Small pictures in the folder `previews`. */
  previews: z.object({ before: z.string().optional(), after: z.string(), target: z.string() }).optional(),
});

/** What is kept of a measured picture. */
export type PictureRecord = Readonly<z.infer<typeof pictureSchema>>;

/** SHA-256 of settings as JSON, 16 digits: enough to tell the runs in one folder apart. */
export function settingsKey(settings: unknown): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
}

const pathOf = (folder: string) => join(folder, 'results.jsonl');

/** The journal of one folder, or of none: then nothing is kept. */
export class Journal {
  readonly #folder: string | undefined;
  readonly #key: string;
  readonly #known = new Map<string, PictureRecord>();

  private constructor(folder: string | undefined, key: string) {
    this.#folder = folder;
    this.#key = key;
  }

  /** Reads what was measured with these settings. Lines of other settings stay; a last line that is cut short is removed. */
  static async open(folder: string | undefined, key: string): Promise<Journal> {
    const journal = new Journal(folder, key);
    if (folder === undefined) return journal;
    const text = await readFile(pathOf(folder), 'utf8').catch(() => '');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole !== text) await truncate(pathOf(folder), Buffer.byteLength(whole));
    for (const [i, line] of whole.split('\n').entries()) {
      if (line === '') continue;
      const record = parse(line);
      if (record === undefined) {
        throw new ClearwordError('DATA_INVALID', `${pathOf(folder)}: line ${i + 1} is no result`, {
          fix: 'Remove the line, or choose another output folder.',
        });
      }
      if (record.key === key) journal.#known.set(record.id, record);
    }
    return journal;
  }

  find(id: string): PictureRecord | undefined {
    return this.#known.get(id);
  }

  async add(record: Omit<PictureRecord, 'kind' | 'key'>): Promise<PictureRecord> {
    const whole: PictureRecord = { kind: 'picture', key: this.#key, ...record };
    if (this.#folder !== undefined) {
      await mkdir(this.#folder, { recursive: true });
      await appendFile(pathOf(this.#folder), `${JSON.stringify(whole)}\n`).catch((cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new ClearwordError('OUTPUT_UNWRITABLE', `expected to write ${pathOf(this.#folder ?? '')}: ${reason}`, {
          cause,
        });
      });
    }
    this.#known.set(record.id, whole);
    return whole;
  }
}

function parse(line: string): PictureRecord | undefined {
  try {
    return pictureSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

export const encodeFeatures = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

export function decodeFeatures(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer, 0, Math.floor(bytes.byteLength / 4));
}
