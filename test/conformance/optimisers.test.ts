/** What every optimiser must do, run over all of them. A new one needs one line in `traits`, or this does not compile. */
import { afterAll, describe, expect, test } from 'vitest';
import * as f from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradient.ts';
import { Graph } from '../../src/graph/graph.ts';
import { flatProvider } from '../../src/graph/parameters.ts';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { Random } from '../../src/random/random.ts';
import { Engine } from '../../src/runtime/engine.ts';
import {
  appendOptimiser,
  type Moment,
  OPTIMISER_NAMES,
  type OptimiserChoice,
  type OptimiserName,
  optimisers,
  residentOf,
  scalarsAt,
} from '../../src/train/optimisers/index.ts';
import { expectClose, largest, norm, readFixture } from '../parity/fixture.ts';
import { layoutOfShapes, Rig } from './optimiser-rig.ts';

interface Traits {
  /** The learning rate of each parameter of the layout below, in its order. */
  readonly rates: readonly ('learningRate' | 'otherLearningRate')[];
  /** Largest distance from PyTorch's parameters and moments after ten steps, relative to the largest value. */
  readonly tolerance: number;
}

const [OWN, OTHER] = ['learningRate', 'otherLearningRate'] as const;
const traits: Record<OptimiserName, Traits> = {
  adamw: { rates: [OWN, OWN, OWN, OWN], tolerance: 1e-6 },
  muon: { rates: [OWN, OTHER, OWN, OWN], tolerance: 2e-6 },
};

