/**
 * One training step as one graph: networks, objective, gradients and optimiser.
 *
 * @module
 */

import * as f from '../graph/functions.ts';
import { gradients } from '../graph/gradient.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { flatParts, flatProvider, layoutOf, type ParameterLayout, partsProvider } from '../graph/parameters.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { type ControllerOutput, controllerHead, controllerStatistics, controllerView } from '../models/controller.ts';
import { type ErunetInputs, erunet } from '../models/erunet.ts';
import { labellingOf, labelsLogits } from '../models/labels.ts';
import { hasOwnEncoders, type OwnPreset } from '../models/networks.ts';
import { isPlainPreset, type TrainedPreset } from '../models/plain/presets.ts';
import type { Preset } from '../models/preset-schema.ts';
import { textEncoder, textInputs } from '../models/text-encoder.ts';
import { toldStrengths } from '../models/told-strengths.ts';
import { binaryCrossEntropy, crossEntropy, sampleErrors } from '../nn/functional.ts';
import { type LossName, noisyState, restorationLoss, weightInputs } from './objective.ts';
import { appendOptimiser, type OptimiserChoice, residentOf } from './optimisers/index.ts';
import { plainLosses } from './plain-step.ts';
import { isTrained } from './trained-part.ts';

/** Weights of the losses beside the restoration's. */
export interface AuxiliaryWeights {
  /** Contrastive: the picture's embedding among the texts of the combinations. */
  readonly contrastive: number;
  readonly strength: number;
  /** What the prompt asks for. */
  readonly intent: number;
}

export interface TrainingGraphOptions<Of extends TrainedPreset = TrainedPreset> {
  readonly preset: Of;
  /** Patches in a batch, N. */
  readonly batch: number;
  /** Patches of each picture, K, a divisor of N: a batch shows M = N / K pictures. */
  readonly patches: number;
  readonly patch: number;
  /** `none`: nothing is restored, and the parts beside the restoration's are the loss. */
  readonly loss: LossName | 'none';
  /** Beginnings of the names of the parameters that are trained; absent: all are. */
  readonly only?: readonly string[] | undefined;
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
  const { preset, batch, patches, patch, loss, auxiliary } = options;
  if (isPlainPreset(preset)) return plainLosses(graph, { preset, batch, patches, patch, loss });
  if (!hasOwnEncoders(preset)) return lossesFromOutside(graph, { ...options, preset });
  const { encoders, fusion, degradations } = preset;
  const shape = [batch, 3, patch, patch];
  const [mu, x0, z] = ['mu', 'x0', 'z'].map((name) => graph.input(name, shape)) as [Tensor, Tensor, Tensor];
  const [pictures, count] = [batch / patches, degradations.length];
  const t = graph.input('t', [pictures]);
  const [strengths, asked] = ['strengths', 'asked'].map((name) => graph.input(name, [pictures, count])) as [
    Tensor,
    Tensor,
  ];

  // Prompts and the labels of the degradations are one batch of texts.
  const labels = labellingOf(encoders.controller).texts(degradations).length;
  const texts = textInputs(graph, 'texts', pictures + labels, encoders.text);
  const encoded = textEncoder(texts, encoders.text, { out: fusion.context, degradations: count });
  const sizes = [pictures, labels];
  const [text, names] = f.split(encoded.embedding, 0, sizes) as [Tensor, Tensor];
  const [intent] = f.split(encoded.intent, 0, sizes) as [Tensor, Tensor];
  const { looks, tokens } = controllerLooks(mu, pictures, preset);
  const found = controllerHead(looks, encoders.controller, { out: fusion.context, degradations: count });

  const weights = weightInputs(graph, batch);
  const x = noisyState(weights, x0, mu, z);
  const told = fusion.strengths ? toldStrengths(graph.input('told', [pictures, 2 * count]), found.strength) : undefined;
  const inputs = { x, mu, t, text, degradation: found.embedding, told, view: tokens };
  const output = loss === 'none' ? mu : predicted(inputs, preset);
  const images = { x, mu, x0, output };

