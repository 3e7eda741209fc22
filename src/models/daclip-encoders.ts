/**
 * CLIP's text tower and DA-CLIP's controller as the encoders of a model.
 *
 * @module
 */

import { float32, floats, type InferenceEngine } from '../runtime/session.ts';
import { judge } from './calibration.ts';
import type { ExternalEncoders } from './clip-config.ts';
import { clipPicture } from './clip-picture.ts';
import type { ClipTokenizer } from './clip-tokenizer.ts';
import { clipTextGraph, daclipGraph } from './daclip.ts';
import type { Findings, ModelEncoders, PictureViews } from './model.ts';
import { Sessions } from './sessions.ts';

/** Prompts whose embeddings are kept: the same one is given for many pictures. */
const MOST_TEXTS = 256;

interface TextFeatures {
  /** e_c, [embedding]. */
  readonly embedding: Float32Array;
  /** The same at unit length. */
  readonly direction: Float32Array;
}

export class DaclipEncoders implements ModelEncoders {
  readonly inspectionSide: number;
  readonly #config: ExternalEncoders;
  readonly #tokenizer: ClipTokenizer;
  readonly #towers: { readonly text: Sessions; readonly controller: Sessions };
  readonly #texts = new Map<string, Promise<TextFeatures>>();
  #names: Promise<Float32Array> | undefined;

  /** @param values of the text tower and the controller, by the names of `daclip.ts` */
  constructor(
    config: ExternalEncoders,
    values: ReadonlyMap<string, Float32Array>,
    tokenizer: ClipTokenizer,
    engine: InferenceEngine,
  ) {
    this.#config = config;
    this.#tokenizer = tokenizer;
    const part = (isPart: (name: string) => boolean) =>
      new Sessions(engine, new Map([...values].filter(([name]) => isPart(name))), { once: true });
    const isText = (name: string) => name.startsWith('clip.text.');
    this.#towers = { text: part(isText), controller: part((name) => !isText(name)) };
    this.inspectionSide = config.clip.vision.imageSize;
  }

  async encodeText(prompt: string): Promise<Float32Array> {
    return (await this.#text(prompt)).embedding;
  }

  /**
   * The controller tells which of the degradations that it was trained with a picture has, one of them at a time: the
   * probability of noise is the sum over the words for it. It does not say how strong a degradation is; the probability
   * stands for that, too.
   */
  async inspect({ close }: PictureViews, signal?: AbortSignal): Promise<Findings> {
    return this.inspectPrepared(clipPicture(close, this.inspectionSide), signal);
  }

  /** @param picture as `clipPicture` gives it, [3,S,S] */
  async inspectPrepared(picture: Float32Array, signal?: AbortSignal): Promise<Findings> {
    const words = this.#words();
    const session = await this.#towers.controller.get('controller', (graph) =>
      daclipGraph(graph, this.#config, 1, words.length),
    );
    this.#names ??= this.#nameDirections();
    const { imageSize } = this.#config.clip.vision;
    const feeds = {
      pictures: float32(picture, [1, 3, imageSize, imageSize]),
      names: float32(await this.#names, [words.length, this.#config.clip.embedding]),
    };
    const { outputs } = await session.run(feeds, signal);
    const probabilities = floats(outputs, 'probability');
    const { clean: _, other: __, ...named } = this.#config.names;
    const found = Object.keys(named).map((name) => {
      const probability = words.reduce((sum, { kind }, i) => sum + (kind === name ? (probabilities[i] ?? 0) : 0), 0);
      return [name, judge({ probability, strength: probability })] as const;
    });
    return { degradations: Object.fromEntries(found), embedding: floats(outputs, 'embedding') };
  }

  /** The words for everything that the controller tells apart, with what they stand for. */
  #words(): { readonly kind: string; readonly word: string }[] {
    return Object.entries(this.#config.names).flatMap(([kind, words]) => words.map((word) => ({ kind, word })));
  }

  async #nameDirections(): Promise<Float32Array> {
    const words = this.#words();
    const { embedding } = this.#config.clip;
    const all = new Float32Array(words.length * embedding);
    for (const [i, { word }] of words.entries()) all.set((await this.#text(word)).direction, i * embedding);
    return all;
  }

  #text(prompt: string): Promise<TextFeatures> {
    const known = this.#texts.get(prompt);
    if (known) return known;
    const [oldest] = this.#texts.keys();
    if (this.#texts.size >= MOST_TEXTS && oldest !== undefined) this.#texts.delete(oldest);
    const features = this.#encode(prompt);
    this.#texts.set(prompt, features);
    features.catch(() => this.#texts.delete(prompt));
    return features;
  }

  async #encode(prompt: string): Promise<TextFeatures> {
    const { contextLength } = this.#config.clip.text;
    const session = await this.#towers.text.get('text', (graph) => clipTextGraph(graph, this.#config, 1));
    const end = this.#tokenizer.encode(prompt, contextLength).length - 1;
    const { outputs } = await session.run({
      tokens: { dtype: 'int64', shape: [1, contextLength], data: this.#tokenizer.encodeAll([prompt], contextLength) },
      ends: { dtype: 'int64', shape: [1], data: BigInt64Array.of(BigInt(end)) },
    });
    return { embedding: floats(outputs, 'embedding'), direction: floats(outputs, 'direction') };
  }
}