interface Case {
  readonly settings: {
    readonly learningRate: number;
    readonly otherLearningRate?: number;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly weightDecay: number;
    readonly clipNorm: number | null;
  };
  /** Flat vectors by the number of steps. */
  readonly after: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

interface Fixture {
  readonly shapes: readonly { readonly name: string; readonly shape: Shape }[];
  readonly cases: Readonly<Record<OptimiserName, readonly Case[]>>;
}

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const fixture = readFixture<Fixture>('optimisers');
const layout = layoutOfShapes(Object.fromEntries(fixture.shapes.map(({ name, shape }) => [name, shape])));
const vector = (of: (k: number) => number) => Float32Array.from({ length: layout.size }, (_, k) => of(k));
/** The fixture's formulas. */
const start = vector((k) => Math.cos(1.7 * k));
const gradientAt = (step: number) => vector((k) => (1 + 3 * (step % 3)) * Math.sin(0.9 * k + 0.013 * k * k + step));

const choice = (kind: OptimiserName, changes: Partial<OptimiserChoice> = {}): OptimiserChoice => ({
  kind,
  betas: [0.9, 0.99],
  eps: 1e-8,
  weightDecay: 0,
  clipNorm: Number.POSITIVE_INFINITY,
  ...changes,
});
const moment = (step: number): Moment => ({ step, learningRate: 0.03, otherLearningRate: 0.01 });
const AVERAGE_DECAY = 0.75;

/** The vectors after steps 0 to `steps` - 1 with the gradients above, scaled. */
async function vectorsAfter(steps: number, config: OptimiserChoice, scale = (_: number) => 1) {
  const rig = await Rig.open(engine, layout, config, start);
  for (let step = 0; step < steps; step++) {
    const factor = scale(step);
    await rig.step(
      moment(step),
      AVERAGE_DECAY,
      gradientAt(step).map((g) => g * factor),
    );
  }
  const vectors = await rig.vectors();
  await rig.close();
  return vectors;
}

describe.each(OPTIMISER_NAMES)('%s', (kind) => {
  const { rates, tolerance } = traits[kind];

  test('reads and replaces the vectors and scalars of its record', () => {
    const graph = new Graph();
    const [parameters, gradient] = [graph.input('parameters', [layout.size]), graph.input('gradient', [layout.size])];
    appendOptimiser(graph, layout, parameters, gradient, choice(kind));
    const { state, scalars } = optimisers[kind];
    const fed = graph.inputs.map(({ name, shape }) => `${name} ${shape}`);
    const vectors = ['parameters', 'gradient', ...state, 'average'].map((name) => `${name} ${layout.size}`);
    expect(fed.sort()).toEqual([...vectors, ...[...Object.keys(scalars), 'averageDecay'].map((n) => `${n} `)].sort());
    const replaced = Object.values(residentOf(kind));
    expect([...graph.outputs.keys()].sort()).toEqual([...replaced, 'gradientNorm'].sort());
    for (const name of replaced) expect(graph.outputs.get(name)?.shape).toEqual([layout.size]);
    const known = Object.keys(scalarsAt(choice(kind), moment(0), 0));
    expect(known.sort()).toEqual([...Object.keys(scalars), 'averageDecay'].sort());
  });

  test.each(fixture.cases[kind])('PyTorch has the same values after 1 and after 10 steps: $settings', async (entry) => {
    const { learningRate, otherLearningRate = learningRate, clipNorm, ...settings } = entry.settings;
    const config = { kind, ...settings, clipNorm: clipNorm ?? Number.POSITIVE_INFINITY };
    const rig = await Rig.open(engine, layout, config, start);
    for (let step = 0; step < 10; step++) {
      const length = await rig.step({ step, learningRate, otherLearningRate }, 1, gradientAt(step));
      // As it was before clipping.
      expectClose('gradientNorm', [length], [norm(gradientAt(step))], 1e-5 * length);
      const expected = entry.after[step + 1];
      if (!expected) continue;
      const vectors = await rig.vectors();
      expect(Object.keys(expected)).toContain('parameters');
      for (const [name, values] of Object.entries(expected)) {
        const bound = tolerance * Math.max(1, largest(values));
        expectClose(`${name} after ${step + 1} steps`, vectors[name] ?? [], values, bound);
      }
    }
    await rig.close();
    expect(Object.keys(entry.after)).toEqual(['1', '10']);
  });

  test('gradients beyond clipNorm are as if they had that length, others as they are', async () => {
    const clipNorm = 30;
    const free = choice(kind);
    const scale = (step: number) => Math.min(1, clipNorm / norm(gradientAt(step)));
    expect([0, 1, 2].map((step) => scale(step) < 1)).toEqual([false, true, true]);
    const [clippedOnes, scaledOnes] = [
      await vectorsAfter(3, { ...free, clipNorm }),
      await vectorsAfter(3, free, scale),
    ];
    for (const [name, values] of Object.entries(scaledOnes)) {
      expectClose(name, clippedOnes[name] ?? [], values, tolerance * Math.max(1, largest(values)));
    }
    // One step whose gradient is within the limit: bit by bit.
    expect(await vectorsAfter(1, { ...free, clipNorm })).toEqual(await vectorsAfter(1, free));
  });

  test('without a gradient, decay alone moves parameters, by their learning rate', async () => {
    const weightDecay = 0.3;
    const zeros = new Float32Array(layout.size);
    const shrunk = await Rig.open(engine, layout, choice(kind, { weightDecay }), start);
    await shrunk.step(moment(0), AVERAGE_DECAY, zeros);
    const expected = layout.entries.flatMap(({ offset, size }, i) => {
      const rate = moment(0)[rates[i] ?? OWN];
      return Array.from(start.subarray(offset, offset + size), (p) => p * (1 - rate * weightDecay));
    });
    const { parameters, average, ...state } = await shrunk.vectors();
    expectClose('parameters', parameters, expected, 2e-7);
    const lagging = expected.map((p, k) => AVERAGE_DECAY * (start[k] ?? 0) + (1 - AVERAGE_DECAY) * p);
    expectClose('average', average, lagging, 2e-7);
    for (const [name, values] of Object.entries(state)) expect(largest(values), name).toBe(0);
    const still = await Rig.open(engine, layout, choice(kind), start);
    expect(await still.step(moment(0), AVERAGE_DECAY, zeros)).toBe(0);
    expect((await still.vectors()).parameters).toEqual(start);
    await Promise.all([shrunk.close(), still.close()]);
  });

  test('goes on from its vectors as if it had not stopped, bit by bit', async () => {
    const config = choice(kind, { weightDecay: 0.1, clipNorm: 30 });
    const whole = await vectorsAfter(10, config);
    const rig = await Rig.open(engine, layout, config, await vectorsAfter(6, config));
    for (let step = 6; step < 10; step++) await rig.step(moment(step), AVERAGE_DECAY, gradientAt(step));
    expect(await rig.vectors()).toEqual(whole);
    await rig.close();
  });

  /** Loss as a function of the flat parameters, 0 at best. */
  const problems: Readonly<Record<string, (graph: Graph, parameters: Tensor) => Tensor>> = {
    /** sum of h (p - p*)^2 with h from 1 to 1000. */
    'an ill-conditioned bowl': (graph, parameters) => {
      const goal = graph.constant(
        vector((k) => Math.sin(2.3 * k)),
        [layout.size],
        'float32',
      );
      const steepness = graph.constant(
        vector((k) => 10 ** ((3 * (k % 97)) / 96)),
        [layout.size],
        'float32',
      );
      return f.reduceMean(f.mul(f.square(f.sub(parameters, goal)), steepness));
    },
    /** mean (X (W + V) - X A)^2 for matrices W [16,18], transposed, and V [18,16], which share the work. */
    'a linear regression': (graph, parameters) => {
      graph.provideParameters(flatProvider(layout, parameters));
      const draws = new Random(3, 0x5eed);
      const normal = (shape: Shape) =>
        graph.constant(
          Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draws.normal()),
          shape,
          'float32',
        );
      const x = normal([64, 18]);
      const zeros = { kind: 'zeros' } as const;
      const weight = graph.parameter('wide.weight', [16, 18], zeros);
      const tall = graph.parameter('tall.weight', [18, 16], zeros);
      const guess = f.matMul(x, f.add(f.transpose(weight, [1, 0]), tall));
      return f.reduceMean(f.square(f.sub(guess, f.matMul(x, normal([18, 16])))));
    },
  };
  test.each(Object.keys(problems))('solves %s', async (name) => {
    const problem = problems[name];
    if (!problem) throw new Error(`no problem ${name}`);
    const steps = 400;
    const rig = await Rig.open(engine, layout, choice(kind), start, (graph, parameters) => {
      const [gradient] = gradients(problem(graph, parameters), [parameters]) as [Tensor];
      return gradient;
    });
    const lengths: number[] = [];
    for (let step = 0; step < steps; step++) {
      const rate = 0.1 * (1 - step / steps);
      lengths.push(await rig.step({ step, learningRate: rate, otherLearningRate: rate }, AVERAGE_DECAY));
    }
    await rig.close();
    // A convex function is at its least where its gradient is zero.
    expect((lengths.at(-1) ?? 1) / (lengths[0] ?? 1)).toBeLessThan(1e-3);
  });
});

test('muon without matrices is adamw with the other learning rate', async () => {
  const flat = layoutOfShapes({ 'norm.weight': [layout.size] });
  const results = await Promise.all(
    OPTIMISER_NAMES.map(async (kind) => {
      const rig = await Rig.open(engine, flat, choice(kind, { weightDecay: 0.1, clipNorm: 30 }), start);
      for (let step = 0; step < 5; step++) {
        const own = kind === 'muon' ? 1e9 : 0.01;
        await rig.step({ step, learningRate: own, otherLearningRate: 0.01 }, AVERAGE_DECAY, gradientAt(step));
      }
      return rig.vectors();
    }),
  );
  expect(results[1]).toEqual(results[0]);
});
