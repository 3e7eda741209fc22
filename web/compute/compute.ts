/**
 * Where a photo is restored: on this device, or on the server that the page came from.
 *
 * @module
 */
import type { Findings } from '../../src/models/model.ts';

export interface RestoreRequest {
  readonly prompt: string;
  readonly steps: number | undefined;
  readonly seed: number;
  readonly samples: number;
}

export interface ComputeHooks {
  /** 0..1 of the whole. */
  readonly onProgress: (fraction: number) => void;
  readonly signal: AbortSignal;
}

/** Formats that a result can be saved in; `original` is the photo's own. */
export type SaveFormat = 'original' | 'png' | 'jpeg' | 'webp';

export interface ComputedResult {
  readonly width: number;
  readonly height: number;
  /** To look at. */
  readonly preview: Blob;
  /** How much several samples differ, in grey. */
  readonly uncertainty: { readonly image: Blob; readonly scale: number } | undefined;
  /** Steps and seed as they were used. */
  readonly steps: number | undefined;
  readonly seed: number;
  /** Formats that it can be saved in. */
  readonly formats: readonly SaveFormat[];
  /** A file, with or without metadata; a server's has them always. */
  save(format: SaveFormat, metadata: boolean): Promise<Blob>;
}

export interface Compute {
  inspect(photo: Blob, signal: AbortSignal): Promise<Pick<Findings, 'degradations'>>;
  restore(photo: Blob, request: RestoreRequest, hooks: ComputeHooks): Promise<ComputedResult>;
}
