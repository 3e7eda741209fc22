/**
 * What `bench/train.ts` and `bench/profile-step.ts` run: whole training steps and a forward pass, with their inputs.
 */
import { batchWeights } from '../src/diffusion/objective.ts';
import { MeanRevertingSde } from '../src/diffusion/sde.ts';
import { gradients } from '../src/graph/gradient.ts';
import { Graph } from '../src/graph/graph.ts';
import { emitModel } from '../src/graph/onnx/emit.ts';
import { flatProvider, layoutOf, type ParameterLayout, unflatten } from '../src/graph/parameters.ts';
import { rewritten } from '../src/graph/rewrite.ts';
import { rewriteRules } from '../src/graph/rewrites/index.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { erunet } from '../src/models/erunet.ts';
import { guidanceShapes, predictionGraph } from '../src/models/networks.ts';
import type { Preset } from '../src/models/preset-schema.ts';
import { presets } from '../src/models/presets.ts';
import { Random } from '../src/random/random.ts';
import { float32 } from '../src/runtime/engine.ts';
import type { HostTensors } from '../src/runtime/protocol.ts';
import { initialValues } from '../src/train/initialise.ts';
import { matchingLoss, noisyState, weightFeeds, weightInputs } from '../src/train/objective.ts';
import {
  appendOptimiser,
  initialVectors,
  type OptimiserChoice,
  type OptimiserName,
  residentOf,
  scalarsAt,
  type Vectors,
} from '../src/train/optimisers/index.ts';
import { batchFeeds } from '../src/train/step.ts';
import { type AuxiliaryWeights, type TrainingGraph, trainingGraph } from '../src/train/training-graph.ts';
import { madeUpBatch } from './made-up-batch.ts';

const SEED = 7;
const STREAM = 0xbe7c;
const LEARNING_RATE = 1e-4;

/** A network, as both sides of a comparison need to know it. */
export interface Bench {
  readonly preset: Preset;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly layout: ParameterLayout;
  /** [P]; see {@link benchValues}. */
  readonly parameters: Float32Array<ArrayBuffer>;
  /** The model's inputs beside its parameters and the optimiser's values. */
  readonly feeds: HostTensors;
  readonly model: Uint8Array;
}

export interface StepBench extends Bench {
  readonly loss: 'matching' | 'l1';
  /** Weights of the losses beside the restoration's, where there are others. */
  readonly auxiliary?: AuxiliaryWeights;
  readonly optimiser: OptimiserChoice;
  /** Inputs that stay in the engine, each with the output that replaces it. */
  readonly resident: Readonly<Record<string, string>>;
}

export function presetOf(name: string): Preset {
  const preset = presets[name];
  if (!preset) throw new Error(`expected one of ${Object.keys(presets).join(', ')}, received ${name}`);
  return preset;
}

const random = (...streams: readonly number[]) => new Random(SEED, STREAM, ...streams);

export function uniform(stream: number, shape: readonly number[], low = 0, high = 1) {
  const draws = random(stream);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return float32(
    Float32Array.from({ length: size }, () => draws.uniform(low, high)),
    shape,
  );
}

/** Initial values, except that nothing is zero: a zero last layer would hide every difference before it. */
function benchValues(layout: ParameterLayout): Float32Array<ArrayBuffer> {
  const values = initialValues(layout, SEED);
  const draws = random(0);
  for (const { initialiser, offset, size } of layout.entries) {
    if (initialiser.kind !== 'zeros') continue;
    for (let i = 0; i < size; i++) values[offset + i] = 0.02 * draws.normal();
  }
  return values;
}

/** Different steps for the samples of a batch, T among them. */
const timesOf = (batch: number, T: number) =>
  Array.from({ length: batch }, (_, i) => Math.max(1, Math.round((T * (i + 1)) / batch)));

function networkInputs(graph: Graph, preset: Preset, batch: number, side: number) {
  const shape = [batch, 3, side, side];
  const context = [batch, preset.fusion.context];
  return {
    mu: graph.input('mu', shape),
    x0: graph.input('x0', shape),
    z: graph.input('z', shape),
    t: graph.input('t', [batch]),
    text: graph.input('text', context),
    degradation: graph.input('degradation', context),
  };
}

