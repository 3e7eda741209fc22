/**
 * How much a network makes of constants, found out before the runtime does it.
 *
 * A file of a hundred bytes may ask for 2^60 values. What comes from constants alone the runtime computes while it loads a network,
 * whether the result is used or not, so all that is followed here, through functions and graphs within graphs, by shapes; and by
 * numbers where they are few, as sizes are. Where constants size something that comes from the picture, they are followed as well.
 * Sizes that come from the picture are not known before it is there.
 *
 * @module
 */

import type { OnnxAttribute, OnnxFile, OnnxFunction, OnnxGraph, OnnxNode } from '../file/onnx-file.ts';
import { LONGEST_LIST, TYPE } from '../file/tensor.ts';
import { type Fail, operator, quoted } from '../refusal.ts';
import type { Call, Result } from './call.ts';
import {
  allKnown,
  type Constant,
  elementsOf,
  fromTensor,
  listConstant,
  placesOf,
  type Sides,
  UNKNOWN,
} from './constants.ts';
import { calledBy, type Functions } from './functions.ts';
import { growthOf, mostOf, NOT_KNOWN } from './growth.ts';
import { inOrder } from './order.ts';
import { RULES } from './rules.ts';

/** Elements of an input, and of a value that constants size: of a picture, 89 megapixels in three channels. */
export const MOST_ELEMENTS = 2 ** 28;
/**
 * Elements of all values that come from constants alone: the runtime keeps them until it has computed all. Small networks of 41
 * architectures of restorers make up to 2^23, and up to 2^28 where their exporter was told to compute nothing.
 */
export const MOST_CONSTANTS = 2 ** 30;
/** Numbers that are computed, times what goes into each. Of these networks the one that needs most needs 28 000. */
const MOST_COMPUTED = 1_000_000;

const FOLD =
  'Simplify the network (onnxslim, onnxsim), or export it again with its constants folded, so that its sizes are numbers in the file.';

type Attributes = ReadonlyMap<string, OnnxAttribute>;

/** The values that a node may use: those of its graph, and of the graphs around it. */
class Scope {
  readonly #values = new Map<string, Constant>();
  readonly #outer: Scope | undefined;
  /** Attributes of the function that the graph is part of. */
  readonly attributes: Attributes;
  readonly #fail: Fail;

  constructor(fail: Fail, attributes: Attributes, outer?: Scope) {
    this.#fail = fail;
    this.attributes = attributes;
    this.#outer = outer;
  }

  has(name: string): boolean {
    return this.#values.has(name) || (this.#outer?.has(name) ?? false);
  }

  /** A value that is made later is one that needs itself. */
  get(name: string): Constant {
    const value = this.#values.get(name) ?? this.#outer?.get(name);
    return (
      value ?? this.#fail(`the value ${quoted(name)} to be made before it is used`, 'none, or one that needs itself')
    );
  }

  set(name: string, value: Constant): void {
    if (name === '') return;
    if (this.has(name)) this.#fail('each value to have a name of its own', `two with the name ${quoted(name)}`);
    this.#values.set(name, value);
  }
}

/** Refuses networks that make too much of constants. What is known of a value by its name is given back. */
export function checkSizes({ graph }: OnnxFile, functions: Functions, fail: Fail): (name: string) => Constant {
  const scope = new Scope(fail, new Map());
  new Sizes(functions, fail).graph(graph, scope);
  return (name) => scope.get(name);
}

class Sizes {
  readonly #functions: Functions;
  readonly #fail: Fail;
  #total = 0;
  /** What is in the file: the first use of it adds nothing. */
  readonly #used = new Set<OnnxAttribute | OnnxGraph>();
  #computed = 0;
  /** Nodes in the order that they are followed in: functions are called many times. */
  readonly #ordered = new Map<readonly OnnxNode[], readonly OnnxNode[]>();

  constructor(functions: Functions, fail: Fail) {
    this.#functions = functions;
    this.#fail = fail;
  }

