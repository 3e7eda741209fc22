import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { emitModel } from '../../src/graph/onnx/emit.ts';
import { layoutOf } from '../../src/graph/parameters.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { clipTextTower, clipVisionTower } from '../../src/models/clip.ts';
import type { ClipConfig } from '../../src/models/clip-config.ts';
import { daclipPictures } from '../../src/models/daclip.ts';
import { l2Normalise } from '../../src/nn/functional.ts';
import { Engine, float32, floats } from '../../src/runtime/engine.ts';
import {
  type DataSpec,
  expectClose,
  type InputSpec,
  inputValues,
  readFixture,
  type WeightSpec,
  weightValues,
} from './fixture.ts';

interface Fixture {
  readonly config: {
    readonly embedDim: number;
    readonly vision: ClipConfig['vision'];
    readonly text: ClipConfig['text'];
    readonly activation: string;
  };
  readonly weights: readonly WeightSpec[];
  readonly inputs: { readonly image: InputSpec; readonly tokens: readonly (readonly number[])[] };
  readonly imageFeatures: DataSpec;
  readonly degradationFeatures: DataSpec;
  readonly imageFeaturesNormalised: DataSpec;
  readonly degradationFeaturesNormalised: DataSpec;
  readonly imageFeaturesWithoutControl: DataSpec;
  readonly textFeatures: DataSpec;
  readonly textFeaturesNormalised: DataSpec;
}

const fixture = readFixture<Fixture>('daclip');
const TOLERANCE = 2e-4;
const config: ClipConfig = {
  embedding: fixture.config.embedDim,
  activation: fixture.config.activation.startsWith('gelu') ? 'gelu' : 'quick-gelu',
  text: fixture.config.text,
  vision: fixture.config.vision,
};
const { tokens, image } = fixture.inputs;

/** All outputs that the fixture has, from one graph. */
function build(graph: Graph): Record<string, Tensor> {
  const pictures = graph.input('pictures', image.shape);
  const { content, degradation } = daclipPictures(pictures, config);
  const words = graph.input('tokens', [tokens.length, config.text.contextLength], 'int64');
  const text = clipTextTower(words, graph.input('ends', [tokens.length], 'int64'), config);
  return {
    imageFeatures: content,
    degradationFeatures: degradation,
    imageFeaturesNormalised: l2Normalise(content),
    degradationFeaturesNormalised: l2Normalise(degradation),
    imageFeaturesWithoutControl: clipVisionTower(pictures, config),
    textFeatures: text,
    textFeaturesNormalised: l2Normalise(text),
  };
}

describe('CLIP and DA-CLIP agree with PyTorch', () => {
  it('declare the parameters of the published checkpoint, name by name and shape by shape', () => {
    const { entries } = layoutOf(build);
    const ours = entries.map(({ name, shape }) => `${name} ${shape}`).sort();
    // Factors on cosines, which no tower reads.
    const theirs = fixture.weights.filter(({ name }) => !name.endsWith('logit_scale'));
    expect(ours).toEqual(theirs.map(({ name, shape }) => `${name} ${shape}`).sort());
  });

  it('text, pictures, controlled pictures and degradations, as whole tensors', async () => {
    const graph = new Graph();
    const outputs = build(graph);
    for (const [name, tensor] of Object.entries(outputs)) graph.output(name, tensor);
    const engine = new Engine();
    try {
      const session = await engine.load(emitModel(graph, weightValues(fixture.weights)));
      const ends = tokens.map((row, n) => BigInt(n * row.length + row.indexOf(Math.max(...row))));
      const run = await session.run({
        pictures: float32(inputValues(image), image.shape),
        tokens: {
          dtype: 'int64',
          shape: [tokens.length, config.text.contextLength],
          data: BigInt64Array.from(tokens.flat(), BigInt),
        },
        ends: { dtype: 'int64', shape: [tokens.length], data: BigInt64Array.from(ends) },
      });
      for (const name of Object.keys(outputs)) {
        const expected = fixture[name as 'imageFeatures'];
        expectClose(name, floats(run.outputs, name), expected.data, TOLERANCE);
      }
    } finally {
      await engine.close();
    }
  });
});