/** The paper's step for a network whose embeddings come from outside: noise prediction, matching loss, AdamW. */
export function networkStep(preset: Preset, batch: number, side: number): StepBench {
  const optimiser: OptimiserChoice = {
    kind: 'adamw',
    betas: [0.9, 0.99],
    eps: 1e-8,
    weightDecay: 0.01,
    clipNorm: Number.POSITIVE_INFINITY,
  };
  const declare = (graph: Graph) => {
    const { mu, x0, z, ...conditions } = networkInputs(graph, preset, batch, side);
    const weights = weightInputs(graph, batch);
    const x = noisyState(weights, x0, mu, z);
    const output = erunet({ x, mu, ...conditions }, preset.network, preset.fusion);
    return matchingLoss(weights, { x, mu, x0, output });
  };
  const layout = layoutOf(declare);
  const graph = new Graph();
  const flat = graph.input('parameters', [layout.size]);
  graph.provideParameters(flatProvider(layout, flat));
  const loss = declare(graph);
  graph.output('loss', loss);
  const [gradient] = gradients(loss, [flat]) as [Tensor];
  appendOptimiser(graph, layout, flat, gradient, optimiser);

  const images = [batch, 3, side, side];
  const embeddings = [batch, preset.fusion.context];
  const times = timesOf(batch, preset.sde.T);
  const feeds = {
    mu: uniform(1, images),
    x0: uniform(2, images),
    z: uniform(3, images, -1.7, 1.7),
    t: float32(Float32Array.from(times), [batch]),
    text: uniform(4, embeddings, -0.08, 0.08),
    degradation: uniform(5, embeddings, -0.08, 0.08),
    ...weightFeeds(batchWeights(new MeanRevertingSde(preset.sde), preset.parameterisation, times)),
  };
  return {
    preset,
    batch,
    height: side,
    width: side,
    layout,
    parameters: benchValues(layout),
    feeds,
    model: emitModel(graph),
    loss: 'matching',
    optimiser,
    resident: residentOf(optimiser.kind),
  };
}

/** A step of a whole system, encoders and all losses, as `clearword train` runs it. */
export function systemStep(preset: Preset, batch: number, side: number, kind: OptimiserName = 'adamw'): StepBench {
  const optimiser = { kind, betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0, clipNorm: 1 } as const;
  const auxiliary = { contrastive: 0.2, strength: 0.5, intent: 0.2 };
  const graph: TrainingGraph = trainingGraph({
    preset,
    batch,
    patches: 1,
    patch: side,
    loss: 'l1',
    auxiliary,
    optimiser,
  });
  const { layout, model, resident } = graph;
  return {
    preset,
    batch,
    height: side,
    width: side,
    layout,
    parameters: benchValues(layout),
    feeds: batchFeeds(
      { batch: madeUpBatch({ preset, batch, patch: side }, 0), step: 0 },
      { preset, patch: side, finalShare: 0.7, seed: SEED },
    ),
    model,
    loss: 'l1',
    auxiliary,
    optimiser,
    resident,
  };
}

/** A step of a preset: of the whole system where it has encoders of its own, of the network where it has none. */
export function stepOf(preset: Preset, batch: number, side: number, kind?: OptimiserName): StepBench {
  return preset.encoders ? systemStep(preset, batch, side, kind) : networkStep(preset, batch, side);
}

/** Values of a network's own parameters, by name. */
export function networkValues(preset: Preset, height: number, width: number) {
  const layout = layoutOf((graph) => predictionGraph(graph, preset, height, width));
  const parameters = benchValues(layout);
  return { layout, parameters, values: unflatten(layout, parameters) };
}

/** One picture and what is said about it. */
export function forwardInputs(preset: Preset, height: number, width: number): HostTensors {
  const image = [1, 3, height, width];
  const guidance = Object.entries(guidanceShapes(preset)).map(([name, shape], i) => [
    name,
    uniform(4 + i, shape, -0.08, 0.08),
  ]);
  return {
    x: uniform(1, image, -0.2, 1.2),
    mu: uniform(2, image),
    t: float32(Float32Array.of(50), [1]),
    ...Object.fromEntries(guidance),
  };
}

/** One picture through the network, with its weights in the model, as restoring runs it. */
export function forwardPass(preset: Preset, height: number, width: number): Bench {
  const { layout, parameters, values } = networkValues(preset, height, width);
  const graph = new Graph();
  predictionGraph(graph, preset, height, width);
  const feeds = forwardInputs(preset, height, width);
  return {
    preset,
    batch: 1,
    height,
    width,
    layout,
    parameters,
    feeds,
    model: emitModel(rewritten(graph, rewriteRules), values),
  };
}

/** Starting values of what stays in the engine. */
export function residentValues({ parameters, optimiser }: StepBench): Vectors {
  return initialVectors(optimiser.kind, parameters);
}

/** The scalars of step `number`, counted from 1, as inputs. */
export function scalarFeeds({ optimiser }: StepBench, number: number): HostTensors {
  const rates = { learningRate: LEARNING_RATE, otherLearningRate: LEARNING_RATE };
  const scalars = scalarsAt(optimiser, { step: number - 1, ...rates }, 0.998);
  return Object.fromEntries(
    Object.entries(scalars).map(([name, value]) => [name, float32(Float32Array.of(value), [])]),
  );
}

export { LEARNING_RATE };
