/**
 * Pictures that came out of a restoration in a browser.
 *
 * @module
 */

import { ClearwordError } from '../errors.ts';
import { joinAlpha, type Picture, type RawPixels } from '../image/picture.ts';
import type { Findings } from '../models/model.ts';
import type { Decision } from '../restore/policy.ts';
import type { Provenance } from '../restore/provenance.ts';
import type { BlobSettings, BrowserRole, ImageParts } from './encode.ts';
import type { KeptMetadata } from './file-metadata.ts';
import type { RestoredParts } from './protocol.ts';

export type { BlobSettings, BrowserRole } from './encode.ts';

export class BrowserImage {
  readonly role: BrowserRole;
  /** What was done. */
  readonly provenance: Provenance;
  readonly #parts: ImageParts;

  constructor(parts: ImageParts) {
    this.role = parts.role;
    this.provenance = parts.provenance;
    this.#parts = parts;
  }

  get width(): number {
    return this.#parts.picture.width;
  }

  get height(): number {
    return this.#parts.picture.height;
  }

  /** Interleaved pixels, alpha last. Without alpha they are shared with this object, not copied. */
  pixels(): RawPixels {
    const { picture } = this.#parts;
    const { width, height, channels, alpha } = picture;
    const all = (alpha === undefined ? channels : channels + 1) as RawPixels['channels'];
    return { width, height, channels: all, data: joinAlpha(picture) };
  }

  /** For a canvas: 8-bit RGBA. */
  toImageData(): ImageData {
    const { width, height, channels, data, alpha } = this.#parts.picture;
    const image = new ImageData(width, height);
    const shift = data.BYTES_PER_ELEMENT === 1 ? 0 : 8;
    const green = channels === 1 ? 0 : 1;
    const blue = channels === 1 ? 0 : 2;
    for (let i = 0; i < width * height; i++) {
      const from = i * channels;
      image.data[4 * i] = (data[from] as number) >> shift;
      image.data[4 * i + 1] = (data[from + green] as number) >> shift;
      image.data[4 * i + 2] = (data[from + blue] as number) >> shift;
      image.data[4 * i + 3] = alpha === undefined ? 255 : (alpha[i] as number) >> shift;
    }
    return image;
  }

  /**
   * A file, with the input's EXIF and XMP and a record of what was done: of a picture that was left unchanged the input's own
   * file, if neither another format nor a quality is asked for.
   *
   * @throws ClearwordError INVALID_OPTION if this browser does not write the format, OUTPUT_UNWRITABLE
   */
  async toBlob(settings: BlobSettings = {}): Promise<Blob> {
    // With the packages behind it it is half of what a page would have to load at the start.
    const { encodePicture } = await import('./encode.ts');
    return encodePicture(this.#parts, () => this.toImageData(), settings);
  }
}

/** A result in the form that IndexedDB and messages carry: see `BrowserResult.stored`. */
export type StoredResult = Omit<RestoredParts, 'samples'>;

/** Everything that one restoration gives; it is itself the picture: the restoration, or the mean of several samples. */
export class BrowserResult extends BrowserImage {
  /** What the controller found in the input. */
  readonly findings: Findings;
  /** What was done, and why: whether anything was changed, what went, what was left alone, and how the prompt was read. */
  readonly decision: Decision;
  /** One picture per seed, when several were asked for; else empty. */
  readonly samples: readonly BrowserImage[];
  /** With several samples: their standard deviation in grey, and the factor that its values were brightened by. */
  readonly uncertainty?: { readonly image: BrowserImage; readonly scale: number };
  readonly #stored: StoredResult;

  constructor({ samples, ...stored }: RestoredParts) {
    const { mean, uncertainty, findings, decision, provenance, kept, file } = stored;
    super({ picture: mean, role: provenance.samples > 1 ? 'mean' : 'restored', provenance, kept, file });
    this.#stored = stored;
    this.findings = findings;
    this.decision = decision;
    this.samples = samples.map((picture, k) => {
      const own = { ...provenance, seed: provenance.seed + k, samples: 1 };
      return new BrowserImage({ picture, role: 'sample', provenance: own, kept });
    });
    if (uncertainty === undefined) return;
    const { picture, scale } = uncertainty;
    // A picture about the picture: a photo's EXIF does not belong to it.
    const own: KeptMetadata = { format: undefined };
    const image = new BrowserImage({ picture, role: 'uncertainty', provenance, kept: own, details: { scale } });
    this.uncertainty = { image, scale };
  }

  /**
   * The picture with a part of the change: before + amount * (after - before), as the option `amount` makes it, but at once
   * and within 1 of 255, because the restored values are rounded already.
   *
   * @param amount percent, 0..100
   * @throws ClearwordError INVALID_OPTION
   */
  withAmount(amount: number): BrowserImage {
    if (!(typeof amount === 'number' && amount >= 0 && amount <= 100)) {
      throw new ClearwordError('INVALID_OPTION', `expected a number in 0..100 for amount, received ${String(amount)}`);
    }
    const { mean, before, kept, provenance } = this.#stored;
    if (amount === 100 || before === undefined) return this;
    const picture = blend(before, mean, amount / 100);
    return new BrowserImage({ picture, role: this.role, provenance: { ...provenance, amount }, kept });
  }

  /** What makes this result again in another page, single samples excepted; shares its pixels with it. */
  stored(): StoredResult {
    return this.#stored;
  }

  /** A result out of what `stored` gave. */
  static fromStored(stored: StoredResult): BrowserResult {
    return new BrowserResult({ ...stored, samples: [] });
  }
}

/** @param share 0..1 of the way from `before` to `after`, which are of one size and kind */
function blend(before: Picture, after: Picture, share: number): Picture {
  const data = before.data.map((value, i) => Math.round(value + share * ((after.data[i] as number) - value)));
  return { ...after, data };
}
