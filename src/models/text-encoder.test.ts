import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphRunner } from '../../test/support/graph-run.ts';
import { spread } from '../../test/support/ndarray.ts';
import { Graph } from '../graph/graph.ts';
import { layoutOf } from '../graph/parameters.ts';
import { encodeTexts, textEncoder, textFeeds, textInputs, wordsOf } from './text-encoder.ts';

const run = graphRunner();
const config = { buckets: 256, width: 16, layers: 2, heads: 2, words: 12, pieces: 6 };
const out = 24;

const build = (graph: Graph, count: number) =>
  textEncoder(textInputs(graph, 'texts', count, config), config, { out, degradations: 3 });

/** Any values do, as long as no two are alike: what is tested holds for every set of parameters. */
const parameters = new Map(
  layoutOf((graph) => build(graph, 1)).entries.map(({ name, size }, i) => {
    const scale = name === 'text.pieces' ? 1 : 0.5;
    return [name, Float32Array.from(spread(size, -scale, scale, 0.173 * i))];
  }),
);

/** Embeddings of texts that are encoded in one batch. */
async function embed(...texts: string[]): Promise<number[][]> {
  const graph = new Graph();
  const { embedding, intent } = build(graph, texts.length);
  graph.output('embedding', embedding);
  graph.output('intent', intent);
  const { embedding: found, intent: asked } = await run(graph, textFeeds('texts', texts, config), parameters);
  expect(asked?.shape).toEqual([texts.length, 3]);
  return texts.map((_, n) => [...(found?.data.slice(n * out, (n + 1) * out) ?? [])]);
}

const cosine = (a: readonly number[] = [], b: readonly number[] = []) =>
  a.reduce((sum, value, k) => sum + value * (b[k] as number), 0);
/** Float32 results of one text in batches of different sizes may differ in their last bits. */
const SAME = 1e-5;
const distance = (a: readonly number[] = [], b: readonly number[] = []) =>
  a.reduce((top, value, k) => Math.max(top, Math.abs(value - (b[k] as number))), 0);

describe('words', () => {
  it.each<readonly [string, readonly string[]]>([
    ['', []],
    ['   \n\t', []],
    ['Remove the RAIN!', ['remove', 'the', 'rain', '!']],
    ['haze+rain, keep noise.', ['haze', '+', 'rain', ',', 'keep', 'noise', '.']],
    ["don't touch the sky", ["don't", 'touch', 'the', 'sky']],
    ['sigma 50', ['sigma', '50']],
    ['Ｆｕｌｌ ｗｉｄｔｈ', ['full', 'width']],
    ['entferne Nebel über dem Fluß', ['entferne', 'nebel', 'über', 'dem', 'fluß']],
    ['去除 雨', ['去除', '雨']],
    ['🌧️ ☔', []],
  ])('of %j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });
});

describe('encoded texts', () => {
  const { words, pieces, buckets } = config;
  const rowsOf = (text: string, word: number): bigint[] => [
    ...encodeTexts([text], config).pieces.slice(word * pieces, (word + 1) * pieces),
  ];

  it('start with a mark of their own and are padded behind their words', () => {
    const { mask, weights } = encodeTexts(['', 'remove rain'], config);
    expect([...mask].map((value) => (value === 0 ? 1 : 0))).toEqual([
      ...[1, ...Array.from({ length: words - 1 }, () => 0)],
      ...[1, 1, 1, ...Array.from({ length: words - 3 }, () => 0)],
    ]);
    expect(rowsOf('', 0)).toEqual(rowsOf('anything else', 0));
    expect(weights[0]).toBe(1);
  });

  it('know a word again wherever it stands, and whatever its case', () => {
    expect(rowsOf('rain', 1)).toEqual(rowsOf('Remove the Rain', 3));
    expect(rowsOf('rain', 1)).not.toEqual(rowsOf('haze', 1));
  });

  it('share pieces between an unknown word and its relatives', () => {
    const shared = (a: string, b: string) => {
      const known = new Set(rowsOf(a, 1).filter((row) => row !== 0n));
      return rowsOf(b, 1).filter((row) => known.has(row)).length;
    };
    expect(shared('raindrop', 'raindrops')).toBeGreaterThan(3);
    expect(shared('haze', 'hazze')).toBeGreaterThan(0);
  });

  it('of any text are sound: rows of the table, weights that sum to one for each word', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 80 }), { minLength: 1, maxLength: 3 }), (texts) => {
        const encoded = encodeTexts(texts, config);
        expect(encoded.pieces.every((row) => row >= 0n && row < BigInt(buckets))).toBe(true);
        encoded.mask.forEach((hidden, place) => {
          const weights = encoded.weights.slice(place * pieces, (place + 1) * pieces);
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          expect(total).toBeCloseTo(hidden === 0 ? 1 : 0, 5);
        });
        texts.forEach((_, n) => {
          expect(encoded.mask[n * words]).toBe(0);
        });
      }),
    );
  });

  it('of a very long text are cut to the limit', () => {
    const { mask } = encodeTexts(['rain '.repeat(100_000), 'a'.repeat(100_000)], config);
    expect([...mask.slice(0, words)]).toEqual(Array.from({ length: words }, () => 0));
    expect([...mask.slice(words, words + 3)].map((value) => value === 0)).toEqual([true, true, false]);
  });
});

describe('embeddings', () => {
  it('are unit vectors, also of texts with no word in them', async () => {
    for (const embedding of await embed('', '☔', 'remove the rain', 'x '.repeat(50))) {
      expect(Math.sqrt(cosine(embedding, embedding))).toBeCloseTo(1, 5);
    }
  });

  it('do not depend on the texts beside them', async () => {
    const text = 'remove the noise';
    const [alone] = await embed(text);
    const [long, beside, short] = await embed('one two three four five six seven eight nine ten', text, '');
    expect(distance(beside, alone)).toBeLessThan(SAME);
    expect(distance(long, alone)).toBeGreaterThan(0.01);
    expect(distance(short, alone)).toBeGreaterThan(0.01);
  });

  it('read as many words as the limit, of which the start takes one place', async () => {
    const words = Array.from({ length: 20 }, (_, i) => `word${'abcdefghijklmnopqrst'[i]}`);
    const first = (count: number) => words.slice(0, count).join(' ');
    const [cut, exact, shorter] = await embed(first(20), first(config.words - 1), first(config.words - 2));
    expect(distance(cut, exact)).toBeLessThan(SAME);
    expect(distance(cut, shorter)).toBeGreaterThan(0.001);
  });

  it('tell word orders apart', async () => {
    const [a, b] = await embed('remove the rain, keep the haze', 'remove the haze, keep the rain');
    expect(distance(a, b)).toBeGreaterThan(0.001);
  });

  it('of an unknown form of a word lie nearer to it than those of another word', async () => {
    const [word, form, other] = await embed('raindrops', 'raindrop', 'fog');
    expect(cosine(word, form)).toBeGreaterThan(cosine(word, other));
  });
});
