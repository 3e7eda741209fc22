/**
 * What an ONNX file says about itself, read without the runtime.
 *
 * Field numbers: onnx.proto of the ONNX project. What could cost memory or time without bound, or reach for other files, is
 * refused here, before anything is allocated for it: see `onnx-guard.ts`.
 *
 * @module
 */
import { countVarints, type Field, fieldsOf, WireError, wholesOf } from './wire.ts';

/** A side of an input: its size, or undefined where it is free. */
export type Dimension = number | undefined;

export interface OnnxValue {
  readonly name: string;
  /** Number of TensorProto.DataType; 0: no tensor. */
  readonly elementType: number;
  /** Undefined where the file does not say. */
  readonly shape: readonly Dimension[] | undefined;
}

export interface OnnxTensor {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly number[];
  /** Elements that the file has for it, of the claimed number; Infinity where the type's own count is not known. */
  readonly stored: number;
  /** Bytes of raw data. */
  readonly raw: Uint8Array | undefined;
  /** Whole numbers of a short list; undefined for everything else. */
  readonly wholes: readonly number[] | undefined;
  /** Of data in another file: location, offset, length as they are written. */
  readonly external: Readonly<Record<string, string>> | undefined;
}

export interface OnnxNode {
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers of its attributes. */
  readonly wholes: ReadonlyMap<string, readonly number[]>;
  readonly tensors: readonly OnnxTensor[];
  readonly graphs: readonly OnnxGraph[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initialisers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxFile {
  readonly graph: OnnxGraph;
  readonly functions: readonly OnnxFunction[];
  readonly producer: string;
  /** Properties that whoever wrote the file added. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Graphs within graphs within graphs: no exporter goes deeper. */
const DEEPEST = 6;
/** Longest list of whole numbers that is looked at: shapes, pads. */
const LONGEST_LIST = 64;
/** Nodes and values in all; the largest networks have some ten thousand. */
const MOST_PARTS = 500_000;

const decoder = new TextDecoder();
const text = (field: Field): string => decoder.decode(field.bytes);

class Reader {
  #parts = 0;

  model(bytes: Uint8Array): OnnxFile {
    let graph: OnnxGraph | undefined;
    let producer = '';
    const functions: OnnxFunction[] = [];
    const metadata = new Map<string, string>();
    for (const field of fieldsOf(bytes)) {
      if (field.number === 2) producer = text(field);
      else if (field.number === 7) {
        if (graph !== undefined) throw new WireError('it has two graphs');
        graph = this.#graph(field.bytes, 0);
      } else if (field.number === 14) {
        const [key, value] = pair(field.bytes);
        metadata.set(key, value);
      } else if (field.number === 25) functions.push(this.#function(field.bytes));
    }
    if (graph === undefined) throw new WireError('it has no graph');
    return { graph, functions, producer, metadata };
  }

  #count(): void {
    if (++this.#parts > MOST_PARTS) throw new WireError(`it has more than ${MOST_PARTS} parts`);
  }

  #graph(bytes: Uint8Array, depth: number): OnnxGraph {
    if (depth > DEEPEST) throw new WireError(`its graphs are nested more than ${DEEPEST} deep`);
    const nodes: OnnxNode[] = [];
    const initialisers: OnnxTensor[] = [];
    const inputs: OnnxValue[] = [];
    const outputs: OnnxValue[] = [];
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) nodes.push(this.#node(field.bytes, depth));
      else if (field.number === 5) initialisers.push(this.#tensor(field.bytes));
      else if (field.number === 11) inputs.push(this.#value(field.bytes));
      else if (field.number === 12) outputs.push(this.#value(field.bytes));
      else if (field.number === 15) throw new WireError('it has sparse tensors');
    }
    return { nodes, initialisers, inputs, outputs };
  }

  #function(bytes: Uint8Array): OnnxFunction {
    let [name, domain] = ['', ''];
    const nodes: OnnxNode[] = [];
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) name = text(field);
      else if (field.number === 7) nodes.push(this.#node(field.bytes, 0));
      else if (field.number === 10) domain = text(field);
    }
    return { name, domain, nodes };
  }

  #node(bytes: Uint8Array, depth: number): OnnxNode {
    this.#count();
    let [type, domain] = ['', ''];
    const inputs: string[] = [];
    const outputs: string[] = [];
    const wholes = new Map<string, readonly number[]>();
    const tensors: OnnxTensor[] = [];
    const graphs: OnnxGraph[] = [];
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) inputs.push(text(field));
      else if (field.number === 2) outputs.push(text(field));
      else if (field.number === 4) type = text(field);
      else if (field.number === 7) domain = text(field);
      else if (field.number === 5) {
        const attribute = this.#attribute(field.bytes, depth);
        if (attribute.wholes.length > 0) wholes.set(attribute.name, attribute.wholes);
        // One by one: as arguments of one call, a file's hundred thousands would overflow the stack.
        for (const tensor of attribute.tensors) tensors.push(tensor);
        for (const graph of attribute.graphs) graphs.push(graph);
      }
    }
    return { type, domain, inputs, outputs, wholes, tensors, graphs };
  }

