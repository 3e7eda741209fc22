/**
 * What an optimiser is, and what all of them share: clipping, the average of the parameters, and how their values enter and
 * leave the training graph.
 *
 * Everything works on the flat parameter vector [P], so that one step is few operators whatever the network.
 *
 * @module
 */
import * as f from '../../graph/functions.ts';
import type { Graph } from '../../graph/graph.ts';
import type { ParameterLayout } from '../../graph/parameters.ts';
import type { Tensor } from '../../graph/tensor.ts';

export interface OptimiserConfig {
  /** Decay of the first and of the second moment, 0 to below 1. */
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Decoupled: parameters shrink by their learning rate times weightDecay a step. */
  readonly weightDecay: number;
  /** Gradients longer than this are scaled down to it; Infinity leaves them. */
  readonly clipNorm: number;
  /** Beginnings of the names of the parameters that are trained; absent: all are. */
  readonly only?: readonly string[] | undefined;
}

/** What may change a step's scalars; clipping does not. */
export type StepSettings = Omit<OptimiserConfig, 'clipNorm'>;

/** What a step's scalars follow from, beside the configuration. */
export interface Moment {
  /** Steps done before this one. */
  readonly step: number;
  /** Learning rate at this step. */
  readonly learningRate: number;
  /** The same for parameters that an optimiser does not treat in its own way. */
  readonly otherLearningRate: number;
}

/** A step as an optimiser sees it; vectors are [P], scalars []. */
export interface Step<State extends string, Scalar extends string> {
  readonly layout: ParameterLayout;
  readonly config: OptimiserConfig;
  readonly parameters: Tensor;
  /** At most `clipNorm` long. */
  readonly gradient: Tensor;
  readonly state: Readonly<Record<State, Tensor>>;
  readonly scalars: Readonly<Record<Scalar, Tensor>>;
}

/** An optimiser as its file writes it: names, and one function beside its equation. */
export interface Rule<State extends string, Scalar extends string> {
  /** Vectors [P] that are kept from step to step, in checkpoints too. They begin as zeros. */
  readonly state: readonly State[];
  /** Scalars that change from step to step, and how. */
  readonly scalars: Readonly<Record<Scalar, (moment: Moment, config: StepSettings) => number>>;
  /** The parameters and the state after the step. */
  readonly next: (step: Step<State, Scalar>) => Readonly<Record<State | 'parameters', Tensor>>;
}

/** An optimiser as the rest of the program knows it. */
export interface Optimiser {
  readonly state: readonly string[];
  readonly scalars: Readonly<Record<string, (moment: Moment, config: StepSettings) => number>>;
  /**
   * Appends one step to a graph. Declares as inputs the vectors `state` and `average` [P], and the scalars and
   * `averageDecay`; as outputs the vectors that replace them and the parameters, named by {@link nextOf}, and `gradientNorm`.
   *
   * @param parameters flat vector [P], an input of the graph
   * @param gradient its gradient [P]
   */
  append(graph: Graph, layout: ParameterLayout, parameters: Tensor, gradient: Tensor, config: OptimiserConfig): void;
}

/** Name of the output that replaces a vector. */
export const nextOf = (name: string) => `next.${name}`;

/**
 * The gradient as the optimisers get it, g clip / max(clip, |g|), with its length |g| before: PyTorch's clip_grad_norm_, but
 * for the 1e-6 that it adds to |g|, which matters to nobody.
 */
function clipped(gradient: Tensor, clipNorm: number): { readonly gradient: Tensor; readonly length: Tensor } {
  const length = f.sqrt(f.reduceSum(f.square(gradient)));
  if (!Number.isFinite(clipNorm)) return { gradient, length };
  return { gradient: f.mul(gradient, f.div(clipNorm, f.maximum(length, clipNorm))), length };
}

/** a d + p (1 - d): the exponential moving average of the parameters, which becomes the model. */
const averaged = (average: Tensor, parameters: Tensor, decay: Tensor) =>
  f.add(f.mul(average, decay), f.mul(parameters, f.sub(1, decay)));

/** Gives a rule what all optimisers share. */
export function optimiserOf<State extends string, Scalar extends string>(rule: Rule<State, Scalar>): Optimiser {
  const { state: names, scalars } = rule;
  const scalarNames = Object.keys(scalars) as Scalar[];
  return {
    state: names,
    scalars,
    append(graph, layout, parameters, gradient, config) {
      const inputs = <Name extends string>(wanted: readonly Name[], shape: readonly number[]) =>
        Object.fromEntries(wanted.map((name) => [name, graph.input(name, shape)])) as Record<Name, Tensor>;
      const state = inputs(names, parameters.shape);
      const average = graph.input('average', parameters.shape);
      const values = inputs(scalarNames, []);
      const decay = graph.input('averageDecay', []);
      const { gradient: g, length } = clipped(gradient, config.clipNorm);
      const next = rule.next({ layout, config, parameters, gradient: g, state, scalars: values });
      graph.output('gradientNorm', length);
      for (const name of ['parameters', ...names] as const) graph.output(nextOf(name), next[name]);
      graph.output(nextOf('average'), averaged(average, next.parameters, decay));
    },
  };
}
