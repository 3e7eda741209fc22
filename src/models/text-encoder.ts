/**
 * The compact text encoder: captions and instructions as unit vectors.
 *
 * Words are read through hashed pieces (the word itself and its character n-grams, Bojanowski et al. 2017), so that an
 * unknown or misspelt word still lands near its relatives; a small transformer then reads their order, because "remove
 * the rain, keep the haze" and its reverse have the same words.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { attention, l2Normalise, mergeHeads, splitHeads } from '../nn/functional.ts';
import { layerNorm, linear } from '../nn/layers.ts';
import type { TextEncoderConfig } from './preset-schema.ts';

/** Row 0 of the table is padding, row 1 the start of the text; hashed pieces share the rest. */
const START = 1;
const RESERVED = 2;
const SMALLEST_GRAM = 3;
const LARGEST_GRAM = 5;

/** Pieces of a batch of texts, as the encoder's graph takes them. */
export interface EncodedTexts {
  /** Rows of the table, [N, words, pieces]; 0 is padding. */
  readonly pieces: BigInt64Array;
  /** 1 / number of pieces of the word, or 0 for padding, [N, words, pieces]. */
  readonly weights: Float32Array;
  /** 0 where there is a word, a large negative number where there is none, [N, words]. */
  readonly mask: Float32Array;
}

/** Words are runs of letters, runs of digits, and the marks that order phrases. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/\p{L}+(?:['’]\p{L}+)?|\p{N}+|[,.;:!?+&-]/gu) ?? []
  );
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

function piecesOf(word: string, { buckets, pieces }: TextEncoderConfig): number[] {
  const marked = `<${word}>`;
  const grams = [marked];
  for (let size = SMALLEST_GRAM; size <= LARGEST_GRAM; size++) {
    for (let i = 0; i + size <= marked.length; i++) grams.push(marked.slice(i, i + size));
  }
  const rows = [...new Set(grams)].map((gram) => RESERVED + (hash(gram) % (buckets - RESERVED)));
  return rows.slice(0, pieces);
}

/** Texts as inputs of {@link textEncoder}. Words beyond the limit are left out. */
export function encodeTexts(texts: readonly string[], config: TextEncoderConfig): EncodedTexts {
  const { words, pieces } = config;
  const encoded = {
    pieces: new BigInt64Array(texts.length * words * pieces),
    weights: new Float32Array(texts.length * words * pieces),
    mask: new Float32Array(texts.length * words).fill(-1e9),
  };
  texts.forEach((text, n) => {
    const rows = [[START], ...wordsOf(text).map((word) => piecesOf(word, config))].slice(0, words);
    rows.forEach((row, word) => {
      const place = n * words + word;
      encoded.mask[place] = 0;
      row.forEach((piece, i) => {
        encoded.pieces[place * pieces + i] = BigInt(piece);
        encoded.weights[place * pieces + i] = 1 / row.length;
      });
    });
  });
  return encoded;
}

export interface TextInputs {
  readonly pieces: Tensor;
  readonly weights: Tensor;
  readonly mask: Tensor;
}

/** Declares the inputs of the encoder for n texts: `<prefix>.pieces`, `.weights` and `.mask`. */
export function textInputs(
  x: Tensor['graph'],
  prefix: string,
  n: number,
  { words, pieces }: TextEncoderConfig,
): TextInputs {
  return {
    pieces: x.input(`${prefix}.pieces`, [n, words, pieces], 'int64'),
    weights: x.input(`${prefix}.weights`, [n, words, pieces]),
    mask: x.input(`${prefix}.mask`, [n, words]),
  };
}

/** Values for {@link textInputs}. */
export function textFeeds(prefix: string, texts: readonly string[], config: TextEncoderConfig) {
  const { words, pieces } = config;
  const encoded = encodeTexts(texts, config);
  const shape = [texts.length, words, pieces];
  return {
    [`${prefix}.pieces`]: { dtype: 'int64', shape, data: encoded.pieces },
    [`${prefix}.weights`]: { dtype: 'float32', shape, data: encoded.weights },
    [`${prefix}.mask`]: { dtype: 'float32', shape: [texts.length, words], data: encoded.mask },
  } as const;
}

export interface TextEncoding {
  /** e_c, [N,out], unit length. */
  readonly embedding: Tensor;
  /** Logits that the text asks to remove each degradation, [N,degradations]; a training aid and a check for users. */
  readonly intent: Tensor;
}

/**
 * Texts as unit vectors [N,out]: word vectors as means of their pieces, positions added, pre-norm transformer layers
 * under the mask, mean over the words, Linear.
 */
export function textEncoder(
  inputs: TextInputs,
  { buckets, width, layers, heads, words }: TextEncoderConfig,
  { out, degradations }: { out: number; degradations: number },
): TextEncoding {
  const { graph } = inputs.pieces;
  const n = dim(inputs.mask.shape, 0);
  return graph.scope('text', () => {
    const table = graph.parameter('pieces', [buckets, width], { kind: 'normal', std: 0.5 });
    const vectors = f.gather(table, inputs.pieces);
    const words0 = f.reduceSum(f.mul(vectors, f.reshape(inputs.weights, [n, words, -1, 1])), [2]);
    let h = f.add(words0, graph.parameter('positions', [words, width], { kind: 'normal', std: 0.1 }));
    const mask = f.reshape(inputs.mask, [n, 1, 1, words]);
    for (let layer = 0; layer < layers; layer++) {
      h = graph.scope(`layers.${layer}`, () => transformerLayer(h, mask, heads));
    }
    const present = f.reshape(f.exp(inputs.mask), [n, words, 1]);
    const mean = f.div(f.reduceSum(f.mul(layerNorm(h, 'norm', 1e-5), present), [1]), f.reduceSum(present, [1]));
    return { embedding: l2Normalise(linear(mean, 'projection', out)), intent: linear(mean, 'intent', degradations) };
  });
}

function transformerLayer(x: Tensor, mask: Tensor, heads: number): Tensor {
  const width = dim(x.shape, -1);
  const normal = layerNorm(x, 'norm1', 1e-5);
  const qkv = f.split(linear(normal, 'qkv', 3 * width), -1, [width, width, width]) as [Tensor, Tensor, Tensor];
  const [q, k, v] = qkv.map((part) => splitHeads(part, heads)) as [Tensor, Tensor, Tensor];
  const attended = f.add(x, linear(mergeHeads(attention(q, k, v, mask)), 'out', width));
  const hidden = f.gelu(linear(layerNorm(attended, 'norm2', 1e-5), 'up', 2 * width));
  return f.add(attended, linear(hidden, 'down', width));
}
