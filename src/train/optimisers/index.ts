/**
 * The optimisers by name. Adding one: a file beside its equation, a line here, a line in
 * test/conformance/optimisers.test.ts.
 *
 * @module
 */
import type { Graph } from '../../graph/graph.ts';
import type { ParameterLayout } from '../../graph/parameters.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { adamw } from './adamw.ts';
import { muon } from './muon.ts';
import { type Moment, nextOf, type Optimiser, type OptimiserConfig, type StepSettings } from './optimiser.ts';

export { type MuonMatrix, muonMatrices } from './muon-matrices.ts';
export type { Moment, Optimiser, OptimiserConfig } from './optimiser.ts';

export const optimisers = { adamw, muon } as const satisfies Record<string, Optimiser>;

export type OptimiserName = keyof typeof optimisers;

export const OPTIMISER_NAMES = Object.keys(optimisers) as readonly OptimiserName[];

/** An optimiser and its settings. */
export interface OptimiserChoice extends OptimiserConfig {
  readonly kind: OptimiserName;
}

/** Flat vectors [P] that a run keeps from step to step: the optimiser's state beside the parameters and their average. */
export interface Vectors extends Readonly<Record<string, Float32Array>> {
  readonly parameters: Float32Array;
  readonly average: Float32Array;
}

/** Scalars that change from step to step, by name: the optimiser's and `averageDecay`, the share of the average that is kept. */
export type StepScalars = Readonly<Record<string, number>>;

/** Appends one step of the chosen optimiser: see {@link Optimiser.append}. */
export function appendOptimiser(
  graph: Graph,
  layout: ParameterLayout,
  parameters: Tensor,
  gradient: Tensor,
  config: OptimiserChoice,
): void {
  optimisers[config.kind].append(graph, layout, parameters, gradient, config);
}

/** Names of the values that stay in the engine from step to step, each with the output that replaces it. */
export function residentOf(kind: OptimiserName): Readonly<Record<string, string>> {
  const names = ['parameters', ...optimisers[kind].state, 'average'];
  return Object.fromEntries(names.map((name) => [name, nextOf(name)]));
}

/** The vectors that a run begins with: nothing is known of the gradient, and the average is the parameters themselves. */
export function initialVectors(kind: OptimiserName, parameters: Float32Array): Vectors {
  const zeros = optimisers[kind].state.map((name) => [name, new Float32Array(parameters.length)] as const);
  return { parameters, ...Object.fromEntries(zeros), average: parameters.slice() };
}

/** The scalars of a step. */
export function scalarsAt(
  config: StepSettings & Pick<OptimiserChoice, 'kind'>,
  moment: Moment,
  averageDecay: number,
): StepScalars {
  const own = Object.entries(optimisers[config.kind].scalars).map(([name, at]) => [name, at(moment, config)] as const);
  return { ...Object.fromEntries(own), averageDecay };
}
