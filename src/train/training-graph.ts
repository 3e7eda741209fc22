/**
 * One training step as one graph: networks, objective, gradients and optimiser.
 *
 * @module
 */

import { DEGRADATIONS } from '../degradations/index.ts';
import * as f from '../graph/functions.ts';
import { gradients } from '../graph/gradient.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { flatProvider, layoutOf, type ParameterLayout } from '../graph/parameters.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  COMBINATION_TEXTS,
  COMBINATIONS,
  combinationLogits,
  controllerHead,
  controllerStatistics,
} from '../models/controller.ts';
import { erunet } from '../models/erunet.ts';
import type { Preset } from '../models/preset-schema.ts';
import { textEncoder, textInputs } from '../models/text-encoder.ts';
import { binaryCrossEntropy, crossEntropy, l1Loss, sampleErrors } from '../nn/functional.ts';
import { type LossName, noisyState, restorationLoss, weightInputs } from './objective.ts';
import { appendOptimiser, type OptimiserChoice, residentOf } from './optimisers/index.ts';

/** Weights of the losses beside the restoration's. */
export interface AuxiliaryWeights {
  /** Contrastive: the picture's embedding among the texts of the combinations. */
  readonly contrastive: number;
  readonly strength: number;
  /** What the prompt asks for. */
  readonly intent: number;
}

export interface TrainingGraphOptions {
  readonly preset: Preset;
  readonly batch: number;
  readonly patch: number;
  readonly loss: LossName;
  readonly auxiliary: AuxiliaryWeights;
  readonly optimiser: OptimiserChoice;
}

export interface TrainingGraph {
  readonly model: Uint8Array;
  readonly layout: ParameterLayout;
  /** Inputs that stay in the engine from step to step, each with the output that replaces it. */
  readonly resident: Readonly<Record<string, string>>;
}

/** Scalars that a step reports: the loss and its parts. */
export const LOSS_PARTS = ['loss', 'restoration', 'contrastive', 'strength', 'intent'] as const;

/** Declares all inputs and losses of a step in a graph. */
function losses(graph: Graph, options: TrainingGraphOptions) {
  const { preset, batch, patch, loss, auxiliary } = options;
  const { encoders, fusion, network, parameterisation } = preset;
  if (!encoders) return lossesFromOutside(graph, options);
  const shape = [batch, 3, patch, patch];
  const [mu, x0, z] = ['mu', 'x0', 'z'].map((name) => graph.input(name, shape)) as [Tensor, Tensor, Tensor];
  const t = graph.input('t', [batch]);
  const count = DEGRADATIONS.length;
  const [strengths, asked] = ['strengths', 'asked'].map((name) => graph.input(name, [batch, count])) as [
    Tensor,
    Tensor,
  ];
  const combination = graph.input('combination', [batch, COMBINATIONS.length]);

  // Prompts and the names of the degradations are one batch of texts.
  const texts = textInputs(graph, 'texts', batch + COMBINATION_TEXTS.length, encoders.text);
  const encoded = textEncoder(texts, encoders.text, { out: fusion.context, degradations: count });
  const sizes = [batch, COMBINATION_TEXTS.length];
  const [text, names] = f.split(encoded.embedding, 0, sizes) as [Tensor, Tensor];
  const [intent] = f.split(encoded.intent, 0, sizes) as [Tensor, Tensor];
  const found = controllerHead(controllerStatistics(mu, encoders.controller), fusion.context);

  const weights = weightInputs(graph, batch);
  const x = noisyState(weights, x0, mu, z);
  const raw = erunet({ x, mu, t, text, degradation: found.embedding }, network, fusion);
  const output = parameterisation === 'data' ? f.add(raw, mu) : raw;
  const images = { x, mu, x0, output };

  const parts = {
    restoration: restorationLoss(loss, weights, images),
    contrastive: crossEntropy(combinationLogits(found.embedding, names), combination),
    strength: l1Loss(found.strength, strengths),
    intent: binaryCrossEntropy(intent, asked),
  };
  const total = f.add(
    parts.restoration,
    f.add(
      f.mul(parts.contrastive, auxiliary.contrastive),
      f.add(f.mul(parts.strength, auxiliary.strength), f.mul(parts.intent, auxiliary.intent)),
    ),
  );
  return { ...parts, loss: total, errors: sampleErrors(output, x0) };
}

/** The same for a network whose embeddings come from outside: inputs `text` and `degradation` [N,context], one loss. */
function lossesFromOutside(graph: Graph, { preset, batch, patch, loss }: TrainingGraphOptions) {
  const { fusion, network, parameterisation } = preset;
  const shape = [batch, 3, patch, patch];
  const [mu, x0, z] = ['mu', 'x0', 'z'].map((name) => graph.input(name, shape)) as [Tensor, Tensor, Tensor];
  const t = graph.input('t', [batch]);
  const embedding = (name: string) => graph.input(name, [batch, fusion.context]);
  const [text, degradation] = [embedding('text'), embedding('degradation')];
  const weights = weightInputs(graph, batch);
  const x = noisyState(weights, x0, mu, z);
  const raw = erunet({ x, mu, t, text, degradation }, network, fusion);
  const output = parameterisation === 'data' ? f.add(raw, mu) : raw;
  const images = { x, mu, x0, output };
  const restoration = restorationLoss(loss, weights, images);
  const none = graph.scalar(0);
  const parts = { restoration, contrastive: none, strength: none, intent: none };
  return { ...parts, loss: restoration, errors: sampleErrors(output, x0) };
}

/** The parameters of a preset, in the order in which its checkpoints keep them. */
export function trainingLayout(options: TrainingGraphOptions): ParameterLayout {
  return layoutOf((graph) => losses(graph, options));
}

/**
 * Builds the step. Inputs: `mu`, `x0`, `z` [N,3,P,P], `t` [N], `strengths`, `asked` [N,3], `combination` [N,8], `texts.*`
 * (or, without encoders of its own, `text` and `degradation` [N,context]),
 * the weights of the objective, the step scalars, and the resident vectors. Outputs: {@link LOSS_PARTS}, `errors` [N]
 * (mean squared error of each sample), `gradientNorm`, and the next resident vectors.
 */
export function trainingGraph(options: TrainingGraphOptions): TrainingGraph {
  const layout = trainingLayout(options);
  const graph = new Graph();
  const flat = graph.input('parameters', [layout.size]);
  graph.provideParameters(flatProvider(layout, flat));
  const { errors, ...parts } = losses(graph, options);
  for (const name of LOSS_PARTS) graph.output(name, parts[name]);
  graph.output('errors', errors);
  const [gradient] = gradients(parts.loss, [flat]) as [Tensor];
  appendOptimiser(graph, layout, flat, gradient, options.optimiser);
  return { model: emitModel(graph), layout, resident: residentOf(options.optimiser.kind) };
}

/** Forward only: `parameters` [P] and the inputs of a step -> `errors` [N]. */
export function validationGraph(options: TrainingGraphOptions): Uint8Array {
  const layout = trainingLayout(options);
  const graph = new Graph();
  graph.provideParameters(flatProvider(layout, graph.input('parameters', [layout.size])));
  graph.output('errors', losses(graph, options).errors);
  return emitModel(graph);
}
