/**
 * Tensors of a network by the names that its file has for them.
 *
 * @module
 */

export interface NamedTensor {
  readonly shape: readonly number[];
  /** Row-major float32; read-only, because tensors may share it. */
  readonly data: Float32Array;
}

export type NamedTensors = ReadonlyMap<string, NamedTensor>;
