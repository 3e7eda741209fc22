/**
 * The functions of an ONNX file: what a network becomes once each call is replaced by what it calls, as the runtime does.
 *
 * Forty functions that each call the next one twice are a small file, and a network of 2^40 nodes.
 *
 * @module
 */
import type { OnnxFile, OnnxFunction, OnnxNode } from '../file/onnx-file.ts';
import { type Fail, quoted } from '../refusal.ts';

/** Domains whose operators are part of the runtime. `ai.onnx` is read as the first. */
export const BUILT_IN: ReadonlySet<string> = new Set(['', 'com.microsoft']);
/** Nodes, inputs, outputs and attributes, once calls are replaced. A file may have 500 000. */
export const MOST_EXPANDED = 1_000_000;
/** Functions that call functions; exporters make one of each module of a network, and of each operator of PyTorch. */
export const DEEPEST_CALL = 32;

/** By domain and name. */
export type Functions = ReadonlyMap<string, ReadonlyMap<string, OnnxFunction>>;

/** The function that a node calls. */
export const calledBy = ({ domain, type }: OnnxNode, functions: Functions): OnnxFunction | undefined =>
  functions.get(domain)?.get(type);

/** Nodes, and those of the graphs within them. */
export function* everyNode(nodes: readonly OnnxNode[]): Generator<OnnxNode> {
  for (const node of nodes) {
    yield node;
    for (const { graphs } of node.attributes.values()) for (const graph of graphs) yield* everyNode(graph.nodes);
  }
}

/** Refuses functions without end: that call themselves, or become too many nodes. */
export function checkedFunctions({ functions, graph }: OnnxFile, fail: Fail): Functions {
  const byDomain = new Map<string, Map<string, OnnxFunction>>();
  for (const one of functions) {
    // The runtime may prefer its own operator.
    if (BUILT_IN.has(one.domain)) {
      fail('functions in a domain of their own', `${quoted(one.name)} among the operators of ONNX or of the runtime`);
    }
    const named = byDomain.get(one.domain) ?? new Map<string, OnnxFunction>();
    byDomain.set(one.domain, named);
    if (named.has(one.name)) fail('each function once', `${quoted(one.name)} twice`);
    named.set(one.name, one);
  }
  const sizes = expand(functions, byDomain, fail);
  const total = ownSize(graph.nodes, byDomain, sizes);
  if (total > MOST_EXPANDED) {
    const received = Number.isFinite(total) ? `${total}` : 'more than can be counted';
    fail(
      `at most ${MOST_EXPANDED} nodes, inputs, outputs and attributes once functions are in the place of their calls`,
      received,
    );
  }
  return byDomain;
}

interface Expanded {
  /** Nodes, inputs, outputs and attributes. */
  readonly size: number;
  /** Calls in one another. */
  readonly depth: number;
}

/**
 * The size of each function: called functions come first. A list of what is open takes the place of recursion, which a long
 * chain of calls would let overflow the stack.
 */
function expand(
  functions: readonly OnnxFunction[],
  byDomain: Functions,
  fail: Fail,
): ReadonlyMap<OnnxFunction, Expanded> {
  const done = new Map<OnnxFunction, Expanded>();
  const open = new Map<OnnxFunction, OnnxFunction[]>();
  for (const first of functions) {
    for (const path = [first]; path.length > 0; ) {
      const one = path.at(-1) as OnnxFunction;
      const callees = open.get(one) ?? [...everyNode(one.nodes)].flatMap((node) => calledBy(node, byDomain) ?? []);
      open.set(one, callees);
      const next = done.has(one) ? undefined : callees.pop();
      if (next === undefined) {
        if (!done.has(one)) done.set(one, expandedOf(one, byDomain, done));
        open.delete(one);
        path.pop();
      } else if (open.has(next)) {
        fail('functions that do not call themselves', `${quoted(next.name)}, which does`);
      } else if (!done.has(next)) path.push(next);
    }
  }
  const deep = functions.find((one) => (done.get(one)?.depth ?? 0) > DEEPEST_CALL);
  if (deep !== undefined)
    fail(`functions that call each other at most ${DEEPEST_CALL} deep`, `${quoted(deep.name)}, which goes deeper`);
  return done;
}

function expandedOf(one: OnnxFunction, byDomain: Functions, done: ReadonlyMap<OnnxFunction, Expanded>): Expanded {
  let depth = 1;
  for (const node of everyNode(one.nodes)) {
    const called = calledBy(node, byDomain);
    if (called !== undefined) depth = Math.max(depth, 1 + (done.get(called)?.depth ?? 0));
  }
  return { size: one.inputs.length + one.outputs.length + ownSize(one.nodes, byDomain, done), depth };
}

function ownSize(nodes: readonly OnnxNode[], byDomain: Functions, done: ReadonlyMap<OnnxFunction, Expanded>): number {
  let size = 0;
  for (const node of everyNode(nodes)) {
    const called = calledBy(node, byDomain);
    size += 1 + node.inputs.length + node.outputs.length + node.attributes.size;
    if (called !== undefined) size += done.get(called)?.size ?? 0;
  }
  return size;
}
