import { describe, expect, it } from 'vitest';
import { filled } from '../../test/support/gradient-check.ts';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import { largestDifference } from '../../test/support/pictures.ts';
import { combinationsOf } from '../degradations/combinations.ts';
import { Graph } from '../graph/graph.ts';
import { combinationTargets, labellingOf } from './labels.ts';
import type { ControllerConfig } from './preset-schema.ts';

const run = graphRunner();
const config = (labels?: ControllerConfig['labels']): ControllerConfig => ({ widths: [8], tile: 32, labels });
const names = ['noise', 'rain', 'haze'];
const combinations = combinationsOf(names);

describe('combinations', () => {
  const labelling = labellingOf(config());
  const of = async (...logits: readonly (readonly number[])[]) => {
    const graph = new Graph();
    graph.output('p', labelling.probabilities(graph.input('logits', [logits.length, 8]), 3));
    const { p } = await run(graph, { logits: hostTensor(logits.flat(), [logits.length, 8]) });
    return logits.map((_, n) => [...(p?.data.slice(3 * n, 3 * n + 3) ?? [])]);
  };

  it('are all there are, by the bits of their number', () => {
    expect(combinations).toEqual([
      [],
      ['noise'],
      ['rain'],
      ['noise', 'rain'],
      ['haze'],
      ['noise', 'haze'],
      ['rain', 'haze'],
      ['noise', 'rain', 'haze'],
    ]);
    const texts = labelling.texts(names);
    expect(texts[0]).toBe('clean');
    expect(texts[7]).toBe('noise and rain and haze');
    expect(new Set(texts).size).toBe(8);
  });

  it('sum to the probability of each degradation', async () => {
    const logits = [0.3, -1, 2, 0.5, 1.1, -0.7, 0.2, 1.6];
    const total = logits.reduce((sum, x) => sum + Math.exp(x), 0);
    const expected = names.map(
      (name) =>
        combinations.reduce(
          (sum, members, k) => (members.includes(name) ? sum + Math.exp(logits[k] as number) : sum),
          0,
        ) / total,
    );
    const [found] = await of(logits);
    expect(largestDifference(found ?? [], expected)).toBeLessThan(1e-6);
  });

  it('are a half where nothing is known, and sure where one combination is', async () => {
    const sure = (k: number) => Array.from({ length: 8 }, (_, i) => (i === k ? 100 : 0));
    const found = await of(sure(-1), ...combinations.map((_, k) => sure(k)));
    expect(largestDifference(found[0] ?? [], [0.5, 0.5, 0.5])).toBeLessThan(1e-6);
    combinations.forEach((members, k) => {
      const expected = names.map((name) => (members.includes(name) ? 1 : 0));
      expect(largestDifference(found[k + 1] ?? [], expected)).toBeLessThan(1e-6);
    });
  });

  it('are the targets of pictures that have them', () => {
    const targets = combinationTargets(Float32Array.of(0, 0, 0, 1, 0, 1, 0, 1, 0), 3);
    expect([0, 1, 2].map((m) => targets.subarray(8 * m, 8 * m + 8).indexOf(1))).toEqual([0, 5, 2]);
    expect(targets.reduce((sum, value) => sum + value, 0)).toBe(3);
  });
});

describe('logits', () => {
  const cosines = async (labels: ControllerConfig['labels'], texts: number, parameters: Map<string, Float32Array>) => {
    const graph = new Graph();
    const inputs = [graph.input('image', [2, 4]), graph.input('texts', [texts, 4])] as const;
    graph.output('logits', labellingOf(config(labels)).logits(...inputs, 3));
    const [a, b] = [filled([2, 4]), filled([texts, 4], -1, 1, 0.3)];
    const feeds = { image: hostTensor(a.data, [2, 4]), texts: hostTensor(b.data, [texts, 4]) };
    const { logits } = await run(graph, feeds, parameters);
    const products = Array.from({ length: 2 * texts }, (_, i) => {
      const [row, column] = [Math.floor(i / texts), i % texts];
      const terms = [0, 1, 2, 3].map((k) => (a.data[4 * row + k] as number) * (b.data[4 * column + k] as number));
      return terms.reduce((sum, term) => sum + term, 0);
    });
    return { logits: logits?.data ?? [], products };
  };
  const scale = Float32Array.of(Math.log(7));

  it('are cosines times one scale, for combinations', async () => {
    const { logits, products } = await cosines(undefined, 8, new Map([['controller.logit_scale', scale]]));
    expect(
      largestDifference(
        logits,
        products.map((cosine) => 7 * cosine),
      ),
    ).toBeLessThan(1e-5);
  });

  it('have a bias for each degradation where each is a question of its own', async () => {
    const bias = Float32Array.of(-2, 0.5, 3);
    const parameters = new Map([
      ['controller.logit_scale', scale],
      ['controller.logit_bias', bias],
    ]);
    const { logits, products } = await cosines('sigmoid', 3, parameters);
    const expected = products.map((cosine, i) => 7 * cosine + (bias[i % 3] as number));
    expect(largestDifference(logits, expected)).toBeLessThan(1e-5);
  });
});

describe('labels', () => {
  it('are the words for degradations, and the name where there are none', () => {
    expect(labellingOf(config('sigmoid')).texts(['noise', 'fog-of-war'])).toEqual(['noise', 'fog of war']);
  });
});
