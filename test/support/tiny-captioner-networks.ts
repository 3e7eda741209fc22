/**
 * The networks of a vision-language model that sees whether a photo is dark or bright: a patch embedding, a table of token
 * embeddings, and a decoder of one attention layer with a cache. Its weights are written by hand, so that what it says is
 * known; nothing else is different from a trained model of a few million times the size.
 *
 * @module
 */
import { NetworkFile } from './network-file.ts';

/** What each of the numbers that stand for a token means. */
const CHANNELS = [
  /** 1 in every token. */
  'one',
  /** 1 in a part of the picture. */
  'picture',
  /** Mean of that part, -1 (black) to 1 (white). */
  'brightness',
  /** What comes after this token: the first, second, third word, or the end. */
  'first',
  'second',
  'third',
  'end',
  /** The question has a word that asks for a short, or an endless answer. */
  'short',
  'endless',
  /** What the three heads of the attention found: the mean of the picture, and whether the two words are there. */
  'seenBrightness',
  'seenShort',
  'seenEndless',
] as const;
type Channel = (typeof CHANNELS)[number];
const at = (channel: Channel) => CHANNELS.indexOf(channel);

export const WIDTH = CHANNELS.length;
export const HEADS = 3;
export const HEAD_WIDTH = 2;
/** Side of the picture, and of its square parts. */
export const SIDE = 16;
export const PATCH = 8;
export const PICTURE_TOKENS = (SIDE / PATCH) ** 2;

/** Numbers of the tokens that mean something. */
export interface KnownTokens {
  /** Ends the question. */
  readonly colon: number;
  readonly a: number;
  readonly dark: number;
  readonly bright: number;
  readonly photo: number;
  /** Ends the answer. */
  readonly end: number;
  /** Asks for a short answer. */
  readonly word: number;
  /** Asks for an endless one. */
  readonly everything: number;
}

type Entry = readonly [row: number, column: number, value: number];

function matrix(rows: number, columns: number, entries: readonly Entry[]): Float32Array {
  const data = new Float32Array(rows * columns);
  for (const [row, column, value] of entries) data[row * columns + column] = value;
  return data;
}

/** pixel_values [N,3,H,W], or of idefics3 [B,N,3,H,W] with a mask [B,N,H,W], to image_features [N,PICTURE_TOKENS,WIDTH]. */
export function visionEncoder(family: 'idefics3' | 'llava'): Uint8Array {
  const net = new NetworkFile();
  const { apply } = bound(net);
  let pixels: string;
  if (family === 'idefics3') {
    const dims = ['batch_size', 'num_images', 3, 'height', 'width'];
    const given = net.input('pixel_values', 'float32', dims);
    const mask = net.input('pixel_attention_mask', 'bool', ['batch_size', 'num_images', 'height', 'width']);
    // Padding is black in the middle of the range: it says nothing.
    const kept = apply('Unsqueeze', [apply('Cast', [mask], { to: 1 }), net.ints(2)]);
    pixels = apply('Reshape', [apply('Mul', [given, kept]), net.ints(-1, 3, SIDE, SIDE)]);
  } else {
    pixels = net.input('pixel_values', 'float32', ['num_images', 3, 'height', 'width']);
  }
  const values = 3 * PATCH * PATCH;
  const mean = Array.from({ length: values }, (_, i): Entry => [at('brightness'), i, 1 / values]);
  const weights = net.floats(matrix(WIDTH, values, mean), [WIDTH, 3, PATCH, PATCH]);
  const bias = net.floats(
    matrix(1, WIDTH, [
      [0, at('one'), 1],
      [0, at('picture'), 1],
    ]),
    [WIDTH],
  );
  const patches = apply('Conv', [pixels, weights, bias], { kernel_shape: [PATCH, PATCH], strides: [PATCH, PATCH] });
  const rows = apply('Reshape', [patches, net.ints(0, WIDTH, PICTURE_TOKENS)]);
  const features = apply('Transpose', [rows], { perm: [0, 2, 1] });
  net.output('image_features', 'float32', ['num_images', PICTURE_TOKENS, WIDTH], features);
  return net.bytes();
}

/** input_ids [B,S] to inputs_embeds [B,S,WIDTH]. */
export function embedTokens(known: KnownTokens, vocabulary: number): Uint8Array {
  const net = new NetworkFile();
  const ones = Array.from({ length: vocabulary }, (_, token): Entry => [token, at('one'), 1]);
  const meanings: readonly (readonly [number, Channel])[] = [
    [known.colon, 'first'],
    [known.a, 'second'],
    [known.dark, 'third'],
    [known.bright, 'third'],
    [known.photo, 'end'],
    [known.word, 'short'],
    [known.everything, 'endless'],
  ];
  const table = [...ones, ...meanings.map(([token, channel]): Entry => [token, at(channel), 1])];
  const ids = net.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  const embeddings = net.apply('Gather', [net.floats(matrix(vocabulary, WIDTH, table), [vocabulary, WIDTH]), ids]);
  net.output('inputs_embeds', 'float32', ['batch_size', 'sequence_length', WIDTH], embeddings);
  return net.bytes();
}

