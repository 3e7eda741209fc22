import { describe, expect, it } from 'vitest';
import * as f from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradient.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { dim, type Tensor } from '../../src/graph/tensor.ts';
import { efficientRestorationBlock, linearAttention, residualBlock, spatialTransformer } from '../../src/nn/blocks.ts';
import { sinusoidalEmbedding } from '../../src/nn/functional.ts';
import { conv2d } from '../../src/nn/layers.ts';
import {
  type DataSpec,
  expectClose,
  type InputSpec,
  inputValues,
  largest,
  norm,
  readFixture,
  runGraph,
  type WeightSpec,
  weightValues,
} from './fixture.ts';

interface Piece {
  readonly weights: readonly WeightSpec[];
  readonly inputs: readonly InputSpec[];
  readonly upstreamGradient: InputSpec;
  readonly output: DataSpec;
  readonly inputGradients: readonly DataSpec[];
  readonly weightGradients: Readonly<Record<string, DataSpec>>;
  readonly weightGradientNorms: Readonly<Record<string, number>>;
}

interface Fixture {
  readonly pieces: Readonly<Record<string, Piece>> & {
    readonly sinusoidalEmbedding: { readonly dim: number; readonly t: readonly number[]; readonly output: DataSpec };
  };
}

const { pieces } = readFixture<Fixture>('network-blocks');
/** Absolute, for values of order 1; larger tensors are held to the same fraction of their largest value. */
const FORWARD = 2e-4;
const GRADIENT = 1e-3;

const shapeOf = ({ weights }: Piece, suffix: string): readonly number[] => {
  const shape = weights.find(({ name }) => name.endsWith(suffix))?.shape;
  if (!shape) throw new Error(`the fixture has no weight ${suffix}`);
  return shape;
};
const at = <T>(items: readonly T[], i: number): T => {
  const item = items[i];
  if (item === undefined) throw new Error(`nothing at ${i}`);
  return item;
};
const erbOf = (piece: Piece) => ({
  kernel: dim(shapeOf(piece, 'dwconv.weight'), 2),
  expansion: dim(shapeOf(piece, 'pwconv1.weight'), 0) / dim(shapeOf(piece, 'pwconv1.weight'), 1),
  normGain: 1,
});
const residual = (piece: Piece, x: readonly Tensor[], decoder: boolean) =>
  residualBlock(at(x, 0), at(x, 1), {
    out: dim(piece.output.shape, 1),
    inner: { kind: 'erb', ...erbOf(piece) },
    decoder,
  });

/** How each piece is built from its inputs; configuration comes from the shapes in the file. */
const builders: Readonly<Record<string, (piece: Piece, inputs: readonly Tensor[], graph: Graph) => Tensor>> = {
  efficientRestorationBlock: (piece, x) => efficientRestorationBlock(at(x, 0), erbOf(piece)),
  resBlock: (piece, x) => residual(piece, x, false),
  resBlockDecoder: (piece, x) => residual(piece, x, true),
  linearAttention: (_, x) => linearAttention(at(x, 0)),
  spatialTransformer: (_, x, graph) => graph.scope('f', () => spatialTransformer(at(x, 0), at(x, 1))),
  upsample: (piece, x) => {
    const [out, , kernel] = shapeOf(piece, '1.weight') as [number, number, number];
    const scale = dim(piece.output.shape, 2) / dim(at(x, 0).shape, 2);
    return conv2d(f.upsampleNearest(at(x, 0), scale), '1', out, { kernel });
  },
  downsample: (piece, x, graph) => {
    const shape = shapeOf(piece, 'weight');
    const weight = graph.parameter('weight', shape, { kind: 'zeros' });
    const bias = graph.parameter('bias', [dim(shape, 0)], { kind: 'zeros' });
    return f.conv(at(x, 0), weight, bias, { stride: dim(at(x, 0).shape, 2) / dim(piece.output.shape, 2), padding: 1 });
  },
};

describe('blocks agree with PyTorch', () => {
  const named = Object.entries(pieces).filter(([name]) => name !== 'sinusoidalEmbedding') as [string, Piece][];

  it('has a builder for every piece of the fixture', () => {
    expect(named.map(([name]) => name).sort()).toEqual(Object.keys(builders).sort());
  });

  it.each(named)('%s: output and every gradient', async (name, piece) => {
    const values = new Map(weightValues(piece.weights));
    for (const [i, spec] of piece.inputs.entries()) values.set(`input${i}`, inputValues(spec));
    values.set('upstream', inputValues(piece.upstreamGradient));
    const result = await runGraph((graph) => {
      const inputs = piece.inputs.map(({ shape }, i) => graph.input(`input${i}`, shape));
      const output = builders[name]?.(piece, inputs, graph);
      if (!output) throw new Error(`no builder for ${name}`);
      expect(output.shape).toEqual(piece.output.shape);
      expect([...graph.parameters.keys()].sort()).toEqual(piece.weights.map((w) => w.name).sort());
      const parameters = piece.weights.map(
        (w) =>
          at(
            [...graph.parameters.values()].filter((p) => p.name === w.name),
            0,
          ).tensor,
      );
      const seed = graph.input('upstream', output.shape);
      const byAll = gradients(output, [...inputs, ...parameters], seed);
      return {
        output,
        ...Object.fromEntries(inputs.map((_, i) => [`gradient of input ${i}`, at(byAll, i)])),
        ...Object.fromEntries(piece.weights.map((w, i) => [`gradient of ${w.name}`, at(byAll, inputs.length + i)])),
      };
    }, values);

    expectClose('output', result('output'), piece.output.data, FORWARD * Math.max(1, largest(piece.output.data)));
    piece.inputGradients.forEach((expected, i) => {
      const title = `gradient of input ${i}`;
      expectClose(title, result(title), expected.data, GRADIENT * Math.max(1, largest(expected.data)));
    });
    for (const { name: weight } of piece.weights) {
      const title = `gradient of ${weight}`;
      // The fixture leaves out the values of the largest gradients; their norms are all there.
      const expected = piece.weightGradients[weight];
      if (expected) expectClose(title, result(title), expected.data, GRADIENT * Math.max(1, largest(expected.data)));
      const expectedNorm = piece.weightGradientNorms[weight] ?? Number.NaN;
      expect(Math.abs(norm(result(title)) - expectedNorm), `norm of ${title}`).toBeLessThanOrEqual(
        1e-3 * expectedNorm + 1e-5,
      );
    }
  });

  it('sinusoidalEmbedding', async () => {
    const { dim: width, t, output } = pieces.sinusoidalEmbedding;
    const result = await runGraph(
      (graph) => ({ output: sinusoidalEmbedding(graph.input('t', [t.length]), width) }),
      new Map([['t', Float32Array.from(t)]]),
    );
    expectClose('embedding', result('output'), output.data, FORWARD);
  });
});
