/**
 * What is refused of an ONNX file before the runtime sees it: a file may come from anywhere.
 *
 * The runtime itself trusts a model: it reads whatever files the model names, allocates what its shapes claim, folds constants of
 * any size, and loops as often as it is told.
 *
 * @module
 */
import { ClearwordError } from '../../errors.ts';
import {
  ELEMENT_BITS,
  type OnnxFile,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  readOnnxFile,
} from './onnx-file.ts';
import { WireError } from './wire.ts';

/** Domains whose operators are part of the runtime. */
const BUILT_IN: ReadonlySet<string> = new Set(['', 'ai.onnx', 'com.microsoft']);
/** Elements of a value that a network makes out of constants, and of an input: a picture of 268 megapixels. */
const MOST_ELEMENTS = 2 ** 28;
/** Operators that make a value as large as a constant says, and which of their inputs says it. */
const SIZED_BY: Readonly<Record<string, number>> = { ConstantOfShape: 0, Expand: 1, Tile: 1 };
/** Operators that make a value as large as their attribute `shape` says. */
const SIZED_BY_SHAPE: ReadonlySet<string> = new Set(['RandomNormal', 'RandomUniform']);
/** Operators without a bound to their time, and those that reach beyond the computation. */
const REFUSED: ReadonlySet<string> = new Set(['Loop', 'SequenceMap', 'Optional']);

type Fail = (expected: string, received: string) => never;

/** A file's own words in a message: short, and without what a terminal would obey. */
const quoted = (name: string): string => JSON.stringify(name.slice(0, 80));

/**
 * Reads and checks a file.
 *
 * @param source what to call the file in messages
 * @throws ClearwordError MODEL_INVALID
 */
export function checkedOnnxFile(bytes: Uint8Array, source: string): OnnxFile {
  const fail: Fail = (expected, received) => {
    throw new ClearwordError('MODEL_INVALID', `${source}: expected ${expected}, received ${received}`, { fix: FIX });
  };
  let file: OnnxFile;
  try {
    file = readOnnxFile(bytes);
  } catch (error) {
    if (error instanceof WireError)
      return fail('an ONNX model', `a file that is none, or a damaged one: ${error.message}`);
    throw error;
  }
  checkFunctions(file, fail);
  const known = new Set(file.functions.map(({ domain, name }) => functionKey(domain, name)));
  checkGraph(file.graph, known, fail, true);
  for (const { nodes } of file.functions) checkNodes(nodes, new Map(), known, fail);
  return file;
}

const FIX =
  'Export the network again (docs/other-models.md), as one file or with its weights beside it, for pictures in and pictures out.';

const functionKey = (domain: string, name: string): string => JSON.stringify([domain, name]);

/** Functions that call each other in a circle would never end. */
function checkFunctions({ functions }: OnnxFile, fail: Fail): void {
  const calls = new Map<string, string[]>();
  for (const { domain, name, nodes } of functions) {
    const key = functionKey(domain, name);
    if (calls.has(key)) fail(`each function once`, `${quoted(name)} twice`);
    calls.set(
      key,
      everyNode(nodes).map((node) => functionKey(node.domain, node.type)),
    );
  }
  // Taken away one after the other, as soon as all that they call is: what remains calls itself.
  const open = new Map(calls);
  for (let before = -1; before !== open.size; ) {
    before = open.size;
    for (const [key, called] of open) if (!called.some((name) => open.has(name))) open.delete(key);
  }
  const [circle] = open.keys();
  if (circle !== undefined) fail('functions that do not call themselves', `one that does: ${circle.slice(0, 160)}`);
}

function everyNode(nodes: readonly OnnxNode[]): OnnxNode[] {
  return nodes.flatMap((node) => [node, ...node.graphs.flatMap((graph) => everyNode(graph.nodes))]);
}

function checkGraph(graph: OnnxGraph, functions: ReadonlySet<string>, fail: Fail, outermost: boolean): void {
  const constants = new Map<string, OnnxTensor>();
  for (const tensor of graph.initialisers) {
    checkTensor(tensor, fail, outermost);
    constants.set(tensor.name, tensor);
  }
  for (const { name, shape } of graph.inputs) {
    const elements = (shape ?? []).reduce<number>((product, side) => product * (side ?? 1), 1);
    if (!(elements <= MOST_ELEMENTS))
      fail(`at most ${MOST_ELEMENTS} values for the input ${quoted(name)}`, `${elements}`);
  }
  checkNodes(graph.nodes, constants, functions, fail);
}

function checkNodes(
  nodes: readonly OnnxNode[],
  constants: Map<string, OnnxTensor>,
  functions: ReadonlySet<string>,
  fail: Fail,
): void {
  for (const node of nodes) {
    const { type, domain, inputs, outputs, tensors } = node;
    if (!BUILT_IN.has(domain) && !functions.has(functionKey(domain, type))) {
      fail('operators of ONNX itself', `the custom operator ${quoted(type)} of ${quoted(domain)}`);
    }
    if (REFUSED.has(type)) fail('a network that is one computation', `the operator ${type}, whose time has no bound`);
    for (const tensor of tensors) checkTensor(tensor, fail, false);
    const [value] = tensors;
    if (type === 'Constant' && outputs[0] !== undefined && value) constants.set(outputs[0], value);
    const place = SIZED_BY[type];
    const by = place === undefined ? undefined : constants.get(inputs[place] ?? '')?.wholes;
    const sizes = by ?? (SIZED_BY_SHAPE.has(type) ? node.wholes.get('shape') : undefined);
    const elements = (sizes ?? []).reduce((product, side) => product * Math.abs(side), 1);
    if (!(elements <= MOST_ELEMENTS)) fail(`at most ${MOST_ELEMENTS} values from ${type}`, `${elements}`);
    for (const graph of node.graphs) checkGraph(graph, functions, fail, false);
  }
}

/** Whether what a tensor claims is there. External data is measured where it is read. */
function checkTensor({ name, elementType, shape, stored, external }: OnnxTensor, fail: Fail, outermost: boolean): void {
  const bits = ELEMENT_BITS[elementType];
  if (bits === undefined) {
    fail(`numbers in tensor ${quoted(name)}`, `the element type ${elementType}`);
    return;
  }
  if (shape.some((side) => !(side >= 0))) fail(`sizes of at least 0 for tensor ${quoted(name)}`, `[${shape}]`);
  const size = shape.reduce((product, side) => product * side, 1);
  if (external !== undefined) {
    if (!outermost) fail(`tensor ${quoted(name)} in the file itself`, 'one in a file of its own');
    return;
  }
  // Elements of four bits lie two to a byte, and the last one may be half empty.
  const most = bits < 8 ? 2 * stored + 1 : stored;
  if (size > most || (bits >= 8 && size !== stored)) {
    fail(`${size} values for tensor ${quoted(name)} [${shape}]`, `${stored}`);
  }
}