  graph(graph: OnnxGraph, scope: Scope, inner = false): void {
    const { initialisers, inputs, nodes } = graph;
    const again = this.#again(graph);
    for (const tensor of initialisers) {
      const value = fromTensor(tensor);
      scope.set(tensor.name, value);
      if (again) this.#add(value.elements, tensor.name);
    }
    const initialised = new Set(initialisers.map(({ name }) => name));
    for (const { name, shape, elementType } of inputs) {
      if (!initialised.has(name)) scope.set(name, { ...UNKNOWN, type: elementType, shape: inner ? undefined : shape });
    }
    for (const node of this.#order(nodes)) this.#node(node, scope);
  }

  #node(node: OnnxNode, scope: Scope): void {
    const attribute = (name: string): OnnxAttribute | undefined => {
      const own = node.attributes.get(name);
      return own === undefined || own.ref === '' ? own : scope.attributes.get(own.ref);
    };
    const inputs = node.inputs.map((name) => (name === '' ? undefined : scope.get(name)));
    const attributes = new Map<string, OnnxAttribute>();
    for (const name of node.attributes.keys()) {
      const value = attribute(name);
      if (value === undefined) continue;
      attributes.set(name, value);
      const elements = value.tensors.reduce((sum, tensor) => sum + elementsOf(tensor.shape), value.listed);
      if (this.#again(value)) this.#add(elements, node.outputs[0] ?? '');
    }
    const called = calledBy(node, this.#functions);
    const results =
      called !== undefined
        ? this.#call(called, inputs, attributes)
        : [...attributes.values()].some(({ graphs }) => graphs.length > 0)
          ? this.#branches(node, inputs, attributes, scope)
          : this.#results(node, { type: node.type, inputs, attribute, outputs: node.outputs.length, output: 0 });
    node.outputs.forEach((name, i) => {
      scope.set(name, results[i] ?? UNKNOWN);
    });
  }

  /** A function in place of its call. */
  #call(called: OnnxFunction, inputs: readonly (Constant | undefined)[], attributes: Attributes): Constant[] {
    const scope = new Scope(this.#fail, new Map([...called.defaults, ...attributes]));
    called.inputs.forEach((name, i) => {
      scope.set(name, inputs[i] ?? UNKNOWN);
    });
    for (const node of this.#order(called.nodes)) this.#node(node, scope);
    return called.outputs.map((name) => scope.get(name));
  }

  /** The runtime puts the branch of a constant condition in the place of the node. Other graphs are left to the run. */
  #branches(
    node: OnnxNode,
    inputs: readonly (Constant | undefined)[],
    attributes: Attributes,
    scope: Scope,
  ): Constant[] {
    const results = new Map<string, Constant[]>();
    for (const [name, { graphs }] of attributes) {
      for (const graph of graphs) {
        const inside = new Scope(this.#fail, scope.attributes, scope);
        this.graph(graph, inside, true);
        results.set(
          name,
          graph.outputs.map((output) => inside.get(output.name)),
        );
      }
    }
    const [condition] = inputs;
    if (node.type !== 'If' || !condition?.fixed) return [];
    const chosen = condition.numbers?.[0];
    if (chosen === 0 || chosen === 1) return results.get(chosen ? 'then_branch' : 'else_branch') ?? [];
    return node.outputs.map((_, i) => {
      const elements = [...results.values()].map((values) => values[i]?.elements ?? 1);
      return { fixed: true, type: 0, shape: undefined, numbers: undefined, elements: Math.max(1, ...elements) };
    });
  }

  #results(node: OnnxNode, call: Call): Constant[] {
    if (node.type === 'Constant') return [constantOf(call)];
    if (node.type === 'Split' && call.outputs <= LONGEST_LIST)
      return node.outputs.map((_, output) => this.#result(node, { ...call, output }));
    const first = this.#result(node, call);
    // Further outputs have as many values as the first at most.
    return node.outputs.map((name, i) => {
      if (i === 0) return first;
      if (first.fixed) this.#add(first.elements, name);
      return { ...first, shape: undefined, numbers: undefined };
    });
  }

  #result(node: OnnxNode, call: Call): Constant {
    const { type, domain, outputs } = node;
    const label = `${quoted(outputs[call.output] ?? '')} from ${operator(type)}`;
    const growth = growthOf(call);
    if (growth === NOT_KNOWN) {
      return this.#fail(
        `sizes that are numbers in the file, or come from the picture, for ${label}`,
        'constants that Clearword cannot compute',
        FOLD,
      );
    }
    const said = RULES.get(type)?.(call) ?? {};
    const stated = type === 'Shape' || type === 'Size' ? allKnown(said.numbers) : false;
    const fixed = stated || call.inputs.every((value) => value === undefined || value.fixed);
    const shape = fixed && !allKnown(said.shape) ? undefined : said.shape;
    if ((shape?.length ?? 0) > LONGEST_LIST)
      this.#fail(`at most ${LONGEST_LIST} dimensions for ${label}`, `${shape?.length}`);
    const elements = fixed
      ? shape
        ? elementsOf(shape)
        : (said.elements ?? mostOf(call, domain) * growth)
      : Math.max(growth, shape ? elementsOf(shape) : (said.elements ?? 1));
    if (!(elements <= MOST_ELEMENTS)) {
      const received = Number.isFinite(elements) ? `${elements}` : 'more than can be told';
      this.#fail(`at most ${MOST_ELEMENTS} values for ${label}`, received, FOLD);
    }
    if (fixed) this.#add(elements, outputs[call.output] ?? '');
    return {
      fixed,
      type: said.type ?? call.inputs[0]?.type ?? 0,
      shape,
      numbers: this.#numbers(said, shape, call.inputs.length),
      elements: fixed ? elements : 1,
    };
  }

  #numbers({ at, numbers }: Result, shape: Sides | undefined, inputs: number): Sides | undefined {
    if (numbers !== undefined) return numbers;
    if (at === undefined || this.#computed > MOST_COMPUTED) return undefined;
    const values = placesOf(shape)?.map(at);
    this.#computed += (values?.length ?? 0) * inputs;
    return values?.length && values.every((value) => value === undefined) ? undefined : values;
  }

  #order(nodes: readonly OnnxNode[]): readonly OnnxNode[] {
    const ordered = this.#ordered.get(nodes) ?? inOrder(nodes);
    this.#ordered.set(nodes, ordered);
    return ordered;
  }

