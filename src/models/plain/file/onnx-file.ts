/**
 * What an ONNX file says about itself, read without the runtime.
 *
 * Field numbers: onnx.proto of the ONNX project. What could cost memory or time without bound, or reach for other files, is
 * refused here, before anything is allocated for it: see `onnx-guard.ts`. What the runtime could read otherwise than it is read
 * here is refused, too.
 *
 * @module
 */

import { quoted } from '../refusal.ts';
import { LONGEST_LIST, type OnnxTensor, readPair, readTensor } from './tensor.ts';
import {
  bytesOf,
  countNumbers,
  type Field,
  fieldsOf,
  floatOf,
  floatsOf,
  textOf,
  WireError,
  wholeOf,
  wholesOf,
} from './wire.ts';

/** A side of an input: its size, or undefined where it is free. */
export type Dimension = number | undefined;

export interface OnnxValue {
  readonly name: string;
  /** Number of TensorProto.DataType; 0: no tensor. */
  readonly elementType: number;
  /** Undefined where the file does not say. */
  readonly shape: readonly Dimension[] | undefined;
}

export interface OnnxAttribute {
  /** Name of the function's attribute that it stands for; empty where it is one itself. */
  readonly ref: string;
  readonly whole: number | undefined;
  readonly float: number | undefined;
  /** Lists; undefined where they are long. */
  readonly wholes: readonly number[] | undefined;
  readonly floats: readonly number[] | undefined;
  /** Numbers in the lists, long ones included. */
  readonly listed: number;
  readonly tensors: readonly OnnxTensor[];
  readonly graphs: readonly OnnxGraph[];
}

export interface OnnxNode {
  readonly type: string;
  /** Empty for the operators of ONNX itself. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
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
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that hold unless a call says otherwise. */
  readonly defaults: ReadonlyMap<string, OnnxAttribute>;
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
/** Nodes, what goes into them and what comes out, attributes, tensors; the largest networks have some fifty thousand. */
const MOST_PARTS = 500_000;

/** Bytes that are read of a text that names nothing. */
const LONGEST_TEXT = 2 ** 20;

const decoder = new TextDecoder();
const shownText = (field: Field): string => decoder.decode(bytesOf(field).subarray(0, LONGEST_TEXT));

/** Domain `ai.onnx` is the one without a name. */
const domainOf = (field: Field): string => {
  const domain = textOf(field);
  return domain === 'ai.onnx' ? '' : domain;
};

/** A message that is there once: of two, the runtime makes one that is neither. */
function once<T>(before: T | undefined, what: string, read: () => T): T {
  if (before !== undefined) throw new WireError(`it has two ${what}`);
  return read();
}

class Reader {
  #parts = 0;

