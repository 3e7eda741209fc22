/**
 * Captions from a model on this machine, by @huggingface/transformers, which users install themselves: with its models it is
 * larger than the rest of this program.
 *
 * @module
 */
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { type Captioner, type CaptionImage, DEFAULT_PROMPT, tidyCaption } from './captioner.ts';

/** Small enough for a CPU: 256 million parameters. */
export const DEFAULT_LOCAL_MODEL = 'HuggingFaceTB/SmolVLM-256M-Instruct';

export interface LocalOptions {
  /** Name on the hub, or a folder with the model's files. */
  readonly model?: string | undefined;
  readonly prompt?: string | undefined;
  readonly maxTokens?: number | undefined;
  /** Element type of the weights, as the library names them. */
  readonly precision?: 'fp32' | 'fp16' | 'q8' | 'q4' | undefined;
}

/** The part of the library that is used. */
interface Library {
  readonly AutoProcessor: { from_pretrained(model: string): Promise<Processor> };
  readonly AutoModelForImageTextToText: {
    from_pretrained(model: string, options: { dtype: string }): Promise<LanguageModel>;
  };
  readonly RawImage: { fromBlob(blob: Blob): Promise<unknown> };
  readonly env: { allowRemoteModels: boolean; allowLocalModels: boolean };
}

interface Processor {
  (text: string, images: readonly unknown[], options?: object): Promise<Inputs>;
  apply_chat_template(messages: readonly object[], options: { add_generation_prompt: boolean }): string;
  batch_decode(tokens: unknown, options: { skip_special_tokens: boolean }): string[];
}

interface Inputs {
  readonly input_ids: { readonly dims: readonly number[] };
}

interface Tokens {
  slice(...ranges: readonly (null | readonly [number, number | null])[]): unknown;
}

interface LanguageModel {
  generate(options: object): Promise<Tokens>;
  dispose(): Promise<unknown>;
}

/** In a variable, so that neither the compiler nor a bundler asks for a package that need not be there. */
const PACKAGE = '@huggingface/transformers';

async function loadLibrary(): Promise<Library> {
  try {
    return (await import(PACKAGE)) as Library;
  } catch (cause) {
    throw new ClearwordError(
      'CAPTION_FAILED',
      `expected the package ${PACKAGE} for captions on this machine, found none`,
      {
        fix: `Install it with \`npm install ${PACKAGE}\`, or give --endpoint with a service's address.`,
        cause,
      },
    );
  }
}

/** A vision-language model with a chat template, one picture at a time. */
export class LocalCaptioner implements Captioner {
  readonly name: string;
  readonly #options: LocalOptions;
  readonly #library: Library;
  readonly #processor: Processor;
  readonly #model: LanguageModel;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(options: LocalOptions, library: Library, processor: Processor, model: LanguageModel) {
    this.name = options.model ?? DEFAULT_LOCAL_MODEL;
    this.#options = options;
    this.#library = library;
    this.#processor = processor;
    this.#model = model;
  }

  /**
   * Loads a model; the library downloads it once, unless CLEARWORD_OFFLINE is set.
   *
   * @param library stands in for the package in tests
   * @throws ClearwordError CAPTION_FAILED
   */
  static async open(options: LocalOptions = {}, library?: Library): Promise<LocalCaptioner> {
    const found = library ?? (await loadLibrary());
    const { model = DEFAULT_LOCAL_MODEL, precision = 'q8' } = options;
    if (process.env.CLEARWORD_OFFLINE) found.env.allowRemoteModels = false;
    found.env.allowLocalModels = true;
    try {
      const processor = await found.AutoProcessor.from_pretrained(model);
      const network = await found.AutoModelForImageTextToText.from_pretrained(model, { dtype: precision });
      return new LocalCaptioner(options, found, processor, network);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ClearwordError('CAPTION_FAILED', `model ${model}: expected to load it, but ${reason}`, { cause });
    }
  }

  caption(image: CaptionImage, signal?: AbortSignal): Promise<string> {
    // One after the other: each generation takes all cores.
    const next = this.#queue.then(() => this.#generate(image, signal));
    this.#queue = next.catch(() => undefined);
    return next;
  }

  async #generate({ jpeg }: CaptionImage, signal: AbortSignal | undefined): Promise<string> {
    throwIfCancelled(signal, 'the caption');
    const { prompt = DEFAULT_PROMPT, maxTokens = 80 } = this.#options;
    try {
      const picture = await this.#library.RawImage.fromBlob(new Blob([Buffer.from(jpeg)], { type: 'image/jpeg' }));
      const content = [{ type: 'image' }, { type: 'text', text: prompt }];
      const text = this.#processor.apply_chat_template([{ role: 'user', content }], { add_generation_prompt: true });
      const inputs = await this.#processor(text, [picture]);
      const tokens = await this.#model.generate({ ...inputs, max_new_tokens: maxTokens, do_sample: false });
      // The answer follows the question.
      const answer = tokens.slice(null, [inputs.input_ids.dims.at(-1) ?? 0, null]);
      const caption = tidyCaption(this.#processor.batch_decode(answer, { skip_special_tokens: true })[0] ?? '');
      if (caption !== '') return caption;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ClearwordError('CAPTION_FAILED', `model ${this.name}: expected a caption, but ${reason}`, { cause });
    }
    throw new ClearwordError('CAPTION_FAILED', `model ${this.name}: expected a caption, but the answer was empty`);
  }

  async dispose(): Promise<void> {
    await this.#queue;
    await this.#model.dispose();
  }
}
