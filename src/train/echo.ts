/**
 * Batches that are used several times (data echoing, Choi et al. 2019), so that a fast device need not wait for the loader.
 *
 * @module
 */
import type { Batch } from '../data/batch.ts';

/**
 * Number of the batch that a step uses. Batch b is used in steps b e, b e + (e + 1), ..., e times in all, and the uses of
 * different batches alternate; only in the first e (e - 1) steps those of the first batches come more often.
 */
export const batchOf = (step: number, echo: number): number => Math.max(0, Math.floor(step / echo) - (step % echo));

/** The first batch that a step or any later one uses. */
export const firstBatch = (step: number, echo: number): number => Math.max(0, Math.floor(step / echo) - echo + 1);

/** Gives each step its batch, and keeps what is used again. */
export class EchoedBatches {
  readonly #next: () => Promise<Batch>;
  readonly #echo: number;
  readonly #batches = new Map<number, Promise<Batch>>();
  #number: number;

  /** @param next gives the batches from {@link firstBatch} of the first step on */
  constructor(next: () => Promise<Batch>, echo: number, firstStep: number) {
    this.#next = next;
    this.#echo = echo;
    this.#number = firstBatch(firstStep, echo);
  }

  /** The batch of a step; steps are asked for in order. */
  async of(step: number): Promise<Batch> {
    const wanted = batchOf(step, this.#echo);
    while (this.#number <= wanted) {
      const batch = this.#next();
      // One that cannot be made is reported where it is used.
      batch.catch(() => undefined);
      this.#batches.set(this.#number++, batch);
    }
    const oldest = firstBatch(step, this.#echo);
    for (const number of this.#batches.keys()) if (number < oldest) this.#batches.delete(number);
    const batch = this.#batches.get(wanted);
    if (!batch) throw new RangeError(`batch ${wanted} of step ${step} was given away`);
    return batch;
  }
}