  model(bytes: Uint8Array): OnnxFile {
    let graph: OnnxGraph | undefined;
    let producer = '';
    const functions: OnnxFunction[] = [];
    const metadata = new Map<string, string>();
    for (const field of fieldsOf(bytes)) {
      if (field.number === 2) producer = shownText(field);
      else if (field.number === 7) graph = once(graph, 'graphs', () => this.#graph(bytesOf(field), 0));
      else if (field.number === 14) {
        this.#count();
        const [key, value] = readPair(bytesOf(field), shownText);
        metadata.set(key, value);
      } else if (field.number === 25) functions.push(this.#function(bytesOf(field)));
    }
    if (graph === undefined) throw new WireError('it has no graph');
    return { graph, functions, producer, metadata };
  }

  #count(): void {
    if (++this.#parts > MOST_PARTS) throw new WireError(`it has more than ${MOST_PARTS} parts`);
  }

  #name(field: Field): string {
    this.#count();
    return textOf(field);
  }

  #graph(bytes: Uint8Array, depth: number): OnnxGraph {
    this.#count();
    if (depth > DEEPEST) throw new WireError(`its graphs are nested more than ${DEEPEST} deep`);
    const nodes: OnnxNode[] = [];
    const initialisers: OnnxTensor[] = [];
    const inputs: OnnxValue[] = [];
    const outputs: OnnxValue[] = [];
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) nodes.push(this.#node(bytesOf(field), depth));
      else if (field.number === 5) initialisers.push(this.#tensor(field));
      else if (field.number === 11) inputs.push(this.#value(bytesOf(field)));
      else if (field.number === 12) outputs.push(this.#value(bytesOf(field)));
      else if (field.number === 15) throw new WireError('it has sparse tensors');
    }
    return { nodes, initialisers, inputs, outputs };
  }

  #function(bytes: Uint8Array): OnnxFunction {
    this.#count();
    let [name, domain] = ['', ''];
    const inputs: string[] = [];
    const outputs: string[] = [];
    const nodes: OnnxNode[] = [];
    const defaults = new Map<string, OnnxAttribute>();
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) name = textOf(field);
      else if (field.number === 4) inputs.push(this.#name(field));
      else if (field.number === 5) outputs.push(this.#name(field));
      else if (field.number === 7) nodes.push(this.#node(bytesOf(field), 0));
      else if (field.number === 10) domain = domainOf(field);
      else if (field.number === 11) this.#attribute(bytesOf(field), 0, defaults);
    }
    return { name, domain, inputs, outputs, defaults, nodes };
  }

  #node(bytes: Uint8Array, depth: number): OnnxNode {
    this.#count();
    let [type, domain] = ['', ''];
    const inputs: string[] = [];
    const outputs: string[] = [];
    const attributes = new Map<string, OnnxAttribute>();
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) inputs.push(this.#name(field));
      else if (field.number === 2) outputs.push(this.#name(field));
      else if (field.number === 4) type = textOf(field);
      else if (field.number === 7) domain = domainOf(field);
      else if (field.number === 5) this.#attribute(bytesOf(field), depth, attributes);
    }
    return { type, domain, inputs, outputs, attributes };
  }

  #attribute(bytes: Uint8Array, depth: number, attributes: Map<string, OnnxAttribute>): void {
    this.#count();
    let [name, ref] = ['', ''];
    let whole: number | undefined;
    let float: number | undefined;
    const wholes = new NumberList();
    const floats = new NumberList();
    const tensors: OnnxTensor[] = [];
    const graphs: OnnxGraph[] = [];
    let [tensor, graph]: [OnnxTensor?, OnnxGraph?] = [];
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) name = textOf(field);
      else if (field.number === 2) float = floatOf(field);
      else if (field.number === 3) whole = wholeOf(field);
      else if (field.number === 5) tensor = once(tensor, 'tensors in one place', () => this.#tensor(field));
      else if (field.number === 6) graph = once(graph, 'graphs in one place', () => this.#inner(field, depth));
      else if (field.number === 7) floats.add(field, 4);
      else if (field.number === 8) wholes.add(field);
      else if (field.number === 10) tensors.push(this.#tensor(field));
      else if (field.number === 11) graphs.push(this.#inner(field, depth));
      else if (field.number === 21) ref = textOf(field);
      else if (field.number === 22 || field.number === 23) throw new WireError('it has sparse tensors');
    }
    if (tensor !== undefined) tensors.unshift(tensor);
    if (graph !== undefined) graphs.unshift(graph);
    if (attributes.has(name)) throw new WireError(`it has two attributes ${quoted(name)} in one place`);
    const listed = wholes.count + floats.count;
    attributes.set(name, { ref, whole, float, wholes: wholes.values, floats: floats.values, listed, tensors, graphs });
  }

  #inner(field: Field, depth: number): OnnxGraph {
    return this.#graph(bytesOf(field), depth + 1);
  }

  #tensor(field: Field): OnnxTensor {
    this.#count();
    return readTensor(bytesOf(field));
  }

  #value(bytes: Uint8Array): OnnxValue {
    this.#count();
    let name = '';
    let type: ReturnType<typeof tensorType> | undefined;
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) name = textOf(field);
      else if (field.number === 2) type = once(type, 'types of one value', () => tensorType(bytesOf(field)));
    }
    return { name, ...(type ?? { elementType: 0, shape: undefined }) };
  }
}

/** Numbers of a repeated field, while they are few. */
class NumberList {
  count = 0;
  readonly #values: number[] = [];

  add(field: Field, size?: 4): void {
    this.count += countNumbers(field, size);
    if (this.values !== undefined)
      this.#values.push(...(size === undefined ? wholesOf(field, LONGEST_LIST) : floatsOf(field, size)));
  }

  get values(): readonly number[] | undefined {
    return this.count <= LONGEST_LIST ? this.#values : undefined;
  }
}

/** TypeProto: only that of a tensor says something. */
function tensorType(bytes: Uint8Array): Pick<OnnxValue, 'elementType' | 'shape'> {
  let elementType = 0;
  let shape: Dimension[] | undefined;
  let tensor: Uint8Array | undefined;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) tensor = once(tensor, 'types of one value', () => bytesOf(field));
  }
  for (const field of fieldsOf(tensor ?? new Uint8Array(0))) {
    if (field.number === 1) elementType = wholeOf(field);
    else if (field.number === 2) shape = once(shape, 'shapes of one value', () => shapeOf(bytesOf(field)));
  }
  return { elementType, shape };
}

function shapeOf(bytes: Uint8Array): Dimension[] {
  const shape: Dimension[] = [];
  for (const dimension of fieldsOf(bytes)) {
    if (shape.length > LONGEST_LIST) throw new WireError(`a value has more than ${LONGEST_LIST} dimensions`);
    if (dimension.number === 1) shape.push(dimensionOf(bytesOf(dimension)));
  }
  return shape;
}

/** A size; a name, nothing, or a number below 1 (some exporters write 0 or -1) stand for any. */
function dimensionOf(bytes: Uint8Array): Dimension {
  let size: Dimension;
  for (const field of fieldsOf(bytes)) {
    // The last one holds, whichever of the two it is.
    if (field.number === 1) size = wholeOf(field);
    else if (field.number === 2) size = undefined;
  }
  return size !== undefined && size >= 1 ? size : undefined;
}

/** Reads the parts of a file. Throws WireError, in words that go on "expected an ONNX model, but". */
export function readOnnxFile(bytes: Uint8Array): OnnxFile {
  return new Reader().model(bytes);
}
