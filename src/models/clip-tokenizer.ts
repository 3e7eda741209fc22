/**
 * CLIP's byte-pair tokenizer (Radford et al. 2021), by the tokenizer library of the models' publishers, which is given the
 * bundled vocabulary.
 *
 * Two differences from the original, neither of which changes ordinary text: it repairs wrongly decoded text and HTML
 * entities first, where this one only normalises (NFC); and words that look like its marks (`<|endoftext|>`) are text here, so
 * that a prompt cannot end itself early.
 *
 * @module
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { ClearwordError } from '../errors.ts';

/** Byte pairs that the published vocabulary file has and the models use: 49408 less 2 x 256 bytes and two marks. */
export const CLIP_VOCABULARY_SIZE = 49408;
const BYTE_TOKENS = 512;
const MARKS = ['<|startoftext|>', '<|endoftext|>'];

/** Words, one digit at a time, and runs of other signs; English contractions apart. */
const WORDS = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** The printable signs that stand for the 256 bytes, in the vocabulary's order (GPT-2's: printable bytes first). */
function byteSigns(): string[] {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const printable = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
  const others = range(0, 255).length - printable.length;
  return [...printable, ...range(256, 255 + others)].map((code) => String.fromCodePoint(code));
}

export class ClipTokenizer {
  readonly size: number;
  readonly #tokenizer: Tokenizer;

  /**
   * @param merges text of the vocabulary: a header line, then one pair of tokens a line, the most frequent first
   * @param size tokens in all; a smaller vocabulary (for small models) has the same tokens up to its last pair
   */
  constructor(merges: string, size = CLIP_VOCABULARY_SIZE) {
    const count = size - BYTE_TOKENS - MARKS.length;
    const pairs = merges.split('\n').slice(1, 1 + Math.max(0, count));
    if (count < 0 || pairs.length < count || pairs.some((pair) => pair.split(' ').length !== 2)) {
      const message = `CLIP vocabulary: expected ${count} pairs of tokens for ${size} tokens, received ${pairs.length}`;
      throw new ClearwordError('MODEL_INVALID', message);
    }
    const signs = byteSigns();
    const tokens = [...signs, ...signs.map((sign) => `${sign}</w>`), ...pairs.map((pair) => pair.replace(' ', ''))];
    const normalizers = [
      { type: 'NFC' },
      { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
      { type: 'Lowercase' },
    ];
    const pretokenizers = [
      { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ];
    // Ends of words become spaces: what is read is shown in its own form, not exactly in the text's.
    const decoders = [
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      { type: 'Replace', pattern: { String: '</w>' }, content: ' ' },
    ];
    const model = {
      type: 'BPE',
      vocab: Object.fromEntries([...tokens, ...MARKS].map((token, id) => [token, id])),
      merges: pairs.map((pair) => pair.split(' ')),
      unk_token: MARKS[1],
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      byte_fallback: false,
    };
    this.size = size;
    this.#tokenizer = new Tokenizer(
      {
        version: '1.0',
        added_tokens: [],
        normalizer: { type: 'Sequence', normalizers },
        pre_tokenizer: { type: 'Sequence', pretokenizers },
        post_processor: null,
        decoder: { type: 'Sequence', decoders },
        model,
      },
      {},
    );
  }

  /** The mark before a text. */
  get start(): number {
    return this.size - 2;
  }

  /** The mark after a text: the largest id, by which models find the end. */
  get end(): number {
    return this.size - 1;
  }

  /** Token ids of a text with its two marks, at most `contextLength`; what is too long loses its end, not its end mark. */
  encode(text: string, contextLength: number): number[] {
    const { ids } = this.#tokenizer.encode(text, { add_special_tokens: false });
    return [this.start, ...ids.slice(0, contextLength - 2), this.end];
  }

  /** The end of a text that `encode` leaves out, as the tokenizer writes it, and its number of tokens; 0 where it fits. */
  unread(text: string, contextLength: number): { readonly tokens: number; readonly text: string } {
    const { ids } = this.#tokenizer.encode(text, { add_special_tokens: false });
    const rest = ids.slice(contextLength - 2);
    if (rest.length === 0) return { tokens: 0, text: '' };
    const decoded = this.#tokenizer.decode(rest, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
    return { tokens: rest.length, text: decoded.trim() };
  }

  /** Texts as the text tower takes them, [N, contextLength], padded with 0. */
  encodeAll(texts: readonly string[], contextLength: number): BigInt64Array {
    const tokens = new BigInt64Array(texts.length * contextLength);
    texts.forEach((text, n) => {
      this.encode(text, contextLength).forEach((id, i) => {
        tokens[n * contextLength + i] = BigInt(id);
      });
    });
    return tokens;
  }
}
