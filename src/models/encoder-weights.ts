/**
 * The weights of CLIP and DA-CLIP encoders out of any published file, and back into any of its namings.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { type LayoutEntry, layoutOf } from '../graph/parameters.ts';
import {
  carriesNoWeights,
  NAMING_NAMES,
  NAMINGS,
  type NamingName,
  type Origin,
  withoutWrappers,
} from './checkpoint-names.ts';
import type { ExternalEncoders } from './clip-config.ts';
import { clipTextGraph, daclipContentGraph, daclipGraph } from './daclip.ts';
import type { NamedTensor, NamedTensors } from './named-tensor.ts';
import { transposed } from './onnx-weights.ts';
import { expectFiniteTensor, problemsText } from './tensor-problems.ts';

/** What restoring needs: the text tower and the controller. */
export function encoderEntries(encoders: ExternalEncoders): readonly LayoutEntry[] {
  return [
    ...layoutOf((graph) => clipTextGraph(graph, encoders, 1)).entries,
    ...layoutOf((graph) => daclipGraph(graph, encoders, 1, 1)).entries,
  ];
}

/** All that DA-CLIP has: also CLIP's own vision tower. */
export function allEncoderEntries(encoders: ExternalEncoders): readonly LayoutEntry[] {
  const needed = encoderEntries(encoders);
  const known = new Set(needed.map(({ name }) => name));
  const rest = layoutOf((graph) => daclipContentGraph(graph, encoders, 1)).entries;
  return [...needed, ...rest.filter(({ name }) => !known.has(name))];
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, d) => product * d, 1);

/** The naming under which the most of the entries are found. */
export function namingOf(tensors: NamedTensors, entries: readonly LayoutEntry[]): NamingName {
  const found = (naming: NamingName) =>
    entries.filter(({ name }) => NAMINGS[naming](name)?.names.every((theirs) => tensors.has(theirs))).length;
  return NAMING_NAMES.reduce((best, naming) => (found(naming) > found(best) ? naming : best));
}

/** Tensors joined along their first axis. */
function joined(parts: readonly NamedTensor[]): NamedTensor {
  const [first] = parts;
  if (!first || parts.length === 1) return first ?? { shape: [], data: new Float32Array() };
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 1), 0);
  return { shape: [rows, ...first.shape.slice(1)], data };
}

function fromOrigin(tensors: NamedTensors, { names, transposed: turned }: Origin): NamedTensor {
  const tensor = joined(names.flatMap((name) => tensors.get(name) ?? []));
  return turned ? transposed(tensor) : tensor;
}

/** A scalar is one value, whether it is written with an axis or without. */
const sameShape = (a: readonly number[], b: readonly number[]) =>
  String(a) === String(b) || (sizeOf(a) === 1 && sizeOf(b) === 1);

/**
 * The values of `entries` out of a file of any naming.
 *
 * @param encoders what the file may hold beside the entries
 * @throws ClearwordError MODEL_INVALID listing missing, unexpected and misshapen tensors, or naming one with a value that is
 *   not finite, by the names of the file's naming
 */
export function takeEncoderWeights(
  file: NamedTensors,
  entries: readonly LayoutEntry[],
  encoders: ExternalEncoders,
  source: string,
): { readonly naming: NamingName; readonly values: Map<string, Float32Array> } {
  const tensors = withoutWrappers(file);
  const naming = namingOf(tensors, entries);
  const originOf = (name: string) => NAMINGS[naming](name);
  const values = new Map<string, Float32Array>();
  const [missing, misshapen]: [string[], string[]] = [[], []];
  for (const { name, shape } of entries) {
    const origin = originOf(name);
    const absent = origin ? origin.names.filter((theirs) => !tensors.has(theirs)) : [name];
    missing.push(...absent);
    if (!origin || absent.length > 0) continue;
    const tensor = fromOrigin(tensors, origin);
    if (sameShape(tensor.shape, shape)) values.set(name, tensor.data);
    else misshapen.push(`${origin.names.join(' + ')} (expected [${shape}], received [${tensor.shape}])`);
  }
  const known = new Set(allEncoderEntries(encoders).flatMap(({ name }) => originOf(name)?.names ?? []));
  const all = new Set(tensors.keys());
  const unexpected = [...all].filter((name) => !known.has(name) && !carriesNoWeights(name, all));
  const problems = problemsText({ missing, unexpected, misshapen });
  if (problems !== undefined) {
    throw new ClearwordError('MODEL_INVALID', `${source}: read as ${naming} weights; ${problems}`, {
      fix: 'Use the weights that the model was trained with: those of DA-CLIP on a CLIP of the same size.',
    });
  }
  for (const [name, data] of values) expectFiniteTensor(originOf(name)?.names.join(' + ') ?? name, data, source);
  return { naming, values };
}

/** Values under the names of a naming; entries that it does not have are left out. */
export function nameEncoderWeights(
  values: ReadonlyMap<string, Float32Array>,
  entries: readonly LayoutEntry[],
  naming: NamingName,
): Map<string, NamedTensor> {
  const named = new Map<string, NamedTensor>();
  for (const { name, shape } of entries) {
    const [origin, data] = [NAMINGS[naming](name), values.get(name)];
    if (!origin || !data) continue;
    const tensor = origin.transposed ? transposed({ shape, data }) : { shape, data };
    const count = origin.names.length;
    const rows = (tensor.shape[0] ?? 1) / count;
    const size = tensor.data.length / count;
    origin.names.forEach((theirs, i) => {
      const part = { shape: [rows, ...tensor.shape.slice(1)], data: tensor.data.subarray(i * size, (i + 1) * size) };
      named.set(theirs, count === 1 ? tensor : part);
    });
  }
  return named;
}
