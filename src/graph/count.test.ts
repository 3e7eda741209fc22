import { expect, it } from 'vitest';
import { countGraph, groupLayers } from './count.ts';
import * as f from './functions.ts';
import { Graph } from './graph.ts';

const uniform = { kind: 'uniform', bound: 1 } as const;

it('counts convolutions, products and what they leave', () => {
  const graph = new Graph();
  const x = graph.input('x', [2, 6, 9, 7]);
  const y = graph.scope('a.conv', () =>
    f.conv(x, graph.parameter('weight', [4, 3, 3, 3], uniform), graph.parameter('bias', [4], uniform), {
      stride: 2,
      padding: 1,
      group: 2,
    }),
  );
  expect(y.shape).toEqual([2, 4, 5, 4]);
  const up = graph.scope('a.up', () => f.convTranspose(y, graph.parameter('weight', [4, 5, 2, 2], uniform)));
  const flat = f.reshape(f.relu(up), [2, 5, -1]);
  const out = graph.scope('b', () => f.matMul(graph.parameter('weight', [3, 5], uniform), flat));
  graph.output('out', out);
  const count = countGraph(graph);
  const positions = out.shape[2] ?? 0;
  expect(count.layers).toEqual([
    { layer: 'a.conv', parameters: 4 * 27 + 4, macs: 2 * 4 * 5 * 4 * 27, elements: 0 },
    { layer: 'a.up', parameters: 4 * 20, macs: 2 * 4 * 5 * 4 * 20, elements: 0 },
    { layer: '(top)', parameters: 0, macs: 0, elements: 2 * 5 * positions },
    { layer: 'b', parameters: 15, macs: 2 * 3 * positions * 5, elements: 0 },
  ]);
  expect(count.parameters).toBe(112 + 80 + 15);
  expect(count.macs).toBe(4320 + 3200 + 30 * positions);
  expect(groupLayers(count, 1).map(({ layer, macs }) => [layer, macs])).toEqual([
    ['a', 4320 + 3200],
    ['(top)', 0],
    ['b', 30 * positions],
  ]);
});
