import { describe, expect, it } from 'vitest';
import { batchWeights } from '../../src/diffusion/objective.ts';
import { MeanRevertingSde, type SdeConfig } from '../../src/diffusion/sde.ts';
import { gradients } from '../../src/graph/gradient.ts';
import { Graph } from '../../src/graph/graph.ts';
import { emitModel } from '../../src/graph/onnx/emit.ts';
import { flatProvider, flatten, layoutOf, unflatten } from '../../src/graph/parameters.ts';
import { dim, type Shape, type Tensor } from '../../src/graph/tensor.ts';
import { erunet } from '../../src/models/erunet.ts';
import { presets } from '../../src/models/presets.ts';
import { Engine, float32, floats } from '../../src/runtime/engine.ts';
import { matchingLoss, noisyState, weightFeeds, weightInputs } from '../../src/train/objective.ts';
import { appendOptimiser, residentOf } from '../../src/train/optimisers/index.ts';
import {
  type DataSpec,
  expectClose,
  type InputSpec,
  inputValues,
  norm,
  readFixture,
  type WeightSpec,
  weightValues,
} from './fixture.ts';

interface Fixture {
  readonly config: {
    readonly width: number;
    readonly multipliers: readonly number[];
    readonly contextDim: number;
    readonly sde: SdeConfig;
  };
  readonly weights: readonly WeightSpec[];
  readonly inputs: Readonly<Record<'x0' | 'mu' | 'noise' | 'degradationContext' | 'textContext', InputSpec>> & {
    readonly t: readonly number[];
  };
  readonly xt: DataSpec;
  readonly predictedNoise: DataSpec;
  readonly gradientNorms: Readonly<Record<string, number>>;
  readonly lossPerStep: readonly number[];
  readonly optimizer: {
    readonly lr: number;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly weightDecay: number;
  };
  readonly oddSize: { readonly predictedNoise: DataSpec };
}

const fixture = readFixture<Fixture>('network');
const { config, inputs } = fixture;
const FORWARD = 2e-4;
const GRADIENT_NORM = 1e-3;
const LOSS = 1e-4;

const paper = presets.paper;
if (!paper) throw new Error('no paper preset');
const network = { ...paper.network, width: config.width, multipliers: config.multipliers };
const fusion = { ...paper.fusion, context: config.contextDim };
const sde = new MeanRevertingSde(config.sde);
const batch = inputs.t.length;

const build = (x: Tensor, mu: Tensor, t: Tensor, text: Tensor, degradation: Tensor) =>
  erunet({ x, mu, t, text, degradation }, network, fusion);

function declare(graph: Graph, shape: Shape) {
  const n = dim(shape, 0);
  return {
    mu: graph.input('mu', shape),
    t: graph.input('t', [n]),
    text: graph.input('text', [n, config.contextDim]),
    degradation: graph.input('degradation', [n, config.contextDim]),
  };
}

const layout = layoutOf((graph) => {
  const { mu, t, text, degradation } = declare(graph, inputs.mu.shape);
  build(mu, mu, t, text, degradation);
});

