/**
 * What is fuzzed: a boundary at which anything may come in, and what has to hold there.
 *
 * @module
 */
import { ClearwordError } from '../../src/errors.ts';

export interface Target {
  /** Genuine inputs, from which others are made. */
  readonly samples: readonly Uint8Array[];
  /** Words of the format. */
  readonly words: readonly string[];
  /**
   * Does what the program does with such an input, and says in a few words how it ended. Throws if the promise does not hold:
   * an error that is not of the catalogue, or a result that cannot be.
   */
  run(input: Uint8Array): Promise<string> | string;
  /** What has to hold after many inputs, such as no unfinished files. */
  settled?(): Promise<void>;
  close?(): Promise<void>;
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What `action` ends with: `done`, or the error of the catalogue without what is different in every message. */
export async function outcomeOf(action: () => unknown): Promise<string> {
  try {
    const result = await action();
    return typeof result === 'string' ? result : 'done';
  } catch (error) {
    if (!(error instanceof ClearwordError)) throw error;
    const message = error.message.replace(/"[^"]*"/g, '""').replace(/[^a-z ]+/gi, ' ');
    return `${error.code} ${message.split(/\s+/).slice(0, 12).join(' ')}`;
  }
}

export function expectTrue(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`expected ${promise}`);
}
