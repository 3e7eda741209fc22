/**
 * Everything that one restoration gives.
 *
 * @module
 */
import type { ImageSource } from '../image/image-file.ts';
import type { Picture } from '../image/picture.ts';
import type { Findings } from '../models/model.ts';
import { comparisonPicture } from './comparison.ts';
import type { Decision } from './policy.ts';
import type { Provenance } from './provenance.ts';
import type { Restoration } from './restore-picture.ts';
import { RestoredImage } from './restored-image.ts';
import type { StatesStrip } from './states.ts';
import { uncertaintyPicture } from './uncertainty.ts';

export interface ResultParts {
  readonly input: Picture;
  readonly source: ImageSource | undefined;
  readonly warnings: readonly string[];
  readonly restoration: Restoration;
  readonly provenance: Provenance;
  readonly compare: boolean;
  readonly strip: boolean;
  readonly states: StatesStrip | undefined;
  /** The file that the input came from. */
  readonly file?: Uint8Array | undefined;
}

/**
 * The restored picture (with several samples their mean), and what else was asked for.
 */
export class RestoreResult extends RestoredImage {
  /** What the controller found in the input. */
  readonly findings: Findings;
  /** What was done, and why: whether anything was changed, what went, what was left alone, and how the prompt was read. */
  readonly decision: Decision;
  /** What a person should know about the input, such as that the file ends early; mostly empty. */
  readonly warnings: readonly string[];
  /** One picture per seed, when several were asked for; else empty. */
  readonly samples: readonly RestoredImage[];
  /** With several samples: their standard deviation in grey, and the factor that its values were brightened by. */
  readonly uncertainty?: { readonly image: RestoredImage; readonly scale: number };
  /** With `compare`: before and after side by side. */
  readonly comparison?: RestoredImage;
  /** With `saveStates`: the degraded picture and its states at `times`, from t = T to t = 0, in a row. */
  readonly states?: { readonly image: RestoredImage; readonly times: readonly number[] };

  constructor(parts: ResultParts) {
    const { input, source, warnings, restoration, provenance, compare, strip, states, file } = parts;
    const common = { provenance, source, metadata: !strip };
    const several = restoration.samples.length > 0;
    const { decision, findings } = restoration;
    const original = decision.status === 'unchanged' ? file : undefined;
    super({ ...common, picture: restoration.mean, role: several ? 'mean' : 'restored', original });
    this.findings = findings;
    this.decision = decision;
    this.warnings = warnings;
    this.samples = restoration.samples.map((picture, k) => {
      const own = { ...provenance, seed: provenance.seed + k, samples: 1 };
      return new RestoredImage({ ...common, provenance: own, picture, role: 'sample' });
    });
    // Pictures about the picture: neither a photo's EXIF nor its profile belongs to them.
    const about = { provenance, metadata: !strip };
    if (restoration.deviation !== undefined) {
      const { picture, scale } = uncertaintyPicture(restoration.deviation, input.width, input.height);
      const image = new RestoredImage({ ...about, picture, role: 'uncertainty', details: { scale } });
      this.uncertainty = { image, scale };
    }
    if (compare) {
      const picture = comparisonPicture(input, restoration.mean);
      this.comparison = new RestoredImage({ ...common, picture, role: 'comparison' });
    }
    if (states !== undefined) {
      const details = { times: states.times.join(' ') };
      const image = new RestoredImage({ ...about, picture: states.picture, role: 'states', details });
      this.states = { image, times: states.times };
    }
  }
}
