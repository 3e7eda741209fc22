/**
 * How a controller names what it sees: its embedding beside those of the names of degradations.
 *
 * @module
 */
import { combinationsOf } from '../degradations/combinations.ts';
import { wordsFor } from '../degradations/index.ts';
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import type { ControllerOutput } from './controller.ts';
import type { ControllerConfig } from './preset-schema.ts';

/** One way to name. Presence and probability are [M,D]; logits are [M,L] for L texts. */
interface Labelling {
  /** The texts whose embeddings pictures are compared with. */
  texts(degradations: readonly string[]): readonly string[];
  /** @param image e_d [M,C], @param texts embeddings [L,C] */
  logits(image: Tensor, texts: Tensor, degradations: number): Tensor;
  /** Logits -> probability of each degradation. */
  probabilities(logits: Tensor, degradations: number): Tensor;
}

/** Cosine times a learned scale, which starts at `initial`. */
function scaledCosine(image: Tensor, texts: Tensor, initial: number): Tensor {
  const { graph } = image;
  const scale = graph.scope('controller', () =>
    graph.parameter('logit_scale', [1], { kind: 'constant', value: Math.log(initial) }),
  );
  return f.mul(f.matMul(image, f.transpose(texts, [1, 0])), f.exp(scale));
}

/** Softmax over a text for every combination, as DA-CLIP; probabilities are its marginals. */
const combinations: Labelling = {
  texts: (degradations) =>
    combinationsOf(degradations).map((names) => (names.length === 0 ? 'clean' : names.join(' and '))),
  logits: (image, texts) => scaledCosine(image, texts, 20),
  probabilities(logits, degradations) {
    const count = dim(logits.shape, 1);
    const contains = Float32Array.from({ length: count * degradations }, (_, k) => {
      const [bits, i] = [Math.floor(k / degradations), k % degradations];
      return bits & (1 << i) ? 1 : 0;
    });
    return f.matMul(f.softmax(logits), logits.graph.constant(contains, [count, degradations], 'float32'));
  },
};

/** Share of pictures that a fresh head expects to show a degradation: about one in eight. */
const FIRST_BIAS = -2;

/** A yes or no for each degradation (as SigLIP, Zhai et al. 2023): it grows with their number, not with its power. */
const sigmoid: Labelling = {
  texts: (degradations) => degradations.map((name) => wordsFor(name).label),
  logits(image, texts, degradations) {
    const { graph } = image;
    const bias = graph.scope('controller', () =>
      graph.parameter('logit_bias', [degradations], { kind: 'constant', value: FIRST_BIAS }),
    );
    return f.add(scaledCosine(image, texts, 10), bias);
  },
  probabilities: (logits) => f.sigmoid(logits),
};

const labellings = { combinations, sigmoid } as const satisfies Record<string, Labelling>;

/** How a controller names; absent in its configuration: by combinations. */
export const labellingOf = ({ labels = 'combinations' }: ControllerConfig): Labelling => labellings[labels];

/** How strongly pictures are like each of the labels' texts [L,C], with what a detector adds: logits [M,L]. */
export function labelsLogits(
  { embedding, presence, strength }: ControllerOutput,
  texts: Tensor,
  config: ControllerConfig,
) {
  const logits = labellingOf(config).logits(embedding, texts, dim(strength.shape, 1));
  return presence ? f.add(logits, presence) : logits;
}

/** Row m is 1 at the combination of degradations that picture m has, [M,2^D], for presence [M,D]. */
export function combinationTargets(presence: Float32Array, degradations: number): Float32Array<ArrayBuffer> {
  const pictures = presence.length / degradations;
  const targets = new Float32Array(pictures * 2 ** degradations);
  for (let m = 0; m < pictures; m++) {
    let bits = 0;
    for (let i = 0; i < degradations; i++) if (presence[m * degradations + i]) bits |= 1 << i;
    targets[m * 2 ** degradations + bits] = 1;
  }
  return targets;
}
