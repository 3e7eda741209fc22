/**
 * The learned metrics against values from PyTorch. PSNR and SSIM are compared beside their sources
 * (src/metrics/pixel-metrics.test.ts).
 */
import { describe, expect, it } from 'vitest';
import { frechetDistance } from '../../src/metrics/frechet.ts';
import { type LpipsNetwork, lpips } from '../../src/metrics/lpips.ts';
import {
  expectClose,
  type InputSpec,
  inputValues,
  readFixture,
  runGraph,
  type WeightSpec,
  weightValues,
} from './fixture.ts';

interface FrechetCase {
  readonly n: number;
  readonly d: number;
  /** Frequency and phase of the formula. */
  readonly a: readonly [number, number];
  readonly b: readonly [number, number];
  readonly fid: number;
}

interface NetworkCase {
  readonly channels: readonly number[];
  readonly backboneWeights: readonly WeightSpec[];
  readonly linearWeights: readonly (readonly number[])[];
  readonly distance: readonly number[];
}

const fixture = readFixture<{
  frechet: readonly FrechetCase[];
  lpips: { inputA: InputSpec; inputB: InputSpec; networks: Record<LpipsNetwork, NetworkCase> };
}>('metrics');

/** The reference works in float64, as this does. */
const FRECHET_RELATIVE = 1e-9;
/** Float32 through up to 13 layers, in another order of summation. */
const LPIPS_RELATIVE = 2e-5;

describe('Frechet distance', () => {
  it.each(fixture.frechet)('of $n vectors of $d features', ({ n, d, a, b, fid }) => {
    const features = ([frequency, phase]: readonly [number, number]) => ({
      count: n,
      length: d,
      values: Float64Array.from({ length: n * d }, (_, k) => Math.sin(frequency * k * k + phase) * (1 + (k % d) / d)),
    });
    expect(Math.abs(frechetDistance(features(a), features(b)) - fid)).toBeLessThan(FRECHET_RELATIVE * fid);
  });
});

describe('LPIPS 0.1', () => {
  const { inputA, inputB, networks } = fixture.lpips;

  it.each(Object.entries(networks))('with %s', async (name, network) => {
    const values = new Map<string, Float32Array>();
    // The reference numbers layers within slices: slice2.3.weight is layer 3 of `features`.
    for (const [layer, data] of weightValues(network.backboneWeights)) {
      values.set(layer.replace(/^slice\d+\./, 'features.'), data);
    }
    network.linearWeights.forEach((weights, i) => {
      expect(weights.length).toBe(network.channels[i]);
      values.set(`lin${i}.model.1.weight`, Float32Array.from(weights));
    });
    values.set('a', inputValues(inputA));
    values.set('b', inputValues(inputB));
    const output = await runGraph((graph) => {
      const [a, b] = [graph.input('a', inputA.shape), graph.input('b', inputB.shape)];
      return { distance: lpips(a, b, name as LpipsNetwork) };
    }, values);
    const relative = output('distance').map((value, i) => value / (network.distance[i] ?? Number.NaN));
    expectClose(name, relative, [1, 1], LPIPS_RELATIVE);
  });
});
