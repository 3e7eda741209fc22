/**
 * Parameters as one flat vector: the form in which they are trained, averaged, saved and counted.
 *
 * @module
 */
import * as f from './functions.ts';
import { Graph, type ParameterProvider, type ParameterSpec } from './graph.ts';
import { sizeOf, type Tensor } from './tensor.ts';

export interface LayoutEntry extends ParameterSpec {
  /** Place of the first value in the flat vector. */
  readonly offset: number;
  readonly size: number;
}

export interface ParameterLayout {
  readonly entries: readonly LayoutEntry[];
  /** Number of values in all. */
  readonly size: number;
}

/** The parameters that `build` declares, in the order of their first use. */
export function layoutOf(build: (graph: Graph) => unknown): ParameterLayout {
  const graph = new Graph();
  build(graph);
  let offset = 0;
  const entries = [...graph.parameters.values()].map(({ name, shape, initialiser }) => {
    const entry = { name, shape, initialiser, offset, size: sizeOf(shape) };
    offset += entry.size;
    return entry;
  });
  return { entries, size: offset };
}

/** The values of each parameter as a part of the vector `flat` [layout.size], which one Split cuts up. */
export const flatParts = ({ entries }: ParameterLayout, flat: Tensor): readonly Tensor[] =>
  f.split(
    flat,
    0,
    entries.map(({ size }) => size),
  );

/** Parameters from {@link flatParts}. */
export function partsProvider({ entries }: ParameterLayout, parts: readonly Tensor[]): ParameterProvider {
  const tensors = new Map(entries.map(({ name, shape }, i) => [name, f.reshape(parts[i] as Tensor, shape)]));
  return (_, { name }) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new RangeError(`parameter ${name} is not in the layout`);
    return tensor;
  };
}

/** Parameters as parts of the vector `flat` [layout.size]. */
export const flatProvider = (layout: ParameterLayout, flat: Tensor): ParameterProvider =>
  partsProvider(layout, flatParts(layout, flat));

/** The flat vector of named values. */
export function flatten(layout: ParameterLayout, values: ReadonlyMap<string, Float32Array>): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.size);
  for (const { name, offset, size } of layout.entries) {
    const data = values.get(name);
    if (data?.length !== size)
      throw new RangeError(`parameter ${name}: expected ${size} values, received ${data?.length ?? 'none'}`);
    flat.set(data, offset);
  }
  return flat;
}

/** Views of the flat vector by name. */
export function unflatten(layout: ParameterLayout, flat: Float32Array): Map<string, Float32Array> {
  return new Map(layout.entries.map(({ name, offset, size }) => [name, flat.subarray(offset, offset + size)]));
}
