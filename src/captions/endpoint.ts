/**
 * Captions from any service with OpenAI's chat interface: Ollama, vLLM, llama.cpp, or MiniGPT-4 behind one.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { type Captioner, type CaptionImage, DEFAULT_PROMPT, tidyCaption } from './captioner.ts';

export interface EndpointOptions {
  /** Base address, such as http://localhost:11434/v1. */
  readonly url: string;
  readonly model: string;
  readonly prompt?: string | undefined;
  /** Sent as a bearer token. */
  readonly key?: string | undefined;
  /** Most tokens of an answer. */
  readonly maxTokens?: number | undefined;
  /** Tries in all; the wait between them doubles from `retryDelay` milliseconds, or is what the service asks for. */
  readonly tries?: number | undefined;
  readonly retryDelay?: number | undefined;
  /** Longest wait for one answer, milliseconds. */
  readonly timeout?: number | undefined;
}

const answerSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullable() }) })).min(1),
});

/** Why a try failed, and whether another may succeed. */
class TryFailed extends Error {
  readonly passing: boolean;
  /** Milliseconds that the service asks to wait. */
  readonly wait: number | undefined;
  constructor(message: string, passing: boolean, wait?: number) {
    super(message);
    this.passing = passing;
    this.wait = wait;
  }
}

/** Longest that a service may make us wait before the next try. */
const LONGEST_WAIT = 60_000;

export class EndpointCaptioner implements Captioner {
  readonly name: string;
  readonly #options: EndpointOptions;
  readonly #address: string;

  /** @throws ClearwordError INVALID_OPTION if the address is none */
  constructor(options: EndpointOptions) {
    if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol)) {
      throw new ClearwordError(
        'INVALID_OPTION',
        `expected an http or https address for the endpoint, received ${options.url}`,
      );
    }
    this.#options = options;
    this.#address = `${options.url.replace(/\/+$/, '')}/chat/completions`;
    this.name = options.model;
  }

  async caption(image: CaptionImage, signal?: AbortSignal): Promise<string> {
    const { tries = 4, retryDelay = 1000 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      throwIfCancelled(signal, 'the caption');
      try {
        return await this.#ask(image, signal);
      } catch (error) {
        throwIfCancelled(signal, 'the caption');
        const failed = error instanceof TryFailed ? error : new TryFailed(reasonOf(error), true);
        if (!failed.passing || attempt >= tries) {
          throw new ClearwordError('CAPTION_FAILED', `${this.#address}: expected a caption, but ${failed.message}`, {
            cause: error,
          });
        }
        const wait = Math.min(LONGEST_WAIT, failed.wait ?? retryDelay * 2 ** (attempt - 1));
        await sleep(wait, undefined, signal ? { signal } : {}).catch(() => undefined);
      }
    }
  }

  async #ask({ jpeg }: CaptionImage, signal: AbortSignal | undefined): Promise<string> {
    const { model, prompt = DEFAULT_PROMPT, key, maxTokens = 120, timeout = 120_000 } = this.#options;
    const image = `data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`;
    const content = [
      { type: 'text', text: prompt },
      { type: 'image_url', image_url: { url: image } },
    ];
    const limit = AbortSignal.timeout(timeout);
    const response = await fetch(this.#address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ model, temperature: 0, max_tokens: maxTokens, messages: [{ role: 'user', content }] }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    const text = await response.text();
    if (!response.ok) {
      const passing = response.status === 408 || response.status === 429 || response.status >= 500;
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
      const wait = seconds >= 0 ? 1000 * seconds : undefined;
      throw new TryFailed(`the service answered ${response.status}: ${text.slice(0, 200)}`, passing, wait);
    }
    const caption = tidyCaption(contentOf(text));
    if (caption === '') throw new TryFailed('the answer was empty', true);
    return caption;
  }

  async dispose(): Promise<void> {
    // There is nothing to free: the model is the service's.
  }
}

function contentOf(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TryFailed(`the answer was not JSON: ${text.slice(0, 80)}`, false);
  }
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) throw new TryFailed("the answer had not the form of OpenAI's chat interface", false);
  return parsed.data.choices[0]?.message.content ?? '';
}

/** fetch hides what happened in the cause of its error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