describe('the whole network agrees with PyTorch', () => {
  it('declares the parameters of the fixture, name by name and shape by shape', () => {
    const ours = layout.entries.map(({ name, shape }) => `${name} ${shape}`).sort();
    expect(ours).toEqual(fixture.weights.map(({ name, shape }) => `${name} ${shape}`).sort());
  });

  it('state, output, gradient norms, and losses over AdamW steps', async () => {
    const { shape } = inputs.x0;
    const graph = new Graph();
    const flat = graph.input('parameters', [layout.size]);
    graph.provideParameters(flatProvider(layout, flat));
    const { mu, t, text, degradation } = declare(graph, shape);
    const [x0, z] = [graph.input('x0', shape), graph.input('z', shape)];
    const weights = weightInputs(graph, batch);
    const x = noisyState(weights, x0, mu, z);
    const output = build(x, mu, t, text, degradation);
    const loss = matchingLoss(weights, { x, mu, x0, output });
    const [gradient] = gradients(loss, [flat]) as [Tensor];
    const optimiser = { kind: 'adamw', ...fixture.optimizer, clipNorm: Number.POSITIVE_INFINITY } as const;
    appendOptimiser(graph, layout, flat, gradient, optimiser);
    for (const [name, tensor] of Object.entries({ x, output, loss, gradient })) graph.output(`result.${name}`, tensor);

    const engine = new Engine();
    try {
      const session = await engine.load(emitModel(graph), { resident: residentOf('adamw') });
      const zeros = () => float32(new Float32Array(layout.size), [layout.size]);
      const start = flatten(layout, weightValues(fixture.weights));
      await session.write({
        parameters: float32(start, [layout.size]),
        momentum: zeros(),
        variance: zeros(),
        average: zeros(),
      });
      const { lr, betas } = fixture.optimizer;
      for (const [step, expectedLoss] of fixture.lossPerStep.entries()) {
        const { outputs } = await session.run({
          x0: float32(inputValues(inputs.x0), shape),
          mu: float32(inputValues(inputs.mu), shape),
          z: float32(inputValues(inputs.noise), shape),
          t: float32(Float32Array.from(inputs.t), [batch]),
          text: float32(inputValues(inputs.textContext), inputs.textContext.shape),
          degradation: float32(inputValues(inputs.degradationContext), inputs.degradationContext.shape),
          ...weightFeeds(batchWeights(sde, 'noise', inputs.t)),
          learningRate: float32(Float32Array.of(lr), []),
          correction1: float32(Float32Array.of(1 - betas[0] ** (step + 1)), []),
          correction2: float32(Float32Array.of(1 - betas[1] ** (step + 1)), []),
          averageDecay: float32(Float32Array.of(0), []),
        });
        const measured = floats(outputs, 'result.loss')[0] ?? Number.NaN;
        expect(
          Math.abs(measured - expectedLoss) / expectedLoss,
          `loss of step ${step + 1}: ${measured} for ${expectedLoss}`,
        ).toBeLessThanOrEqual(LOSS);
        if (step > 0) continue;
        expectClose('x_t', floats(outputs, 'result.x'), fixture.xt.data, FORWARD);
        expectClose('predicted noise', floats(outputs, 'result.output'), fixture.predictedNoise.data, FORWARD);
        const byName = unflatten(layout, floats(outputs, 'result.gradient'));
        // The norms of a few parameters are rounding noise around zero; they are held to this absolute bound.
        const floor = 1e-7;
        for (const [name, expected] of Object.entries(fixture.gradientNorms)) {
          const actual = norm(byName.get(name) ?? []);
          expect(
            Math.abs(actual - expected),
            `gradient norm of ${name}: ${actual} for ${expected}`,
          ).toBeLessThanOrEqual(GRADIENT_NORM * expected + floor);
        }
      }
    } finally {
      await engine.close();
    }
  });

  it('a picture whose sides fit no multiple', async () => {
    const { predictedNoise } = fixture.oddSize;
    const [, , height, width] = predictedNoise.shape as [number, number, number, number];
    const crop = (values: ArrayLike<number>, [, channels = 0, rows = 0, columns = 0]: Shape) =>
      Float32Array.from({ length: channels * height * width }, (_, i) => {
        const [c, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
        return values[(c * rows + y) * columns + x] ?? Number.NaN;
      });
    const graph = new Graph();
    const { mu, t, text, degradation } = declare(graph, predictedNoise.shape);
    graph.output('result', build(graph.input('x', predictedNoise.shape), mu, t, text, degradation));
    const engine = new Engine();
    try {
      const session = await engine.load(emitModel(graph, weightValues(fixture.weights)));
      const { outputs } = await session.run({
        x: float32(crop(fixture.xt.data, fixture.xt.shape), predictedNoise.shape),
        mu: float32(crop(inputValues(inputs.mu), inputs.mu.shape), predictedNoise.shape),
        t: float32(Float32Array.of(50), [1]),
        text: float32(inputValues(inputs.textContext).slice(0, config.contextDim), [1, config.contextDim]),
        degradation: float32(inputValues(inputs.degradationContext).slice(0, config.contextDim), [
          1,
          config.contextDim,
        ]),
      });
      expectClose('predicted noise', floats(outputs, 'result'), predictedNoise.data, FORWARD);
    } finally {
      await engine.close();
    }
  });
});
