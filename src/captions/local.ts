/**
 * Captions from a model on this machine, by @huggingface/transformers, which users install themselves: with its models it is
 * larger than the rest of this program.
 *
 * @module
 */
import type { PreTrainedModel, Processor, Tensor } from '@huggingface/transformers';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { importOptional } from '../optional-package.ts';
import { disableTelemetry } from '../runtime/onnx-runtime.ts';
import { type Captioner, type CaptionImage, DEFAULT_PROMPT, tidyCaption } from './captioner.ts';
import { type Library, loadLocalModel, type Precision } from './local-model.ts';

/** Small enough for a CPU: 256 million parameters. */
export const DEFAULT_LOCAL_MODEL = 'HuggingFaceTB/SmolVLM-256M-Instruct';

export interface LocalOptions {
  /** Name on the hub, or a folder with the model's files. */
  readonly model?: string | undefined;
  readonly prompt?: string | undefined;
  /** Most tokens of an answer. */
  readonly maxTokens?: number | undefined;
  /** Element type of the weights, as the library names them. */
  readonly precision?: Precision | undefined;
  /** Ends the loading, with its downloads. */
  readonly signal?: AbortSignal | undefined;
}

const PACKAGE = '@huggingface/transformers';

/** Processors that take the picture before the words; the others take the words first. */
const PICTURE_FIRST = ['Lfm2VlProcessor', 'LlavaProcessor', 'PaliGemmaProcessor', 'PixtralProcessor'] as const;

/** Runs its models on ONNX Runtime, like everything here, and loads it itself. */
async function importLibrary(): Promise<Library> {
  await disableTelemetry();
  return import('@huggingface/transformers');
}

/** A vision-language model with a chat template, one picture at a time. */
export class LocalCaptioner implements Captioner {
  readonly name: string;
  readonly #options: LocalOptions;
  readonly #library: Library;
  readonly #processor: Processor;
  readonly #model: PreTrainedModel;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(options: LocalOptions, library: Library, processor: Processor, model: PreTrainedModel) {
    this.name = options.model ?? DEFAULT_LOCAL_MODEL;
    this.#options = options;
    this.#library = library;
    this.#processor = processor;
    this.#model = model;
  }

  /**
   * Loads a model. One of the hub is downloaded once, unless CLEARWORD_OFFLINE is set.
   *
   * @param load imports the package
   * @throws ClearwordError PACKAGE_MISSING, CAPTION_FAILED, CANCELLED
   */
  static async open(options: LocalOptions = {}, load: () => Promise<Library> = importLibrary): Promise<LocalCaptioner> {
    const library = await importOptional('captions by a model on this machine', load, [PACKAGE]);
    const { model = DEFAULT_LOCAL_MODEL, precision = 'q8', signal } = options;
    const { processor, network } = await loadLocalModel(library, model, precision, signal);
    return new LocalCaptioner(options, library, processor, network);
  }

  caption(image: CaptionImage, signal?: AbortSignal): Promise<string> {
    // One after the other: each generation takes all cores.
    const next = this.#queue.then(() => this.#describe(image, signal));
    this.#queue = next.catch(() => undefined);
    return next;
  }

  async #describe(image: CaptionImage, signal: AbortSignal | undefined): Promise<string> {
    throwIfCancelled(signal, 'the caption');
    const stop = new this.#library.InterruptableStoppingCriteria();
    // Looked at after every token.
    const interrupt = () => stop.interrupt();
    signal?.addEventListener('abort', interrupt);
    let answer: string;
    try {
      answer = await this.#generate(image, stop);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ClearwordError('CAPTION_FAILED', `model ${this.name}: expected a caption, but ${reason}`, { cause });
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
    throwIfCancelled(signal, 'the caption');
    const caption = tidyCaption(answer);
    if (caption !== '') return caption;
    throw new ClearwordError('CAPTION_FAILED', `model ${this.name}: expected a caption, but the answer was empty`);
  }

  async #generate({ jpeg }: CaptionImage, stop: InstanceType<Library['StoppingCriteria']>): Promise<string> {
    const { prompt = DEFAULT_PROMPT, maxTokens = 80 } = this.#options;
    const content = [{ type: 'image' }, { type: 'text', text: prompt }];
    const question = this.#processor.apply_chat_template([{ role: 'user', content }], { add_generation_prompt: true });
    const inputs = await this.#inputs(String(question), jpeg);
    const settings = { max_new_tokens: maxTokens, do_sample: false, stopping_criteria: stop };
    const tokens = (await this.#model.generate({ ...inputs, ...settings })) as Tensor;
    // The answer follows the question.
    const answer = tokens.slice(null, [inputs.input_ids.dims.at(-1) ?? 0, tokens.dims.at(-1) ?? 0]);
    return this.#processor.batch_decode(answer, { skip_special_tokens: true })[0] ?? '';
  }

  /** What the model takes: the tokens of the question, and the picture in the size and values that it was trained on. */
  async #inputs(question: string, jpeg: Uint8Array): Promise<{ readonly input_ids: Tensor }> {
    const library = this.#library;
    const processor = this.#processor;
    const picture = await library.RawImage.fromBlob(new Blob([Buffer.from(jpeg)], { type: 'image/jpeg' }));
    if (PICTURE_FIRST.some((name) => processor instanceof library[name])) return processor([picture], question);
    // One sentence needs the picture as a whole; its enlarged parts, which are for small print, take many times as long.
    if (processor instanceof library.Idefics3Processor) {
      return processor(question, [picture], { do_image_splitting: false });
    }
    return processor(question, [picture]);
  }

  async dispose(): Promise<void> {
    await this.#queue;
    await this.#model.dispose();
  }
}
