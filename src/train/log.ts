/**
 * The log of a run, one JSON object a line.
 *
 * @module
 */
import { appendFile, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFailure } from '../atomic-file.ts';
import { ClearwordError } from '../errors.ts';

const stepEntry = z.object({
  kind: z.literal('step'),
  step: z.number(),
  /** Means over the steps since the entry before. */
  loss: z.number(),
  restoration: z.number(),
  contrastive: z.number(),
  strength: z.number(),
  intent: z.number(),
  gradientNorm: z.number(),
  learningRate: z.number(),
  stepsPerSecond: z.number(),
  /** Share of the time that the engine was computing. */
  busyShare: z.number(),
  /** Time trained so far. */
  minutes: z.number(),
});

const validationEntry = z.object({
  kind: z.literal('validation'),
  step: z.number(),
  minutes: z.number(),
  /** PSNR in dB before and after, by combination of degradations. */
  rows: z.array(z.object({ name: z.string(), samples: z.number(), input: z.number(), output: z.number() })),
});

const entrySchema = z.discriminatedUnion('kind', [stepEntry, validationEntry]);

export type StepEntry = z.infer<typeof stepEntry>;
export type ValidationEntry = z.infer<typeof validationEntry>;
export type LogEntry = z.infer<typeof entrySchema>;

const logPath = (folder: string) => join(folder, 'log.jsonl');

/** A log that is being written. */
export class RunLog {
  readonly #path: string;
  /** Bytes of whole lines in the file. */
  #size: number;
  /** Lines that could not be written yet. */
  #waiting = '';

  private constructor(path: string, size: number) {
    this.#path = path;
    this.#size = size;
  }

  /** Opens the log of a run. A last line that a crash cut short is taken off, so that the next one stands by itself. */
  static async open(folder: string): Promise<RunLog> {
    const path = logPath(folder);
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    const size = bytes.lastIndexOf('\n') + 1;
    if (size < bytes.length) {
      await truncate(path, size).catch((cause: unknown) => {
        throw writeFailure(path, cause);
      });
    }
    return new RunLog(path, size);
  }

  /**
   * Adds an entry. When it cannot be written (OUTPUT_UNWRITABLE), the file is as it was and the entry is written with
   * the next one.
   */
  async append(entry: LogEntry): Promise<void> {
    this.#waiting += `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`;
    try {
      await appendFile(this.#path, this.#waiting);
    } catch (cause) {
      // A part of it may stand there.
      await truncate(this.#path, this.#size).catch(() => undefined);
      throw writeFailure(this.#path, cause);
    }
    this.#size += Buffer.byteLength(this.#waiting);
    this.#waiting = '';
  }
}

/**
 * Reads a run's log. Where a run was resumed from a checkpoint, the lines after that checkpoint were written twice; the
 * later ones count. A last line that a crash cut short is left out.
 */
export async function readLog(folder: string): Promise<LogEntry[]> {
  let text: string;
  try {
    text = await readFile(logPath(folder), 'utf8');
  } catch (cause) {
    throw new ClearwordError('INPUT_NOT_FOUND', `run ${folder}: expected a readable log.jsonl, found none`, { cause });
  }
  const lines = text.split('\n').filter((line) => line !== '');
  const entries = lines.flatMap((line, i) => {
    try {
      return [entrySchema.parse(JSON.parse(line))];
    } catch (cause) {
      if (i === lines.length - 1) return [];
      throw new ClearwordError('DATA_INVALID', `${logPath(folder)}: line ${i + 1} is no log entry`, { cause });
    }
  });
  const latest = new Map(entries.map((entry) => [`${entry.kind} ${entry.step}`, entry]));
  return [...latest.values()].sort((a, b) => a.step - b.step);
}