  #again(part: OnnxAttribute | OnnxGraph): boolean {
    const again = this.#used.has(part);
    this.#used.add(part);
    return again;
  }

  #add(elements: number, name: string): void {
    this.#total += elements;
    if (!(this.#total <= MOST_CONSTANTS))
      this.#fail(`at most ${MOST_CONSTANTS} values from constants alone`, `more, as of ${quoted(name)}`, FOLD);
  }
}

/** The value of a node of type Constant. */
function constantOf({ attribute }: Call): Constant {
  const [tensor] = attribute('value')?.tensors ?? [];
  if (tensor !== undefined) return fromTensor(tensor);
  for (const [one, list, type, pick] of [
    ['value_int', 'value_ints', TYPE.int64, (said: OnnxAttribute) => [said.whole, said.wholes]],
    ['value_float', 'value_floats', TYPE.float32, (said: OnnxAttribute) => [said.float, said.floats]],
  ] as const) {
    const single = attribute(one);
    if (single !== undefined)
      return { ...listConstant([pick(single)[0] as number | undefined], type, true), shape: [] };
    const many = attribute(list);
    if (many === undefined) continue;
    const numbers = pick(many)[1] as readonly number[] | undefined;
    if (numbers !== undefined) return listConstant(numbers, type, true);
    return { fixed: true, type, shape: [many.listed], numbers: undefined, elements: many.listed };
  }
  return { ...UNKNOWN, fixed: true };
}
