/**
 * Embeddings of training batches by encoders from outside, each computed once and kept on disk.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../atomic-file.ts';
import type { Batch } from '../data/batch.ts';
import { decodePixels, type Pixels } from '../data/picture-store.ts';
import { defaultCache } from '../hub/download.ts';
import { clipPicture, clipSquare, type PixelRows, standardise } from '../models/clip-picture.ts';
import type { DaclipEncoders } from '../models/daclip-encoders.ts';
import { type LoadEncodersOptions, loadEncoders } from '../models/load-encoders.ts';
import { isPlainPreset, type TrainedPreset } from '../models/plain/presets.ts';
import { Engine } from '../runtime/engine.ts';
import type { TrainConfig } from './config.ts';
import type { Embeddings } from './step.ts';

/** Rows of a decoded 8-bit picture. */
function rowsOf({ width, height, data }: Pixels): PixelRows {
  return {
    width,
    height,
    read(y, row) {
      for (let i = 0; i < 3 * width; i++) row[i] = data[3 * y * width + i] ?? 0;
    },
  };
}

/**
 * e_c of the prompts and e_d of the degraded pictures of a batch.
 *
 * Where the degraded picture is a file, e_d is that of the whole picture, as it is when a picture is restored; it is computed
 * once and kept. The authors embed each random crop anew. Where the degradation was made for the sample there is only the
 * crop, whose e_d is computed in every step.
 */
export class BatchEmbeddings {
  readonly #engine: Engine;
  readonly #encoders: DaclipEncoders;
  readonly #context: number;
  readonly #folder: string;
  readonly #known = new Map<string, Promise<Float32Array>>();

  private constructor(engine: Engine, encoders: DaclipEncoders, context: number, folder: string) {
    this.#engine = engine;
    this.#encoders = encoders;
    this.#context = context;
    this.#folder = folder;
  }

  /** Nothing for a preset with its own encoders, or without any need of them; else loads those that the configuration names. */
  static async open(
    config: TrainConfig,
    preset: TrainedPreset,
    { onDownload, signal }: LoadEncodersOptions = {},
  ): Promise<BatchEmbeddings | undefined> {
    if (isPlainPreset(preset)) return undefined;
    const { external, fusion } = preset;
    const { encoders } = config;
    if (!external || !encoders) return undefined;
    const engine = new Engine({ threads: config.threads });
    try {
      const loaded = await loadEncoders(engine, external, encoders.weights, { onDownload, signal });
      // Embeddings of other encoders lie in another folder.
      const folder = join(encoders.cache ?? join(defaultCache(), 'embeddings'), loaded.hash.slice(0, 16));
      return new BatchEmbeddings(engine, loaded.encoders, fusion.context, folder);
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  async of(batch: Batch, patch: number): Promise<Embeddings> {
    const count = batch.prompts.length;
    const [text, degradation] = [new Float32Array(count * this.#context), new Float32Array(count * this.#context)];
    for (let n = 0; n < count; n++) {
      text.set(await this.#text(batch.prompts[n] ?? ''), n * this.#context);
      const file = batch.files?.[n] ?? null;
      degradation.set(file === null ? await this.#crop(batch, n, patch) : await this.#picture(file), n * this.#context);
    }
    return { text, degradation };
  }

  #text(prompt: string): Promise<Float32Array> {
    return this.#kept('text', prompt, () => this.#encoders.encodeText(prompt));
  }

  async #picture(file: string): Promise<Float32Array> {
    // A file that was replaced is another picture.
    const { size, mtimeMs } = await stat(file);
    return this.#kept('picture', `${resolve(file)} ${size} ${mtimeMs}`, async () => {
      const square = clipSquare(rowsOf(await decodePixels(file, 3)), this.#encoders.inspectionSide);
      return (await this.#encoders.inspectPrepared(standardise(square))).embedding;
    });
  }

  async #crop({ input }: Batch, n: number, patch: number): Promise<Float32Array> {
    const size = 3 * patch * patch;
    const raster = {
      width: patch,
      height: patch,
      data: Float32Array.from(input.subarray(n * size, (n + 1) * size), (v) => v / 255),
    };
    const picture = clipPicture(raster, this.#encoders.inspectionSide);
    return (await this.#encoders.inspectPrepared(picture)).embedding;
  }

  /** From memory, from the disk, or computed and written there. */
  #kept(kind: string, key: string, compute: () => Promise<Float32Array>): Promise<Float32Array> {
    const name = `${kind}-${createHash('sha256').update(key).digest('hex')}.f32`;
    const known = this.#known.get(name);
    if (known) return known;
    const embedding = this.#stored(join(this.#folder, name), compute);
    this.#known.set(name, embedding);
    embedding.catch(() => this.#known.delete(name));
    return embedding;
  }

  async #stored(path: string, compute: () => Promise<Float32Array>): Promise<Float32Array> {
    const bytes = await readFile(path).catch(() => undefined);
    // A file of another length was not written by this program.
    if (bytes?.length === 4 * this.#context) return new Float32Array(new Uint8Array(bytes).buffer);
    const embedding = await compute();
    const data = new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength);
    await writeFileAtomic(path, data, { overwrite: true });
    return embedding;
  }
}