  const parts = {
    restoration: restorationLoss(loss, weights, images),
    contrastive: labelLoss(found, names, preset),
    strength: binaryCrossEntropy(found.strengthLogits, strengths),
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

/** What the controller sees of a batch: statistics of the patches, averaged over each picture, and of the whole pictures. */
function controllerLooks(mu: Tensor, pictures: number, { encoders, fusion }: OwnPreset) {
  const { controller } = encoders;
  const statistics = controllerStatistics(mu, controller);
  const close =
    dim(mu.shape, 0) === pictures
      ? statistics
      : f.reduceMean(f.reshape(statistics, [pictures, -1, dim(statistics.shape, 1)]), [1]);
  if (!controller.view) return { looks: [close] as const, tokens: undefined };
  const { side, widths } = controller.view;
  const seen = controllerView(mu.graph.input('view', [pictures, 3, side, side]), widths, fusion.context);
  return { looks: [close, seen.statistics] as const, tokens: seen.tokens };
}

/** The picture's embedding among those of the labels; declares the input `presence` [M,D] or `combination` [M,2^D]. */
function labelLoss(found: ControllerOutput, names: Tensor, { encoders }: OwnPreset): Tensor {
  const { graph } = found.embedding;
  const logits = labelsLogits(found, names, encoders.controller);
  const { labels = 'combinations' } = encoders.controller;
  return labels === 'sigmoid'
    ? binaryCrossEntropy(logits, graph.input('presence', logits.shape))
    : crossEntropy(logits, graph.input('combination', logits.shape));
}

/** The same for a network whose embeddings come from outside: inputs `text` and `degradation` [N,context], one loss. */
function lossesFromOutside(graph: Graph, { preset, batch, patch, loss }: TrainingGraphOptions<Preset>) {
  const shape = [batch, 3, patch, patch];
  const [mu, x0, z] = ['mu', 'x0', 'z'].map((name) => graph.input(name, shape)) as [Tensor, Tensor, Tensor];
  const t = graph.input('t', [batch]);
  const embedding = (name: string) => graph.input(name, [batch, preset.fusion.context]);
  const [text, degradation] = [embedding('text'), embedding('degradation')];
  const weights = weightInputs(graph, batch);
  const x = noisyState(weights, x0, mu, z);
  const output = predicted({ x, mu, t, text, degradation }, preset);
  const images = { x, mu, x0, output };
  const restoration = restorationLoss(loss, weights, images);
  const none = graph.scalar(0);
  const parts = { restoration, contrastive: none, strength: none, intent: none };
  return { ...parts, loss: restoration, errors: sampleErrors(output, x0) };
}

/** eps_hat, or x0_hat. */
function predicted(inputs: ErunetInputs, { network, fusion, parameterisation }: Preset): Tensor {
  const raw = erunet(inputs, network, fusion);
  return parameterisation === 'data' ? f.add(raw, inputs.mu) : raw;
}

/** All of a preset's networks are there, whatever a step computes. */
const whole = (options: TrainingGraphOptions): TrainingGraphOptions =>
  options.loss === 'none' ? { ...options, loss: 'l1' } : options;

/** The parameters of a preset, in the order in which its checkpoints keep them. */
export function trainingLayout(options: TrainingGraphOptions): ParameterLayout {
  return layoutOf((graph) => losses(graph, whole(options)));
}

/**
 * Builds the step, for N patches of M pictures and D degradations. Inputs: `mu`, `x0`, `z` [N,3,P,P], `t` [M], `strengths`,
 * `asked` [M,D], `presence` [M,D] or `combination` [M,2^D], `texts.*`, `view` [M,3,V,V] and `told` [M,2D] where the preset has
 * them (or, without encoders of its own, `text` and `degradation` [N,context]; of a plain network see `plain-step.ts`), the weights of the objective [N,1,1,1], the step
 * scalars, and the resident vectors. Outputs: {@link LOSS_PARTS}, `errors` [N] (mean squared error of each sample),
 * `gradientNorm`, and the next resident vectors.
 */
export function trainingGraph(options: TrainingGraphOptions): TrainingGraph {
  const layout = trainingLayout(options);
  const graph = new Graph();
  const flat = graph.input('parameters', [layout.size]);
  const values = flatParts(layout, flat);
  graph.provideParameters(partsProvider(layout, values));
  const { errors, ...parts } = losses(graph, options);
  for (const name of LOSS_PARTS) graph.output(name, parts[name]);
  graph.output('errors', errors);
  const gradient = flatGradient(parts.loss, layout, values, (name) => isTrained(options.only, name));
  appendOptimiser(graph, layout, flat, gradient, { ...options.optimiser, only: options.only });
  return { model: emitModel(graph), layout, resident: residentOf(options.optimiser.kind) };
}

/** The gradient [P] of a loss; zeros for what is not trained. */
function flatGradient(
  loss: Tensor,
  { entries }: ParameterLayout,
  values: readonly Tensor[],
  trained: (name: string) => boolean,
): Tensor {
  const isWanted = entries.map(({ name }) => trained(name));
  const wanted = values.filter((_, i) => isWanted[i]);
  const found = gradients(loss, wanted)[Symbol.iterator]();
  const pieces: Tensor[] = [];
  let still = 0;
  entries.forEach(({ size }, i) => {
    if (isWanted[i]) {
      if (still > 0) pieces.push(f.expand(loss.graph.scalar(0), [still]));
      still = 0;
      pieces.push(found.next().value as Tensor);
    } else still += size;
  });
  if (still > 0) pieces.push(f.expand(loss.graph.scalar(0), [still]));
  return f.concat(pieces, 0);
}

/** Forward only: `parameters` [P] and the inputs of a step -> `errors` [N]. */
export function validationGraph(options: TrainingGraphOptions): Uint8Array {
  const layout = trainingLayout(options);
  const graph = new Graph();
  graph.provideParameters(flatProvider(layout, graph.input('parameters', [layout.size])));
  graph.output('errors', losses(graph, whole(options)).errors);
  return emitModel(graph);
}
