import { SingularValueDecomposition } from 'ml-matrix';
import { afterAll, describe, expect, it } from 'vitest';
import { layoutOfShapes, Rig } from '../../../test/conformance/optimiser-rig.ts';
import { expectClose, largest } from '../../../test/parity/fixture.ts';
import { graphRunner, hostTensor } from '../../../test/support/graph-run.ts';
import { Graph } from '../../graph/graph.ts';
import type { ParameterLayout } from '../../graph/parameters.ts';
import { presets } from '../../models/presets.ts';
import { Random } from '../../random/random.ts';
import { Engine } from '../../runtime/engine.ts';
import { parseTrainConfig } from '../config.ts';
import { graphOptions } from '../start.ts';
import { trainingLayout } from '../training-graph.ts';
import { orthogonalised } from './muon.ts';
import { muonMatrices } from './muon-matrices.ts';

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());
const run = graphRunner();

const SHAPES = {
  'text.layers.0.out.weight': [16, 16],
  'controller.convs.0.weight': [32, 12, 3, 3],
  'time_mlp.1.weight': [20, 16],
  'time_mlp.1.bias': [20],
  prompt: [20, 16],
  'init_conv.weight': [16, 2, 3, 3],
  'downs.0.dwconv.weight': [16, 1, 5, 5],
  'downs.0.norm.weight': [16],
  'downs.0.grn.gamma': [1, 1, 1, 32],
  'downs.0.wide.weight': [16, 18],
  'final_conv.weight': [12, 16, 3, 3],
  'text_mlp.0.weight': [16, 24, 1, 1],
  'controller.detector.convs.1.weight': [16, 16, 3, 3],
} as const;
const layout = layoutOfShapes(SHAPES);

describe('the matrices', () => {
  it('are the weights of the network, with their places', () => {
    const offsetOf = (name: string) => layout.entries.find((entry) => entry.name === name)?.offset;
    expect(muonMatrices(layout)).toEqual([
      { name: 'time_mlp.1.weight', offset: offsetOf('time_mlp.1.weight'), rows: 20, columns: 16 },
      { name: 'init_conv.weight', offset: offsetOf('init_conv.weight'), rows: 16, columns: 18 },
      { name: 'downs.0.wide.weight', offset: offsetOf('downs.0.wide.weight'), rows: 16, columns: 18 },
      { name: 'text_mlp.0.weight', offset: offsetOf('text_mlp.0.weight'), rows: 16, columns: 24 },
      {
        name: 'controller.detector.convs.1.weight',
        offset: offsetOf('controller.detector.convs.1.weight'),
        rows: 16,
        columns: 144,
      },
    ]);
    const alone = muonMatrices(layout, ['controller.detector.']).map(({ name }) => name);
    expect(alone).toEqual(['controller.detector.convs.1.weight']);
  });

  it.each(Object.keys(presets))('of preset %s are most of its network', (preset) => {
    const encoders = presets[preset]?.external ? { weights: 'clip.safetensors' } : undefined;
    const data = { roots: { photos: ['photos'] }, tasks: { haze: 0 }, patch: 32 };
    const loss = presets[preset]?.parameterisation === 'data' ? 'l1' : 'matching';
    const all = trainingLayout(graphOptions(parseTrainConfig({ preset, steps: 1, data, encoders, loss }, 'test')));
    const matrices = muonMatrices(all);
    const network = all.entries.filter(({ name }) => !/^(text\.|controller\.(?!detector\.))/.test(name));
    const count = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);
    const share = count(matrices.map(({ rows, columns }) => rows * columns)) / count(network.map(({ size }) => size));
    // Depthwise kernels, the last convolution, biases and gains are left.
    expect(share).toBeGreaterThan(0.75);
    expect(share).toBeLessThan(1);
    // Gains that a layer makes out of strengths (`grn.told`) come of a matrix like any other's.
    for (const { name } of matrices) expect(name).not.toMatch(/dwconv|norm|grn(?!\.told\.weight)|bias|final_conv/);
  });
});

