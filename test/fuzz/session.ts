/**
 * Inputs made one after the other, each by what the ones before it came to.
 *
 * @module
 */
import { Random } from '../../src/random/random.ts';
import { mutated } from './mutations.ts';
import type { Target } from './target.ts';

/** Most inputs that are built on; of later ones each replaces one at random. */
const MOST_KEPT = 300;
/** Inputs between two looks at what has to hold after many. */
const SETTLE = 500;

export interface SessionHooks {
  /** Called before an input is run. */
  readonly before?: (input: Uint8Array) => void;
  /** An input that came to an end that none before it came to. */
  readonly onNew?: (input: Uint8Array, outcome: string) => void;
  /** An input whose promise does not hold. */
  readonly onFailure: (input: Uint8Array, error: unknown) => void;
}

/** One target being fuzzed. Everything follows from the seed, as long as the machine's own state has no say. */
export class FuzzSession {
  readonly outcomes = new Map<string, number>();
  inputs = 0;
  readonly #target: Target;
  readonly #kept: Uint8Array[];
  readonly #random: Random;
  readonly #hooks: SessionHooks;

  constructor(target: Target, corpus: readonly Uint8Array[], seed: number, hooks: SessionHooks) {
    this.#target = target;
    this.#kept = [...target.samples, ...corpus];
    this.#random = new Random(seed);
    this.#hooks = hooks;
  }

  /** The genuine inputs and those of the corpus, as they are. */
  async known(): Promise<void> {
    for (const input of [...this.#kept]) await this.#run(input);
  }

  async next(): Promise<void> {
    const input = mutated(this.#kept, this.#target.words, this.#random);
    const isNew = await this.#run(input);
    if (isNew) {
      if (this.#kept.length < MOST_KEPT) this.#kept.push(input);
      else this.#kept[this.#random.int(MOST_KEPT)] = input;
    }
    if (this.inputs % SETTLE === 0) await this.settle();
  }

  async settle(): Promise<void> {
    try {
      await this.#target.settled?.();
    } catch (error) {
      this.#hooks.onFailure(new Uint8Array(), error);
    }
  }

  /** Whether it came to a new end. */
  async #run(input: Uint8Array): Promise<boolean> {
    this.#hooks.before?.(input);
    this.inputs++;
    try {
      const outcome = await this.#target.run(input);
      const count = this.outcomes.get(outcome) ?? 0;
      this.outcomes.set(outcome, count + 1);
      if (count === 0) this.#hooks.onNew?.(input, outcome);
      return count === 0;
    } catch (error) {
      this.#hooks.onFailure(input, error);
      return false;
    }
  }
}
