/**
 * What is refused of an ONNX file before the runtime sees it: a file may come from anywhere.
 *
 * The runtime itself trusts a model: it reads whatever files the model names, allocates what its shapes claim, folds constants of
 * any size, and loops as often as it is told.
 *
 * @module
 */
import { type OnnxFile, type OnnxGraph, type OnnxNode, readOnnxFile } from '../file/onnx-file.ts';
import { ELEMENT_BITS, type OnnxTensor } from '../file/tensor.ts';
import { WireError } from '../file/wire.ts';
import { type Fail, quoted, refusing } from '../refusal.ts';
import { BUILT_IN, calledBy, checkedFunctions, type Functions } from './functions.ts';
import { checkSizes, MOST_ELEMENTS } from './sizes.ts';

const ENDLESS = 'whose time has no bound';
const OUTSIDE = 'which uses what is outside of the file';

/** Operators that are refused, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...['Loop', 'SequenceMap', 'BeamSearch', 'WhisperBeamSearch', 'GreedySearch', 'Sampling'].map(
    (type) => [type, ENDLESS] as const,
  ),
  ['Optional', 'whose result may be missing'],
  ['EPContext', OUTSIDE],
]);

/** Operators that have graphs of their own. */
const WITH_GRAPHS: ReadonlySet<string> = new Set(['If', 'Scan']);

const FIX =
  'Export the network again (docs/other-models.md), as one file or with its weights beside it, for pictures in and pictures out.';

const PROCESSOR =
  'Take the network as it was exported, or as the runtime saves it without optimisations for one processor (ORT_ENABLE_EXTENDED).';
const TRACE =
  'Export the network by tracing it with an example (docs/other-models.md), which writes out the steps of a loop.';

/**
 * Reads and checks a file. How much it makes of constants is not known while some of them are in a file of their own: then it is
 * to be checked again with them.
 *
 * @param source what to call the file in messages
 * @throws ClearwordError MODEL_INVALID
 */
export function checkedOnnxFile(bytes: Uint8Array, source: string): OnnxFile {
  const fail: Fail = refusing(source, FIX);
  let file: OnnxFile;
  try {
    file = readOnnxFile(bytes);
  } catch (error) {
    if (error instanceof WireError)
      return fail('an ONNX model', `a file that is none, or a damaged one: ${error.message}`);
    throw error;
  }
  const functions = checkedFunctions(file, fail);
  const checks = new Checks(functions, fail);
  checks.graph(file.graph, true);
  for (const { nodes, defaults } of file.functions) {
    checks.nodes(nodes);
    checks.attributes(defaults);
  }
  if (file.graph.initialisers.every(({ external }) => external === undefined)) checkSizes(file, functions, fail);
  return file;
}

/** What is checked of each part by itself. */
class Checks {
  readonly #functions: Functions;
  readonly #fail: Fail;

  constructor(functions: Functions, fail: Fail) {
    this.#functions = functions;
    this.#fail = fail;
  }

  graph({ initialisers, inputs, nodes }: OnnxGraph, outermost: boolean): void {
    const names = new Set<string>();
    for (const tensor of initialisers) {
      // Data in other files is found by the name.
      if (names.has(tensor.name)) this.#fail('each tensor once', `two with the name ${quoted(tensor.name)}`);
      names.add(tensor.name);
      this.#tensor(tensor, outermost);
    }
    for (const { name, shape } of inputs) {
      const elements = (shape ?? []).reduce<number>((product, side) => product * (side ?? 1), 1);
      if (!(elements <= MOST_ELEMENTS))
        this.#fail(`at most ${MOST_ELEMENTS} values for the input ${quoted(name)}`, `${elements}`);
    }
    this.nodes(nodes);
  }

  nodes(nodes: readonly OnnxNode[]): void {
    for (const node of nodes) {
      const { type, domain, attributes } = node;
      const calls = calledBy(node, this.#functions) !== undefined;
      if (!BUILT_IN.has(domain) && !calls) {
        const own = domain === 'com.microsoft.nchwc' ? PROCESSOR : undefined;
        this.#fail('operators of ONNX itself', `the custom operator ${quoted(type)} of ${quoted(domain)}`, own);
      }
      const reason = calls ? undefined : REFUSED.get(type);
      if (reason !== undefined)
        this.#fail(
          'a network that is one computation',
          `the operator ${type}, ${reason}`,
          type === 'Loop' ? TRACE : undefined,
        );
      this.attributes(attributes, WITH_GRAPHS.has(type) && !calls);
    }
  }

  /** @param graphsAllowed not in functions, either: what is given to a function could be repeated without being counted */
  attributes(attributes: OnnxNode['attributes'], graphsAllowed = false): void {
    for (const [name, { tensors, graphs }] of attributes) {
      for (const tensor of tensors) this.#tensor(tensor, false);
      if (!graphsAllowed && graphs.length > 0)
        this.#fail(`graphs within ${[...WITH_GRAPHS].join(' and ')}`, `one as the attribute ${quoted(name)} elsewhere`);
      for (const graph of graphs) this.graph(graph, false);
    }
  }

  /** Whether what a tensor claims is there. External data is measured where it is read. */
  #tensor({ name, elementType, shape, stored, external }: OnnxTensor, outermost: boolean): void {
    const bits = ELEMENT_BITS[elementType];
    if (bits === undefined) {
      this.#fail(`numbers in tensor ${quoted(name)}`, `the element type ${elementType}`);
      return;
    }
    if (shape.some((side) => !(side >= 0))) this.#fail(`sizes of at least 0 for tensor ${quoted(name)}`, `[${shape}]`);
    const size = shape.reduce((product, side) => product * side, 1);
    if (external !== undefined) {
      if (!outermost) this.#fail(`tensor ${quoted(name)} in the file itself`, 'one in a file of its own');
      return;
    }
    // Elements of four bits lie two to a byte, and the last one may be half empty.
    const most = bits < 8 ? 2 * stored + 1 : stored;
    if (size > most || (bits >= 8 && size !== stored)) {
      this.#fail(`${size} values for tensor ${quoted(name)} [${shape}]`, `${stored}`);
    }
  }
}
