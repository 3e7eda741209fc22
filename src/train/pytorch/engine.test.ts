import { afterEach, describe, expect, it } from 'vitest';
import { expectClose, largest } from '../../../test/parity/fixture.ts';
import { required } from '../../../test/support/required.ts';
import {
  configure,
  graphOptions,
  run,
  STEPS,
  startingValues,
  type TrainingGraphOptions,
  useOf,
} from '../../../test/support/training-steps.ts';
import { BuiltInEngine } from '../built-in-engine.ts';
import type { TrainConfig } from '../config.ts';
import { initialVectors } from '../optimisers/index.ts';
import { scalarsOf } from '../schedule.ts';
import type { StepEngine } from '../step-engine.ts';
import { trainingLayout } from '../training-graph.ts';
import { PyTorchEngine } from './engine.ts';

/** Largest relative differences between the engines. */
const TOLERANCE = { loss: 1e-4, gradientNorm: 1e-3, errors: 1e-4 } as const;
/** Of what all steps change, the share that may differ. */
const DRIFT = 2e-2;
/** Starting PyTorch and building the graph take their time where the cores are busy, ms. */
const TIMEOUT = 400_000;

const { missing, note } = required('pytorch');
const opened: StepEngine[] = [];
afterEach(() => Promise.all(opened.splice(0).map((engine) => engine.close())));

/** Everything that a network of ours may have beyond the paper's, in patches of larger pictures. */
function nextOptions(config: TrainConfig): TrainingGraphOptions {
  const options = graphOptions(config);
  const { preset } = options;
  if (!preset.encoders) return options;
  const network = { ...preset.network, width: 32, multipliers: [1, 1], attention: ['none', 'view'] } as const;
  const view = { side: 16, widths: [8, 12] };
  const detector = { widths: [8, 12, 8], heads: 2 };
  const controller = { ...preset.encoders.controller, view, labels: 'sigmoid', detector } as const;
  return {
    ...options,
    patches: 4,
    preset: {
      ...preset,
      network: { ...network, norms: 'told', middle: 'view', inner: ['plain', 'erb'] },
      fusion: { ...preset.fusion, strengths: true },
      encoders: { ...preset.encoders, controller },
    },
  };
}

async function both(config: TrainConfig, options: TrainingGraphOptions) {
  const vectors = () => initialVectors(config.optimiser.kind, startingValues(options));
  const ours = await BuiltInEngine.open(config, options, vectors());
  const theirs = await PyTorchEngine.open(config, options, vectors(), { givenNoise: true });
  opened.push(ours, theirs);
  return { ours, theirs };
}

interface Case {
  readonly name: string;
  readonly changes: object;
  readonly optionsOf?: typeof graphOptions;
}

const cases: readonly Case[] = [
  { name: 'tiny, l1', changes: { preset: 'tiny', loss: 'l1' } },
  { name: 'tiny, l2', changes: { preset: 'tiny', loss: 'l2' } },
  { name: 'tiny, charbonnier', changes: { preset: 'tiny', loss: 'charbonnier' } },
  {
    name: 'tiny, psnr, clipped',
    changes: { preset: 'tiny', loss: 'psnr', optimiser: { clipNorm: 0.5, weightDecay: 0.1 } },
  },
  { name: 'tiny, matching', changes: { preset: 'tiny', loss: 'matching' } },
  {
    name: 'tiny, Muon',
    changes: { preset: 'tiny', loss: 'psnr', optimiser: { kind: 'muon', weightDecay: 0.1, otherLearningRate: 1e-3 } },
  },
  {
    name: 'a part alone, with the restoration',
    changes: { preset: 'tiny', loss: 'l1', only: ['text.', 'controller.detector.'] },
  },
  {
    name: 'the detector alone, without it',
    changes: { preset: 'tiny', loss: 'none', only: ['controller.detector.'], optimiser: { kind: 'muon' } },
  },
  {
    name: 'tiny-paper, matching',
    changes: { preset: 'tiny-paper', loss: 'matching', encoders: { weights: 'none' } },
  },
  {
    name: 'lite',
    // One step, as it takes long. Muon's would take longer still, and is held to `tiny`.
    changes: { preset: 'lite', loss: 'psnr', steps: 1 },
  },
  {
    name: 'what networks have beyond the paper',
    changes: { preset: 'tiny', batch: 8, loss: 'psnr', told: { share: 0.5, perturbed: 0.5 } },
    optionsOf: nextOptions,
  },
  { name: 'tiny with plain convolutions', changes: { preset: 'tiny', network: { inner: 'plain' } } },
];

