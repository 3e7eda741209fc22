/**
 * What an input may cost.
 *
 * @module
 */

/** Checked from the file's size and header, before anything is decoded. */
export interface ImageLimits {
  /** Largest number of pixels, width x height. */
  readonly pixels: number;
  /** Largest size of the file in bytes. */
  readonly bytes: number;
}

export const DEFAULT_LIMITS: ImageLimits = { pixels: 100_000_000, bytes: 2 ** 30 };
