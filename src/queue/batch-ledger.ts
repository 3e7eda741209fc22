/**
 * What a batch has done: kept beside its results, so that the same command goes on where it stopped.
 *
 * A store cannot append. The ledger is a sequence of segments, each written once, so that several clients may work on one
 * target and a crash loses the latest seconds only.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ClearwordError } from '../errors.ts';
import type { ObjectStore, StoredObject } from '../store/object-store.ts';
import { jobErrorSchema } from './job.ts';

/** Prefix of everything in a target that is no result. */
export const BATCH_PREFIX = '.clearword-batch/';
const LEDGER = `${BATCH_PREFIX}ledger/`;
const MARK = `${BATCH_PREFIX}batch.json`;
/** Where those that cannot be restored are listed, one JSON object a line. */
export const SET_ASIDE = `${BATCH_PREFIX}set-aside.jsonl`;

/** Records in a segment, and seconds after which it is written with fewer. */
const [SEGMENT_RECORDS, SEGMENT_SECONDS] = [500, 5];

const recordSchema = z.object({
  key: z.string(),
  status: z.enum(['restored', 'unchanged', 'set-aside']),
  /** Of the job. */
  id: z.string(),
  /** What the picture was when it was read. */
  bytes: z.number(),
  modified: z.number(),
  /** Identity of everything else that decides the result. */
  settings: z.string(),
  /** Keys in the target, the result first. */
  outputs: z.array(z.string()).readonly(),
  seconds: z.number().exactOptional(),
  error: jobErrorSchema.exactOptional(),
});

export type BatchRecord = Readonly<z.output<typeof recordSchema>>;

export class BatchLedger {
  readonly #target: ObjectStore;
  readonly #records = new Map<string, BatchRecord>();
  #segment: BatchRecord[] = [];
  #afterwards: (() => Promise<void>)[] = [];
  #started = performance.now();
  #writing: Promise<void> = Promise.resolve();

  private constructor(target: ObjectStore) {
    this.#target = target;
  }

  /**
   * Opens the ledger of a target; a target without one has to be empty.
   *
   * Errors: OUTPUT_EXISTS, STORE_FAILED.
   */
  static async open(target: ObjectStore, { overwrite }: { readonly overwrite: boolean }): Promise<BatchLedger> {
    const ledger = new BatchLedger(target);
    if ((await target.get(MARK)) === undefined) {
      for await (const { key } of target.list('')) {
        if (overwrite) break;
        throw new ClearwordError('OUTPUT_EXISTS', `expected an empty place for the results, found ${key} there`, {
          fix: 'Give -o a new folder or prefix, that of an earlier batch, or --overwrite.',
        });
      }
      await target.put(MARK, Buffer.from(`${JSON.stringify({ format: 'clearword-batch-1' })}\n`));
    }
    const segments: string[] = [];
    for await (const { key } of target.list(LEDGER)) segments.push(key);
    // Their names begin with their time: the latest record of a picture holds.
    for (const key of segments.sort()) ledger.#read(await target.get(key));
    return ledger;
  }

  /** What is known of a picture as it is now, under these settings. */
  find({ key, bytes, modified }: StoredObject, settings: string): BatchRecord | undefined {
    const record = this.#records.get(key);
    const same = record?.bytes === bytes && record.modified === modified.getTime() && record.settings === settings;
    return same ? record : undefined;
  }

  get setAside(): BatchRecord[] {
    return [...this.#records.values()].filter(({ status }) => status === 'set-aside');
  }

  /** @param afterwards done once the record is written: what it stands for is needed until then */
  async add(record: BatchRecord, afterwards: () => Promise<void>): Promise<void> {
    this.#records.set(record.key, record);
    this.#segment.push(record);
    this.#afterwards.push(afterwards);
    const old = performance.now() - this.#started > SEGMENT_SECONDS * 1000;
    if (old || this.#segment.length >= SEGMENT_RECORDS) await this.flush();
  }

  /** Writes what is not written yet. Errors: STORE_FAILED. */
  flush(): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write());
    return this.#writing;
  }

  /** Writes the list of those that cannot be restored. */
  async close(): Promise<void> {
    await this.flush();
    const lines = this.setAside.map(({ key, id, error }) => `${JSON.stringify({ key, id, error })}\n`);
    if (lines.length > 0) await this.#target.put(SET_ASIDE, Buffer.from(lines.join('')));
    else await this.#target.remove(SET_ASIDE);
  }

  async #write(): Promise<void> {
    this.#started = performance.now();
    const [records, afterwards] = [this.#segment, this.#afterwards];
    if (records.length === 0) return;
    [this.#segment, this.#afterwards] = [[], []];
    const key = `${LEDGER}${new Date().toISOString().replaceAll(':', '-')}-${randomUUID()}.jsonl`;
    try {
      await this.#target.put(key, Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join('')));
    } catch (error) {
      this.#segment = [...records, ...this.#segment];
      this.#afterwards = [...afterwards, ...this.#afterwards];
      throw error;
    }
    // What cannot be cleared away now is cleared away by its age.
    await Promise.allSettled(afterwards.map((action) => action()));
  }

  #read(data: Uint8Array | undefined): void {
    for (const line of Buffer.from(data ?? [])
      .toString()
      .split('\n')) {
      if (line === '') continue;
      const record = parseRecord(line);
      if (record !== undefined) this.#records.set(record.key, record);
    }
  }
}

/** Undefined: not a record, such as a line that a full disk has cut off; its picture is done again. */
function parseRecord(line: string): BatchRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
