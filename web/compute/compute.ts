/**
 * Where a photo is restored: on this device, or on the server that the page came from.
 *
 * @module
 */
import type { Area, Decision, PartialPicture, StoredResult } from '../../src/browser.ts';
import type { Findings } from '../../src/models/model.ts';

export interface RestoreRequest {
  /** Name of the network that a visitor chose, which takes neither words nor steps; undefined: the page's own model. */
  readonly network?: string | undefined;
  readonly prompt: string;
  readonly steps: number | undefined;
  readonly seed: number;
  readonly samples: number;
  /** In the units of the option `strength`. */
  readonly strengths: Readonly<Record<string, number>>;
}

export interface ComputeHooks {
  /** 0..1 of the whole. */
  readonly onProgress: (fraction: number) => void;
  /** What can be shown on the way. */
  readonly onPartial?: (partial: PartialPicture) => void;
  /** Whether a smaller picture is restored first, and which part of the whole one then. */
  readonly preview?: boolean;
  readonly first?: Area | undefined;
  /** The work goes on elsewhere under this name, also when the page is gone. */
  readonly onJob?: (id: string) => void;
  /** The other side asks to wait, seconds. */
  readonly onWait?: (seconds: number) => void;
  readonly signal: AbortSignal;
}

/** Formats that a result can be saved in; `original` is the photo's own. */
export type SaveFormat = 'original' | 'png' | 'jpeg' | 'webp';

/** What was done, and why: the same from a device and from a server. */
export type Outcome = Pick<Decision, 'status' | 'removing' | 'perhaps'>;

/** A result as IndexedDB keeps it. */
export type StoredComputed =
  | { readonly kind: 'device'; readonly parts: StoredResult }
  | { readonly kind: 'server'; readonly file: Blob };

/** What is known of a result besides its pixels. */
export interface ResultFacts {
  readonly kind: StoredComputed['kind'];
  readonly width: number;
  readonly height: number;
  /** Steps and seed as they were used. */
  readonly steps: number | undefined;
  readonly seed: number;
  readonly outcome: Outcome;
  /** Factor that the picture of the uncertainty was brightened by. */
  readonly scale: number;
}

export interface ComputedResult extends ResultFacts {
  readonly findings: Findings['degradations'] | undefined;
  /** To look at. */
  readonly preview: Blob;
  /** The photo as the result shows it, where the browser cannot show the photo itself. */
  readonly before?: Blob | undefined;
  /** How much several samples differ, in grey. */
  readonly uncertainty: Blob | undefined;
  /** Formats that it can be saved in. */
  readonly formats: readonly SaveFormat[];
  /**
   * A file with a part of the change (0..100 percent), with or without metadata; a server's has them always.
   */
  save(format: SaveFormat, metadata: boolean, amount: number): Promise<Blob>;
  stored(): Promise<StoredComputed>;
  /** Frees the pixels that it holds: from now on they are read anew. */
  release(reread: () => Promise<StoredComputed>): void;
}

export interface Compute {
  inspect(photo: Blob, signal: AbortSignal): Promise<Pick<Findings, 'degradations'>>;
  restore(photo: Blob, request: RestoreRequest, hooks: ComputeHooks): Promise<ComputedResult>;
}