/**
 * What a token's channels say for each next token. The answer is "a dark photo" or "a bright photo"; "dark" or "bright" if it
 * is to be short; and "photo photo photo ..." if it is to have no end.
 */
function wordsOf({ a, dark, bright, photo, end }: KnownTokens): Entry[] {
  const entry = (channel: Channel, token: number, value: number): Entry => [at(channel), token, value];
  const adjective = (token: number, sign: number) => [
    entry('second', token, 10),
    entry('seenShort', token, 8),
    entry('third', token, -20),
    entry('seenBrightness', token, 4 * sign),
  ];
  return [
    entry('first', a, 10),
    entry('seenShort', a, -10),
    ...adjective(dark, -1),
    ...adjective(bright, 1),
    entry('third', photo, 10),
    entry('seenShort', photo, -10),
    entry('seenEndless', photo, 40),
    entry('end', end, 10),
    entry('seenShort', end, 6),
  ];
}

/** The decoder: what the tokens so far, and those in the cache, say for the next. */
export function decoder(known: KnownTokens, vocabulary: number): Uint8Array {
  const net = new NetworkFile();
  const { apply } = bound(net);
  const past = ['batch_size', HEADS, 'past_sequence_length', HEAD_WIDTH];
  const x = net.input('inputs_embeds', 'float32', ['batch_size', 'sequence_length', WIDTH]);
  const attended = net.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length']);
  const positions = net.input('position_ids', 'int64', ['batch_size', 'sequence_length']);
  const pastKey = net.input('past_key_values.0.key', 'float32', past);
  const pastValue = net.input('past_key_values.0.value', 'float32', past);

  const inner = HEADS * HEAD_WIDTH;
  const linear = (input: string, rows: number, columns: number, entries: readonly Entry[]) =>
    apply('MatMul', [input, net.floats(matrix(rows, columns, entries), [rows, columns])]);
  /** [B,S,WIDTH] to [B,HEADS,S,HEAD_WIDTH]; head h reads one channel, times a factor. */
  const heads = (channels: readonly Channel[], factor: number) => {
    const entries = channels.map((channel, head): Entry => [at(channel), head * HEAD_WIDTH, factor]);
    const rows = apply('Reshape', [linear(x, WIDTH, inner, entries), net.ints(0, 0, HEADS, HEAD_WIDTH)]);
    return apply('Transpose', [rows], { perm: [0, 2, 1, 3] });
  };
  // Every token looks for the picture and for the two words; exp(20) is as good as nothing else.
  const query = heads(['one', 'one', 'one'], 20);
  const key = apply('Concat', [pastKey, heads(['picture', 'short', 'endless'], 1)], { axis: 2 });
  const value = apply('Concat', [pastValue, heads(['brightness', 'short', 'endless'], 1)], { axis: 2 });
  const scores = apply('MatMul', [query, apply('Transpose', [key], { perm: [0, 1, 3, 2] })]);

  // Position of each key [B,1,1,T]; a query sees those up to its own [B,1,S,1] that the mask has.
  const keyPositions = apply('Sub', [apply('CumSum', [attended, net.ints(1)]), net.ints(1)]);
  const earlier = apply('LessOrEqual', [
    apply('Unsqueeze', [keyPositions, net.ints(1, 2)]),
    apply('Unsqueeze', [positions, net.ints(1, 3)]),
  ]);
  const present = apply('Cast', [apply('Unsqueeze', [attended, net.ints(1, 2)])], { to: 9 });
  const visible = apply('And', [earlier, present]);
  const hidden = net.floats(Float32Array.of(-1e9), []);
  const weights = apply('Softmax', [apply('Where', [visible, scores, hidden])], { axis: -1 });

  const mixed = apply('Transpose', [apply('MatMul', [weights, value])], { perm: [0, 2, 1, 3] });
  const found = (['seenBrightness', 'seenShort', 'seenEndless'] as const).map(
    (channel, head): Entry => [head * HEAD_WIDTH, at(channel), 1],
  );
  const joined = apply('Reshape', [mixed, net.ints(0, 0, inner)]);
  const state = apply('Add', [x, linear(joined, inner, WIDTH, found)]);
  const logits = linear(state, WIDTH, vocabulary, wordsOf(known));
  net.output('logits', 'float32', ['batch_size', 'sequence_length', vocabulary], logits);
  const total = ['batch_size', HEADS, 'total_sequence_length', HEAD_WIDTH];
  net.output('present.0.key', 'float32', total, key);
  net.output('present.0.value', 'float32', total, value);
  return net.bytes();
}

const bound = (net: NetworkFile) => ({ apply: net.apply.bind(net) });