describe.skipIf(missing)(`the PyTorch engine${note}`, () => {
  it.each(cases)(
    '$name: agrees with the built-in engine in loss, gradient and several steps',
    async ({ changes, optionsOf = graphOptions }) => {
      const config = configure(changes);
      const options = optionsOf(config);
      const { ours, theirs } = await both(config, options);
      const start = startingValues(options);
      const { steps = STEPS } = config;
      const tolerance = (name: keyof typeof TOLERANCE) => TOLERANCE[name];
      for (let step = 0; step < steps; step++) {
        const use = useOf(options, step);
        const [a, b] = [await run(ours, config, use), await run(theirs, config, use)];
        if (step > 0) continue;
        for (const name of ['loss', 'restoration', 'contrastive', 'strength', 'intent'] as const) {
          expectClose(name, [b[name]], [a[name]], tolerance('loss') * Math.max(1e-3, Math.abs(a[name])));
        }
        expectClose('gradientNorm', [b.gradientNorm], [a.gradientNorm], tolerance('gradientNorm') * a.gradientNorm);
        expectClose('errors', b.errors, a.errors, tolerance('errors') * largest(a.errors));
      }
      const [mine, other] = [await ours.vectors(), await theirs.vectors()];
      for (const name of ['parameters', 'average'] as const) {
        const moved = mine[name].map((value, i) => value - (start[i] as number));
        const apart = mine[name].map((value, i) => value - (other[name][i] as number));
        const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
        expect(length(apart) / length(moved), `${name} after ${steps} steps`).toBeLessThan(DRIFT);
      }
      const held = [useOf(options, 99)];
      const [x, y] = [await ours.score(held), await theirs.score(held)];
      expectClose('validation', y[0] ?? [], x[0] ?? [], 0.02 * largest(x[0] ?? []));
    },
    TIMEOUT,
  );

  it('keeps the state of before a step that is not finite, whatever was launched after it', async () => {
    const config = configure({ preset: 'tiny', loss: 'psnr' });
    const options = graphOptions(config);
    const vectors = initialVectors('adamw', startingValues(options));
    const engine = await PyTorchEngine.open(config, options, vectors, { givenNoise: true });
    opened.push(engine);
    const steps = [0, 1, 2].map((step) => engine.prepare(useOf(options, step)));
    const scalars = (step: number) => ({ ...scalarsOf(config, step, 0), learningRate: step === 0 ? 1e30 : 1e-3 });
    // The first makes parameters that nothing finite follows from.
    const [first, ...rest] = steps.map((step, i) => step(scalars(i)));
    const refused = rest.map((result) => expect(result).rejects.toMatchObject({ code: 'NON_FINITE' }));
    await first;
    await Promise.all(refused);
    const after = await engine.vectors();
    expect(largest(after.parameters)).toBeGreaterThan(1e20);
    expect(after.parameters.every(Number.isFinite)).toBe(true);
  });

  it('says what PyTorch says of a network that does not fit its parameters', async () => {
    const config = configure({ preset: 'tiny' });
    const options = graphOptions(config);
    const { size } = trainingLayout(options);
    const { preset } = options;
    const wider = { ...options, preset: { ...preset, network: { ...preset.network, width: 16 } } };
    const failure = PyTorchEngine.open(config, wider, initialVectors('adamw', new Float32Array(size)));
    await expect(failure).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringMatching(/^PyTorch: /),
    });
  });
});
