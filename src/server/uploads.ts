/**
 * Who may send a picture: so many at a time, and not all of them one client.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { RetryLater } from './problem.ts';

export interface UploadSlots {
  /** Of all clients together. */
  readonly all: number;
  /** Of one client. */
  readonly each: number;
  /** Longest wait for one, in milliseconds; what a client sends meanwhile is not read. */
  readonly patience: number;
}

interface Waiting {
  readonly client: string;
  readonly take: () => void;
}

export class Uploads {
  readonly #slots: UploadSlots;
  readonly #taken = new Map<string, number>();
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  #all = 0;

  constructor(slots: UploadSlots) {
    this.#slots = slots;
  }

  /** Does something in a slot of a client. Errors: QUEUE_FULL if none gets free in time, and those of `action`. */
  async within<T>(client: string, action: () => Promise<T>): Promise<T> {
    if (!this.#tryTake(client)) await this.#wait(client);
    try {
      return await action();
    } finally {
      this.#give(client);
    }
  }

  #tryTake(client: string): boolean {
    const own = this.#taken.get(client) ?? 0;
    if (this.#all >= this.#slots.all || own >= this.#slots.each) return false;
    this.#all++;
    this.#taken.set(client, own + 1);
    return true;
  }

  #give(client: string): void {
    this.#all--;
    const own = (this.#taken.get(client) ?? 1) - 1;
    if (own === 0) this.#taken.delete(client);
    else this.#taken.set(client, own);
    for (const next of this.#waiting) if (this.#tryTake(next.client)) next.take();
  }

  async #wait(client: string): Promise<void> {
    const taken = new AbortController();
    const waiting: Waiting = {
      client,
      take: () => {
        this.#waiting.delete(waiting);
        taken.abort();
      },
    };
    this.#waiting.add(waiting);
    await delay(this.#slots.patience, undefined, { signal: taken.signal }).catch(() => undefined);
    if (taken.signal.aborted) return;
    this.#waiting.delete(waiting);
    const { all, each } = this.#slots;
    throw new RetryLater('QUEUE_FULL', `expected at most ${all} uploads at a time, ${each} of one client`, 1);
  }
}
