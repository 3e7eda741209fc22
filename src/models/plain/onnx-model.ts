/**
 * A network out of an ONNX file that maps a picture to a picture.
 *
 * @module
 */
import { ClearwordError } from '../../errors.ts';
import type { Raster } from '../../image/raster.ts';
import type { HostTensor } from '../../runtime/protocol.ts';
import type { InferenceEngine, Session } from '../../runtime/session.ts';
import type { PlainModel, PlainTileOptions, Tiling } from '../model.ts';
import type { Descriptor } from './descriptor.ts';
import { fromOutput, tensorOf, toInput, valuesOf } from './pixels.ts';
import type { NoiseInput, Reading } from './reading.ts';
import { readingText } from './reading-text.ts';

/** A file that was checked and understood. */
export interface OnnxModelParts {
  /** Of the whole model, see `checkedOnnxFile`. */
  readonly bytes: Uint8Array;
  readonly reading: Reading;
  /** What was said about it, from all places. */
  readonly descriptor: Descriptor;
  /** SHA-256 of the bytes, hex. */
  readonly hash: string;
}

interface Loaded {
  readonly hash: string;
  readonly stated: Descriptor;
  readonly session: Session;
  readonly engine: InferenceEngine;
}

export class OnnxModel implements PlainModel {
  readonly name: string;
  readonly hash: string;
  readonly tiling: Tiling;
  readonly defaultTile: number;
  readonly takesNoiseLevel: boolean;
  readonly noiseLevel: number | undefined;
  readonly reading: string;
  /** What was said about it. */
  readonly stated: Descriptor;
  readonly #reading: Reading;
  readonly #loaded: Loaded;

  private constructor(reading: Reading, loaded: Loaded) {
    const { hash, stated } = loaded;
    this.name = reading.name;
    this.hash = hash;
    this.stated = stated;
    this.tiling = reading.tiling;
    this.defaultTile = reading.tile;
    this.takesNoiseLevel = reading.noise !== undefined;
    this.noiseLevel = reading.noise?.level;
    this.reading = readingText(reading);
    this.#reading = reading;
    this.#loaded = loaded;
  }

  /**
   * Loads a checked file into an engine, which is the model's from then on.
   *
   * @throws ClearwordError RUNTIME_FAILED
   */
  static async load(
    { bytes, reading, hash, descriptor: stated }: OnnxModelParts,
    engine: InferenceEngine,
  ): Promise<OnnxModel> {
    const session = await explained(
      engine.load(bytes),
      `model ${reading.name}: expected a network that the runtime loads, received: `,
      'If it does not know an operator or its version, export the network for an older operator set (opset_version=17); if memory ran out, close other programs.',
    );
    return new OnnxModel(reading, { hash, stated, session, engine });
  }

  /** How pixels are scaled, and what of the whole reading was guessed. */
  get scaling(): Pick<Reading, 'range' | 'outputRange' | 'guessed'> {
    return this.#reading;
  }

  /** The same network, read otherwise. */
  readAs(changes: Partial<Pick<Reading, 'range' | 'outputRange' | 'residual'>>): OnnxModel {
    return new OnnxModel({ ...this.#reading, ...changes }, this.#loaded);
  }

  async restoreTile(tile: Raster, { noiseLevel, signal }: PlainTileOptions = {}): Promise<Float32Array> {
    const { input, output, noise } = this.#reading;
    const level = noise && noise.scale * (noiseLevel ?? noise.level);
    const feeds: Record<string, HostTensor> = {
      [input.name]: toInput(tile, this.#reading, noise?.form === 'plane' ? level : undefined),
    };
    if (noise && level !== undefined && noise.form !== 'plane') feeds[noise.name] = noiseTensor(noise, level, tile);
    const { outputs } = await this.#run(feeds, tile, signal);
    const result = outputs[output];
    const values = result && valuesOf(result);
    if (result === undefined || values === undefined) {
      throw new ClearwordError(
        'MODEL_INVALID',
        `model ${this.name}: expected pixels from the output ${output}, received ${result?.dtype ?? 'none'}`,
      );
    }
    this.#checkShape(result.shape, tile);
    return fromOutput(values, tile, this.#reading);
  }

  #run(feeds: Record<string, HostTensor>, { width, height }: Raster, signal: AbortSignal | undefined) {
    return explained(
      this.#loaded.session.run(feeds, signal),
      `model ${this.name}, tile of ${width} x ${height}: `,
      'Give it a smaller --tile if memory ran out; if the network takes other sizes, `clearword inspect-model` finds the multiple.',
    );
  }

  #checkShape(shape: readonly number[], { width, height }: Raster): void {
    const { layout, channels } = this.#reading;
    const count = channels === 'y' ? 1 : 3;
    const expected = layout === 'nchw' ? [1, count, height, width] : [1, height, width, count];
    if (shape.length === 4 && shape.every((side, axis) => side === expected[axis])) return;
    const grown = (shape[layout === 'nchw' ? 2 : 1] ?? 0) / height;
    const enlarges = grown > 1 && Number.isInteger(grown);
    const received = enlarges ? `[${shape}], which is ${grown} times as large` : `[${shape}]`;
    throw new ClearwordError(
      'MODEL_INVALID',
      `model ${this.name}: expected a result [${expected}] for a picture of ${width} x ${height}, received ${received}`,
      {
        fix: enlarges
          ? 'Use a network that keeps the size of pictures (scale 1); docs/other-models.md says which can be used.'
          : 'Use a network whose result is one picture, with the size and the colours of what it was given; if it takes other sizes, `clearword inspect-model` finds the multiple.',
      },
    );
  }

  async dispose(): Promise<void> {
    await this.#loaded.engine.close();
  }
}

/** Says of what the runtime refuses which network it was, and what may help. */
async function explained<T>(work: Promise<T>, where: string, fix: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ClearwordError) || error.code !== 'RUNTIME_FAILED') throw error;
    throw new ClearwordError('RUNTIME_FAILED', `${where}${error.message}`, { fix, cause: error });
  }
}

/** The noise level as an input of its own. */
function noiseTensor({ form, layout, shape, type }: NoiseInput, level: number, { width, height }: Raster): HostTensor {
  if (form === 'value') return tensorOf(Float32Array.of(level), shape, type);
  const sides = layout === 'nchw' ? [1, 1, height, width] : [1, height, width, 1];
  return tensorOf(new Float32Array(width * height).fill(level), sides, type);
}