type Matrix = number[][];
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, value, k) => sum + value * (b[k]?.[j] ?? 0), 0)));
const transposeOf = (a: Matrix): Matrix => (a[0] ?? []).map((_, j) => a.map((row) => row[j] ?? 0));
const combined = (a: Matrix, x: number, b: Matrix, y: number): Matrix =>
  a.map((row, i) => row.map((value, j) => x * value + y * (b[i]?.[j] ?? 0)));
const matrixOf = (values: readonly number[], rows: number): Matrix => {
  const columns = values.length / rows;
  return Array.from({ length: rows }, (_, i) => values.slice(i * columns, (i + 1) * columns));
};

/** The iteration in float64 and plain loops. */
function newtonSchulz(matrix: Matrix): Matrix {
  if (matrix.length > (matrix[0] ?? []).length) return transposeOf(newtonSchulz(transposeOf(matrix)));
  const length = Math.sqrt(matrix.flat().reduce((sum, value) => sum + value * value, 0));
  let x = matrix.map((row) => row.map((value) => value / length));
  for (let i = 0; i < 5; i++) {
    const gram = times(x, transposeOf(x));
    x = combined(x, 3.4445, times(combined(gram, -4.775, times(gram, gram), 2.0315), x), 1);
  }
  return x;
}

const normals = (count: number, ...stream: number[]) => {
  const draws = new Random(11, ...stream);
  return Float32Array.from({ length: count }, () => draws.normal());
};

describe('orthogonalising', () => {
  const orthogonal = async (values: Float32Array, shape: readonly number[]) => {
    const graph = new Graph();
    graph.output('y', orthogonalised(graph.input('x', shape)));
    return [...((await run(graph, { x: hostTensor(values, shape) })).y?.data ?? [])];
  };

  /** What the iteration makes of one singular value of a matrix of length 1. */
  const polynomial = (value: number) => {
    let s = value;
    for (let i = 0; i < 5; i++) s = 3.4445 * s - 4.775 * s ** 3 + 2.0315 * s ** 5;
    return s;
  };

  it.each([
    [20, 33],
    [33, 20],
    [24, 24],
  ])('maps the singular values of a matrix %i x %i and keeps its vectors', async (rows, columns) => {
    const values = normals(rows * columns, rows, columns);
    const result = await orthogonal(values, [1, rows, columns]);
    const given = matrixOf([...values], rows);
    expectClose('against plain loops', result, newtonSchulz(given).flat(), 2e-6);
    const { leftSingularVectors, rightSingularVectors, diagonal } = new SingularValueDecomposition(given, {
      autoTranspose: true,
    });
    const inItsVectors = times(
      times(transposeOf(leftSingularVectors.to2DArray()), matrixOf(result, rows)),
      rightSingularVectors.to2DArray(),
    );
    const length = Math.sqrt(diagonal.reduce((sum, value) => sum + value * value, 0));
    const expected = inItsVectors.map((row, i) =>
      row.map((_, j) => (i === j ? polynomial((diagonal[i] ?? 0) / length) : 0)),
    );
    expectClose('in the singular vectors', inItsVectors.flat(), expected.flat(), 2e-5);
  });

  it('brings singular values from 0.003 to 1 near 1', () => {
    const mapped = Array.from({ length: 1000 }, (_, i) => polynomial(0.003 + (0.997 * i) / 999));
    for (const value of mapped) expect(Math.abs(value - 0.95)).toBeLessThan(0.27);
  });

  it('treats the matrices of a batch apart, whatever their lengths', async () => {
    const [rows, columns] = [16, 20];
    const parts = [normals(rows * columns, 1).map((v) => 1e-4 * v), normals(rows * columns, 2).map((v) => 1e4 * v)];
    const batch = await orthogonal(Float32Array.from(parts.flatMap((part) => [...part])), [2, rows, columns]);
    const apart = parts.flatMap((part) => newtonSchulz(matrixOf([...part], rows)).flat());
    expectClose('batch', batch, apart, 2e-6);
  });

  it('leaves zeros, and what is hardly more, at nothing', async () => {
    expect(largest(await orthogonal(new Float32Array(256), [1, 16, 16]))).toBe(0);
    expect(
      largest(
        await orthogonal(
          normals(256, 3).map((v) => 1e-20 * v),
          [1, 16, 16],
        ),
      ),
    ).toBeLessThan(1e-9);
  });
});

