/**
 * A whole vision-language model of a few kilobytes as a folder, in the form in which the hub has them for
 * `@huggingface/transformers`: configurations, a byte-pair tokenizer with a chat template, and networks.
 *
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  decoder,
  embedTokens,
  HEAD_WIDTH,
  HEADS,
  type KnownTokens,
  PATCH,
  PICTURE_TOKENS,
  SIDE,
  visionEncoder,
  WIDTH,
} from './tiny-captioner-networks.ts';

export interface TinyCaptionerOptions {
  /** Its processor: SmolVLM's takes the words first, LLaVA's the picture. */
  readonly family?: 'idefics3' | 'llava';
  /** End of the names of the networks' files, which stands for their precision. */
  readonly suffix?: string;
}

/** Words that are one token each. The tokenizer writes spaces as Ġ. */
const WORDS = ['Ġa', 'Ġdark', 'Ġbright', 'Ġphoto', 'Ġword', 'Ġeverything'] as const;

const SPECIAL = ['<|im_start|>', '<end_of_utterance>', '<fake_token_around_image>', '<global-img>', '<image>'] as const;

/** The characters that stand for the 256 bytes (GPT-2's bytes_to_unicode): printable ones for themselves. */
function byteCharacters(): string[] {
  const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let other = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : other++));
}

/** Every word is put together from the left, a character at a time. */
const MERGES = WORDS.flatMap((word) =>
  [...word].slice(1).map((character, i): [string, string] => [word.slice(0, i + 1), character]),
);
const VOCABULARY = [...new Set([...byteCharacters(), ...MERGES.map((pair) => pair.join(''))])];

const numberOf = (token: (typeof WORDS)[number] | ':') => VOCABULARY.indexOf(token);
const specialNumber = (token: (typeof SPECIAL)[number]) => VOCABULARY.length + SPECIAL.indexOf(token);

const KNOWN: KnownTokens = {
  colon: numberOf(':'),
  a: numberOf('Ġa'),
  dark: numberOf('Ġdark'),
  bright: numberOf('Ġbright'),
  photo: numberOf('Ġphoto'),
  word: numberOf('Ġword'),
  everything: numberOf('Ġeverything'),
  end: specialNumber('<end_of_utterance>'),
};
const SIZE = VOCABULARY.length + SPECIAL.length;

/** SmolVLM's. */
const CHAT_TEMPLATE =
  '<|im_start|>{% for message in messages %}{{message["role"] | capitalize}}' +
  '{% if message["content"][0]["type"] == "image" %}{{":"}}{% else %}{{": "}}{% endif %}' +
  '{% for line in message["content"] %}{% if line["type"] == "text" %}{{line["text"]}}' +
  '{% elif line["type"] == "image" %}{{ "<image>" }}{% endif %}{% endfor %}<end_of_utterance>\n' +
  '{% endfor %}{% if add_generation_prompt %}{{ "Assistant:" }}{% endif %}';

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: SPECIAL.map((content) => ({
    id: specialNumber(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: byteLevel,
  post_processor: null,
  decoder: byteLevel,
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries(VOCABULARY.map((token, id) => [token, id])),
    merges: MERGES,
  },
};

const tokenizerConfig = {
  tokenizer_class: 'GPT2Tokenizer',
  bos_token: '<|im_start|>',
  eos_token: '<end_of_utterance>',
  pad_token: '<|im_start|>',
  clean_up_tokenization_spaces: false,
  chat_template: CHAT_TEMPLATE,
};

/** Values 0 to 255 become -1 to 1. */
const normalisation = {
  do_convert_rgb: true,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
  do_resize: true,
  resample: 2,
};

const FAMILIES = {
  idefics3: {
    config: { architectures: ['Idefics3ForConditionalGeneration'], image_token_id: specialNumber('<image>') },
    preprocessor: {
      ...normalisation,
      processor_class: 'Idefics3Processor',
      image_processor_type: 'Idefics3ImageProcessor',
      size: { longest_edge: 4 * SIDE },
      max_image_size: { longest_edge: SIDE },
      do_image_splitting: true,
      do_pad: true,
    },
    processor: { processor_class: 'Idefics3Processor', image_seq_len: PICTURE_TOKENS },
  },
  llava: {
    config: { architectures: ['LlavaForConditionalGeneration'], image_token_index: specialNumber('<image>') },
    preprocessor: {
      ...normalisation,
      processor_class: 'LlavaProcessor',
      image_processor_type: 'CLIPImageProcessor',
      size: { shortest_edge: SIDE },
      do_center_crop: true,
      crop_size: { width: SIDE, height: SIDE },
    },
    processor: {
      processor_class: 'LlavaProcessor',
      image_token: '<image>',
      patch_size: PATCH,
      num_additional_image_tokens: 0,
    },
  },
} as const;

/**
 * Writes the model. It says "a dark photo" or "a bright photo"; only the second word if the question has the word "word"; and
 * "photo photo ..." up to the most tokens if the question has "everything".
 */
export async function writeTinyCaptioner(folder: string, options: TinyCaptionerOptions = {}): Promise<void> {
  const { family = 'idefics3', suffix = '_quantized' } = options;
  const { config, preprocessor, processor } = FAMILIES[family];
  const special = { bos_token_id: specialNumber('<|im_start|>'), eos_token_id: KNOWN.end };
  const text_config = {
    model_type: 'llama',
    vocab_size: SIZE,
    hidden_size: WIDTH,
    num_hidden_layers: 1,
    num_attention_heads: HEADS,
    num_key_value_heads: HEADS,
    head_dim: HEAD_WIDTH,
  };
  const documents = {
    'config.json': { model_type: family, ...config, ...special, text_config },
    'generation_config.json': special,
    'preprocessor_config.json': preprocessor,
    'processor_config.json': processor,
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': tokenizerConfig,
  };
  const networks = {
    vision_encoder: visionEncoder(family),
    embed_tokens: embedTokens(KNOWN, SIZE),
    decoder_model_merged: decoder(KNOWN, SIZE),
  };
  await mkdir(join(folder, 'onnx'), { recursive: true });
  await Promise.all([
    ...Object.entries(documents).map(([name, value]) => writeFile(join(folder, name), JSON.stringify(value))),
    ...Object.entries(networks).map(([name, bytes]) => writeFile(join(folder, 'onnx', `${name}${suffix}.onnx`), bytes)),
  ]);
}
