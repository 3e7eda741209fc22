/** One optimiser in a graph of its own, stepped by hand. */
import { Graph } from '../../src/graph/graph.ts';
import { emitModel } from '../../src/graph/onnx/emit.ts';
import type { ParameterLayout } from '../../src/graph/parameters.ts';
import { type Shape, sizeOf, type Tensor } from '../../src/graph/tensor.ts';
import { type Engine, float32, floats, type Session } from '../../src/runtime/engine.ts';
import {
  appendOptimiser,
  initialVectors,
  type Moment,
  type OptimiserChoice,
  residentOf,
  scalarsAt,
  type Vectors,
} from '../../src/train/optimisers/index.ts';

/** A layout of parameters that begin as zeros. */
export function layoutOfShapes(shapes: Readonly<Record<string, Shape>>): ParameterLayout {
  let offset = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const entry = { name, shape, initialiser: { kind: 'zeros' }, offset, size: sizeOf(shape) } as const;
    offset += entry.size;
    return entry;
  });
  return { entries, size: offset };
}

/** Gives the gradient by the parameters [P], from inputs that it may declare. */
type GradientOf = (graph: Graph, parameters: Tensor) => Tensor;

/** The gradient of every step comes from outside. */
const given: GradientOf = (graph, { shape }) => graph.input('gradient', shape);

export class Rig {
  readonly #session: Session;
  readonly #config: OptimiserChoice;

  private constructor(session: Session, config: OptimiserChoice) {
    this.#session = session;
    this.#config = config;
  }

  /** Beginning with parameters [P], or with all the vectors of another rig. */
  static async open(
    engine: Engine,
    layout: ParameterLayout,
    config: OptimiserChoice,
    start: Float32Array | Vectors,
    gradientOf: GradientOf = given,
  ): Promise<Rig> {
    const graph = new Graph();
    const parameters = graph.input('parameters', [layout.size]);
    appendOptimiser(graph, layout, parameters, gradientOf(graph, parameters), config);
    const session = await engine.load(emitModel(graph), { resident: residentOf(config.kind) });
    const vectors = start instanceof Float32Array ? initialVectors(config.kind, start) : start;
    const tensors = Object.entries(vectors).map(([name, data]) => [name, float32(data, [layout.size])] as const);
    await session.write(Object.fromEntries(tensors));
    return new Rig(session, config);
  }

  /** One step; gives the gradient's length. */
  async step(moment: Moment, averageDecay: number, gradient?: Float32Array): Promise<number> {
    const scalars = Object.entries(scalarsAt(this.#config, moment, averageDecay));
    const feeds = scalars.map(([name, value]) => [name, float32(Float32Array.of(value), [])] as const);
    const own = gradient === undefined ? {} : { gradient: float32(gradient, [gradient.length]) };
    const { outputs } = await this.#session.run({ ...Object.fromEntries(feeds), ...own });
    return floats(outputs, 'gradientNorm')[0] ?? Number.NaN;
  }

  async vectors(): Promise<Vectors> {
    const values = await this.#session.read();
    const names = Object.keys(residentOf(this.#config.kind));
    const vectors: Readonly<Record<string, Float32Array>> = Object.fromEntries(
      names.map((name) => [name, floats(values, name)]),
    );
    return { ...vectors, parameters: floats(values, 'parameters'), average: floats(values, 'average') };
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
