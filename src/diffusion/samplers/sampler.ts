/**
 * The interface of all samplers, and the walk from t = T to t = 0 that they share. A sampler itself is one transition:
 * the state at r from the state at t.
 *
 * @module
 */
import { ClearwordError, checkFinite, throwIfCancelled } from '../../errors.ts';
import type { Estimates } from '../parameterisation.ts';
import type { MeanRevertingSde } from '../sde.ts';
import { checkedTimes, timeGrid } from '../time-grid.ts';
import { weightedSum } from '../weighted-sum.ts';

/** One sampling run. All pictures are flat float32 arrays of the length of `mu`. */
export interface SamplerRun {
  readonly sde: MeanRevertingSde;
  /** Degraded picture, 0..1. */
  readonly mu: Float32Array;
  /** Number of steps, 1..T, spread evenly over the process; or the times to visit, falling from T to 0. */
  readonly steps: number | readonly number[];
  /**
   * The network at state x_t. It must leave `x` unchanged and return arrays that nothing overwrites later: a multistep
   * sampler looks back at them.
   */
  predict(x: Float32Array, t: number, signal?: AbortSignal): Promise<Estimates>;
  /**
   * Values of N(0, 1), one per element of `mu`: draw 0 makes the initial state, draw k serves step k = 1, 2, ... A draw is
   * a function of its index alone, so that skipping one (a step that adds no noise) moves no other.
   */
  noise(draw: number): Float32Array;
  /** Called after every step; the next step waits for it. */
  onStep?: ((report: StepReport) => void | Promise<void>) | undefined;
  /** Checked before every step, and handed to `predict`. */
  readonly signal?: AbortSignal | undefined;
}

/** What a finished step reports. The arrays may be kept but not changed. */
export interface StepReport {
  /** 1..steps. */
  readonly step: number;
  readonly steps: number;
  /** Time that the step arrived at: falls to 0 with the last one. */
  readonly t: number;
  /** State x_t at that time. */
  readonly x: Float32Array;
  /** The prediction that the step used. */
  readonly x0: Float32Array;
}

/** Restores: the state at t = 0, which is the restored picture (not clipped to 0..1). */
export type Sampler = (run: SamplerRun) => Promise<Float32Array>;

/** One step of a sampler, from t to r < t. */
export interface Transition extends Estimates {
  readonly sde: MeanRevertingSde;
  readonly x: Float32Array;
  readonly mu: Float32Array;
  readonly t: number;
  readonly r: number;
  /** Draws the step's noise, N(0, I). */
  z(): Float32Array;
}

/** Walks the time grid with `transition`, which returns x_r as a new array. */
export async function walk(run: SamplerRun, transition: (at: Transition) => Float32Array): Promise<Float32Array> {
  const { sde, mu, signal } = run;
  const times = typeof run.steps === 'number' ? timeGrid(sde.T, run.steps) : checkedTimes(sde.T, run.steps);
  const steps = times.length - 1;
  const draw = (index: number) => sized(run.noise(index), mu.length, 'noise');

  let x: Float32Array = weightedSum(sde.initialState(), { mu, z: draw(0) });
  for (let step = 1; step <= steps; step++) {
    throwIfCancelled(signal, `sampling, ${step - 1} of ${steps} steps done,`);
    const t = times[step - 1] as number;
    const r = times[step] as number;
    const estimates = await run.predict(x, t, signal);
    const x0 = sized(estimates.x0, mu.length, 'the predicted x0');
    const at: Transition = {
      sde,
      x,
      mu,
      x0,
      get noise() {
        return sized(estimates.noise, mu.length, 'the predicted noise');
      },
      t,
      r,
      z: () => draw(step),
    };
    x = transition(at);
    checkFinite(x, `step ${step} of ${steps}, from t = ${t} to ${r}`);
    await run.onStep?.({ step, steps, t: r, x, x0 });
  }
  return x;
}

function sized(values: Float32Array, length: number, name: string): Float32Array {
  if (values.length === length) return values;
  throw new ClearwordError('RUNTIME_FAILED', `expected ${length} values for ${name}, received ${values.length}`);
}
