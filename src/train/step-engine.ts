/**
 * What the training loop asks of whatever computes its steps.
 *
 * @module
 */
import type { StepScalars, Vectors } from './optimisers/index.ts';
import type { BatchUse, StepResult } from './step.ts';

/**
 * Computes one step with these scalars.
 *
 * @throws ClearwordError NON_FINITE if the loss or the gradient is not finite; the vectors are then as they were before
 */
export type PreparedStep = (scalars: StepScalars) => Promise<StepResult>;

/** Holds parameters, optimiser and average, and changes them step by step. */
export interface StepEngine {
  /** Steps that may be under way at once; they are computed one after the other. */
  readonly ahead: number;
  /** What computes, in words. */
  readonly description: string;
  /** Readies the inputs of a step while the one before is computed. */
  prepare(use: BatchUse): PreparedStep;
  /** Copies of the vectors, after all steps under way. */
  vectors(): Promise<Vectors>;
  /** Mean squared errors [N] of the samples of each held-back batch, by the averaged parameters at t = T. */
  score(uses: readonly BatchUse[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}