  #attribute(bytes: Uint8Array, depth: number) {
    this.#count();
    let name = '';
    const wholes: number[] = [];
    const tensors: OnnxTensor[] = [];
    const graphs: OnnxGraph[] = [];
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) name = text(field);
      else if (field.number === 3) wholes.push(field.value);
      else if (field.number === 8 && wholes.length < LONGEST_LIST) wholes.push(...wholesOf(field, LONGEST_LIST));
      else if (field.number === 5 || field.number === 10) tensors.push(this.#tensor(field.bytes));
      else if (field.number === 6 || field.number === 11) graphs.push(this.#graph(field.bytes, depth + 1));
      else if (field.number === 22 || field.number === 23) throw new WireError('it has sparse tensors');
    }
    return { name, wholes, tensors, graphs };
  }

  #tensor(bytes: Uint8Array): OnnxTensor {
    this.#count();
    let name = '';
    let elementType = 0;
    let [listed, elsewhere] = [0, false];
    let raw: Uint8Array | undefined;
    const shape: number[] = [];
    const wholes: number[] = [];
    const external: Record<string, string> = {};
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) shape.push(...wholesOf(field, LONGEST_LIST));
      else if (field.number === 2) elementType = field.value;
      else if (field.number === 8) name = text(field);
      else if (field.number === 9) raw = field.bytes;
      else if (field.number === 14) elsewhere = field.value === 1;
      else if (field.number === 13) {
        const [key, value] = pair(field.bytes);
        external[key] = value;
      } else if (LISTS.has(field.number)) {
        listed += listLength(field);
        if (field.number === 7 && listed <= LONGEST_LIST) wholes.push(...wholesOf(field, LONGEST_LIST));
      }
      if (shape.length > LONGEST_LIST) throw new WireError(`tensor ${name} has more than ${LONGEST_LIST} dimensions`);
    }
    const bits = ELEMENT_BITS[elementType];
    const stored = raw === undefined ? listed : bits === undefined ? Number.POSITIVE_INFINITY : (8 * raw.length) / bits;
    return {
      name,
      elementType,
      shape,
      stored,
      raw,
      wholes: wholes.length > 0 ? wholes : raw && elementType === INT64 ? int64s(raw) : undefined,
      external: elsewhere || Object.keys(external).length > 0 ? external : undefined,
    };
  }

  #value(bytes: Uint8Array): OnnxValue {
    this.#count();
    let name = '';
    let type: ReturnType<typeof tensorType> = { elementType: 0, shape: undefined };
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) name = text(field);
      else if (field.number === 2) type = tensorType(field.bytes);
    }
    return { name, ...type };
  }
}

/** Bits of an element by the number of its type; types of strings and of complex numbers are not there. */
export const ELEMENT_BITS: Readonly<Record<number, number>> = {
  ...{ 1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16 },
  ...{ 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4 },
};
const INT64 = 7;

/** Fields of a tensor that list its values: float_data, int32_data, int64_data, double_data, uint64_data. */
const LISTS: ReadonlySet<number> = new Set([4, 5, 7, 10, 11]);

function listLength({ number, whole, bytes }: Field): number {
  if (number === 4) return bytes.length / 4;
  if (number === 10) return bytes.length / 8;
  return whole ? 1 : countVarints(bytes);
}

function int64s(raw: Uint8Array): number[] | undefined {
  if (raw.length > 8 * LONGEST_LIST || raw.length % 8 !== 0) return undefined;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  return Array.from({ length: raw.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}

function pair(bytes: Uint8Array): [key: string, value: string] {
  let [key, value] = ['', ''];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) key = text(field);
    else if (field.number === 2) value = text(field);
  }
  return [key, value];
}

/** TypeProto: only that of a tensor says something. */
function tensorType(bytes: Uint8Array): Pick<OnnxValue, 'elementType' | 'shape'> {
  let elementType = 0;
  let shape: Dimension[] | undefined;
  for (const type of fieldsOf(bytes)) {
    if (type.number !== 1) continue;
    for (const field of fieldsOf(type.bytes)) {
      if (field.number === 1) elementType = field.value;
      else if (field.number === 2) {
        shape = [];
        for (const dimension of fieldsOf(field.bytes)) {
          if (shape.length > LONGEST_LIST) throw new WireError(`a value has more than ${LONGEST_LIST} dimensions`);
          if (dimension.number === 1) shape.push(dimensionOf(dimension.bytes));
        }
      }
    }
  }
  return { elementType, shape };
}

/** A size; a name, nothing, or a number below 1 (some exporters write 0 or -1) stand for any. */
function dimensionOf(bytes: Uint8Array): Dimension {
  for (const field of fieldsOf(bytes)) if (field.number === 1 && field.value >= 1) return field.value;
  return undefined;
}

/** Reads the parts of a file. Throws WireError, in words that go on "expected an ONNX model, but". */
export function readOnnxFile(bytes: Uint8Array): OnnxFile {
  return new Reader().model(bytes);
}
