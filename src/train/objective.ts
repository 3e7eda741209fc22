/**
 * The training objective as nodes of a graph.
 *
 * @module
 */

import type { BatchWeights } from '../diffusion/objective.ts';
import * as f from '../graph/functions.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { charbonnierLoss, l1Loss, l2Loss, psnrLoss } from '../nn/functional.ts';
import { float32 } from '../runtime/engine.ts';
import type { HostTensors } from '../runtime/protocol.ts';

/** `matching`: the paper's |E - O|. The others compare x0_hat with x0. */
export type LossName = 'matching' | keyof typeof pictureLosses;

/** Per-sample scalars of the objective as graph inputs [N,1,1,1], in the form of {@link BatchWeights}. */
export type WeightInputs = {
  readonly [Part in keyof BatchWeights]: Readonly<Record<keyof BatchWeights[Part], Tensor>>;
};

const PARTS = { state: ['x0', 'mu', 'z'], eulerMean: ['x', 'mu', 'output'], optimum: ['x', 'x0', 'mu'] } as const;

/** Declares the inputs `<part>.<name>` for a batch of n. */
export function weightInputs(graph: Graph, n: number): WeightInputs {
  const part = (name: keyof typeof PARTS) =>
    Object.fromEntries(PARTS[name].map((key) => [key, graph.input(`${name}.${key}`, [n, 1, 1, 1])]));
  return { state: part('state'), eulerMean: part('eulerMean'), optimum: part('optimum') } as unknown as WeightInputs;
}

/** Values for {@link weightInputs}. */
export function weightFeeds(weights: BatchWeights): HostTensors {
  const feeds = Object.entries(weights).flatMap(([part, columns]) =>
    Object.entries(columns).map(([key, data]) => [`${part}.${key}`, float32(data, [data.length, 1, 1, 1])] as const),
  );
  return Object.fromEntries(feeds);
}

/** x_t = a x0 + b mu + c z. */
export function noisyState({ state }: WeightInputs, x0: Tensor, mu: Tensor, z: Tensor): Tensor {
  return f.add(f.add(f.mul(x0, state.x0), f.mul(mu, state.mu)), f.mul(z, state.z));
}

export interface ObjectiveImages {
  readonly x: Tensor;
  readonly mu: Tensor;
  readonly x0: Tensor;
  /** What the model predicts: eps_hat, or x0_hat. */
  readonly output: Tensor;
}

/** mean |E - O|: the distance of the Euler mean from the most likely state before. */
export function matchingLoss({ eulerMean, optimum }: WeightInputs, { x, mu, x0, output }: ObjectiveImages): Tensor {
  const euler = f.add(f.add(f.mul(x, eulerMean.x), f.mul(mu, eulerMean.mu)), f.mul(output, eulerMean.output));
  const best = f.add(f.add(f.mul(x, optimum.x), f.mul(x0, optimum.x0)), f.mul(mu, optimum.mu));
  return l1Loss(euler, best);
}

const pictureLosses = { l1: l1Loss, l2: l2Loss, charbonnier: charbonnierLoss, psnr: psnrLoss } as const;

/** Losses that compare two pictures. */
export const isPictureLoss = (name: string): name is keyof typeof pictureLosses => Object.hasOwn(pictureLosses, name);

/** The distance of a restored picture from the clean one. */
export const pictureLoss = (name: keyof typeof pictureLosses, output: Tensor, x0: Tensor): Tensor =>
  pictureLosses[name](output, x0);

/** The loss of a batch. Losses on x0 need a data-prediction network. */
export function restorationLoss(name: LossName | 'none', weights: WeightInputs, images: ObjectiveImages): Tensor {
  if (name === 'none') return images.mu.graph.scalar(0);
  return name === 'matching' ? matchingLoss(weights, images) : pictureLoss(name, images.output, images.x0);
}