/** Muon in float64 and plain loops: every vector after a step. */
function reference(
  { entries }: ParameterLayout,
  state: Record<string, number[]>,
  gradient: readonly number[],
  { rate, otherRate, decay, clip, step }: Readonly<Record<'rate' | 'otherRate' | 'decay' | 'clip' | 'step', number>>,
): void {
  const [b1, b2, eps] = [0.9, 0.99, 1e-8];
  const { parameters = [], momentum = [], variance = [], average = [] } = state;
  const scale = Math.min(1, clip / Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0)));
  const isMatrix = new Map(muonMatrices({ entries, size: gradient.length }).map((m) => [m.name, m]));
  for (const { name, offset, size } of entries) {
    const range = Array.from({ length: size }, (_, k) => offset + k);
    const g = range.map((k) => scale * (gradient[k] ?? 0));
    const m = range.map((k, i) => b1 * (momentum[k] ?? 0) + (1 - b1) * (g[i] ?? 0));
    const v = range.map((k, i) => b2 * (variance[k] ?? 0) + (1 - b2) * (g[i] ?? 0) ** 2);
    const matrix = isMatrix.get(name);
    const nesterov = m.map((value, i) => b1 * value + (1 - b1) * (g[i] ?? 0));
    const update = matrix
      ? newtonSchulz(matrixOf(nesterov, matrix.rows))
          .flat()
          .map((value) => rate * 0.2 * Math.sqrt(Math.max(matrix.rows, matrix.columns)) * value)
      : m.map((value, i) => {
          const root = Math.sqrt((v[i] ?? 0) / (1 - b2 ** (step + 1)));
          return (otherRate * value) / (1 - b1 ** (step + 1)) / (root + eps);
        });
    const shrink = 1 - (matrix ? rate : otherRate) * decay;
    range.forEach((k, i) => {
      parameters[k] = (parameters[k] ?? 0) * shrink - (update[i] ?? 0);
      momentum[k] = m[i] ?? 0;
      variance[k] = v[i] ?? 0;
      average[k] = 0.5 * (average[k] ?? 0) + 0.5 * (parameters[k] ?? 0);
    });
  }
}

it.each([
  { decay: 0, clip: Number.POSITIVE_INFINITY, otherRate: 0.02 },
  { decay: 0.2, clip: 40, otherRate: 0.005 },
])('every vector after each of four steps is that of plain loops: %o', async ({ decay, clip, otherRate }) => {
  const start = normals(layout.size, 1);
  const zeros = () => new Array<number>(layout.size).fill(0);
  const expected = { parameters: [...start], momentum: zeros(), variance: zeros(), average: [...start] };
  const settings = { betas: [0.9, 0.99], eps: 1e-8, weightDecay: decay, clipNorm: clip } as const;
  const rig = await Rig.open(engine, layout, { kind: 'muon', ...settings }, start);
  for (let step = 0; step < 4; step++) {
    const rate = 0.02 / (step + 1);
    const gradient = normals(layout.size, 2, step);
    await rig.step({ step, learningRate: rate, otherLearningRate: otherRate }, 0.5, gradient);
    reference(layout, expected, [...gradient], { rate, otherRate, decay, clip, step });
    const vectors = await rig.vectors();
    for (const [name, values] of Object.entries(expected)) {
      expectClose(`${name} after step ${step}`, vectors[name] ?? [], values, 3e-6 * Math.max(1, largest(values)));
    }
  }
  await rig.close();
});
