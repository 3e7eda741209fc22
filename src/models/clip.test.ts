import { it } from 'vitest';
import { expectClose } from '../../test/parity/fixture.ts';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import { Graph } from '../graph/graph.ts';
import { clipBlock } from './clip.ts';

const run = graphRunner();

const WIDTH = 4;

/** Values of one parameter; the attention gives nothing and the norms are plain, so that the two linear layers remain. */
function valuesOf(name: string, size: number, seed: number): Float32Array {
  if (name.startsWith('attn.out_proj')) return new Float32Array(size);
  if (name.startsWith('ln_')) return new Float32Array(size).fill(name.endsWith('weight') ? 1 : 0);
  return Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + seed));
}

it("a block of OpenAI's models has x sigmoid(1.702 x) between its layers, as plain loops compute it", async () => {
  const graph = new Graph();
  graph.output('y', clipBlock(graph.input('x', [1, 2, WIDTH]), { heads: 2, activation: 'quick-gelu' }));
  const entries = [...graph.parameters].map(([name, { tensor }], seed) => {
    const size = tensor.shape.reduce((product, d) => product * d, 1);
    return [name, valuesOf(name, size, seed)] as const;
  });
  const values = new Map(entries);
  const x = Array.from({ length: 2 * WIDTH }, (_, i) => Math.cos(2.3 * i) + i / 10);
  const { y } = await run(graph, { x: hostTensor(x, [1, 2, WIDTH]) }, values);

  const linear = (row: readonly number[], name: string) => {
    const [weight, bias] = [values.get(`${name}.weight`) ?? [], values.get(`${name}.bias`) ?? []];
    return [...bias].map((b, o) => row.reduce((sum, v, i) => sum + v * (weight[o * row.length + i] ?? 0), b));
  };
  const expected = [0, 1].flatMap((token) => {
    const row = x.slice(token * WIDTH, (token + 1) * WIDTH);
    const mean = row.reduce((sum, v) => sum + v, 0) / WIDTH;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / WIDTH;
    const hidden = linear(
      row.map((v) => (v - mean) / Math.sqrt(variance + 1e-5)),
      'mlp.c_fc',
    );
    const active = hidden.map((v) => v / (1 + Math.exp(-1.702 * v)));
    return linear(active, 'mlp.c_proj').map((v, i) => v + (row[i] ?? 0));
  });
  expectClose('y', y?.data ?? [], expected, 1e-5);
});
