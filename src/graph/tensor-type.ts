/**
 * Shapes and element types.
 *
 * @module
 */

export type DType = 'float32' | 'float16' | 'int64' | 'int32' | 'uint8' | 'bool';
export type Shape = readonly number[];

/** Shape and element type, without an identity. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}
