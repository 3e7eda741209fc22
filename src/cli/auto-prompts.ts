/**
 * `--prompt auto`: the prompt of each photo is a caption of it.
 *
 * @module
 */
import { captionImage } from '../captions/caption-files.ts';
import type { Captioner } from '../captions/captioner.ts';
import { isConfigured, openCaptioner } from '../captions/open.ts';
import { ClearwordError } from '../errors.ts';
import { limitsFor } from '../restore/options.ts';
import type { RestoreCommandOptions } from './restore-options.ts';

/** The prompt that stands for a caption. */
export const AUTO = 'auto';

/** Opens the captioner with the first photo, and asks it about each. */
export class AutoPrompts {
  readonly #given: RestoreCommandOptions;
  readonly #signal: AbortSignal;
  #captioner: Promise<Captioner> | undefined;

  /** @throws ClearwordError INVALID_OPTION if nothing says which captioner to use */
  constructor(given: RestoreCommandOptions, signal: AbortSignal) {
    this.#given = given;
    this.#signal = signal;
    if (isConfigured(this.#options())) return;
    throw new ClearwordError('INVALID_OPTION', 'expected a captioning model for --prompt auto, received none', {
      fix: 'Give --caption-endpoint and --caption-model, or --caption-model alone for a model on this machine.',
    });
  }

  /** The caption of a file. Errors: those of reading pictures, CAPTION_FAILED, CANCELLED. */
  readonly of = async (input: string): Promise<string> => {
    this.#captioner ??= openCaptioner({ ...this.#options(), signal: this.#signal });
    const captioner = await this.#captioner;
    const image = await captionImage(input, limitsFor(this.#given.maxMegapixels), this.#signal);
    return captioner.caption(image, this.#signal);
  };

  async dispose(): Promise<void> {
    await (await this.#captioner?.catch(() => undefined))?.dispose();
  }

  #options() {
    return { endpoint: this.#given.captionEndpoint, model: this.#given.captionModel };
  }
}
