/**
 * What passes between a page and its worker.
 *
 * @module
 */

import type { ErrorCode } from '../errors.ts';
import type { Picture, RawPixels } from '../image/picture.ts';
import type { Findings } from '../models/model.ts';
import type { DescriptorOption } from '../models/plain/descriptor.ts';
import type { RestoreParameters } from '../restore/options.ts';
import type { Decision } from '../restore/policy.ts';
import type { Provenance } from '../restore/provenance.ts';
import type { Area, Progress } from '../restore/restore-picture.ts';
import type { WebDeviceChoice } from '../runtime/web/device.ts';
import type { WebDevice } from '../runtime/web/engine.ts';
import type { KeptMetadata } from './file-metadata.ts';

/** What a page can restore. A Blob is a picture file; the browser decides which formats it reads. */
export type BrowserInput = Blob | ImageBitmap | ImageData | RawPixels;

/** How far loading is. Bytes where the server says how many there are. */
export interface LoadProgress {
  readonly stage: 'weights' | 'runtime' | 'start';
  readonly loaded: number;
  /** Undefined where the server does not say. */
  readonly total: number | undefined;
}

/** A diffusion model at two addresses, or an ONNX network: a file, or its address. */
export type ModelSource =
  | { readonly weights: string; readonly card: string }
  | { readonly onnx: Blob | string; readonly descriptor: DescriptorOption | undefined };

export interface LoadRequest {
  readonly kind: 'load';
  readonly source: ModelSource;
  readonly device: WebDeviceChoice;
  readonly threads: number;
  readonly runtime: Readonly<Partial<Record<WebDevice, string>>>;
}

/** Options of a restoration that mean something in a browser: a page makes its own comparisons. */
export type BrowserParameters = Omit<RestoreParameters, 'compare' | 'saveStates' | 'strip' | 'strict'>;

export interface InspectRequest {
  readonly kind: 'inspect';
  readonly input: BrowserInput;
  readonly parameters: Pick<BrowserParameters, 'maxMegapixels'>;
}

export interface RestoreRequest {
  readonly kind: 'restore';
  readonly input: BrowserInput;
  readonly parameters: BrowserParameters;
  /** What is to be shown on the way; undefined: nothing. */
  readonly watch?: WatchRequest | undefined;
}

export interface WatchRequest {
  /** Whether the picture is restored at a smaller size before. */
  readonly preview: boolean;
  /** Tiles that touch this are restored first. */
  readonly first: Area | undefined;
}

/** A picture on the way, 8-bit RGB, and the area of the photo that it shows: of a preview all of it, in fewer pixels. */
export interface PartialPicture {
  readonly stage: 'preview' | 'tile';
  readonly area: Area;
  readonly picture: Picture;
}

export interface EstimateRequest {
  readonly kind: 'estimate';
  readonly width: number;
  readonly height: number;
  readonly parameters: BrowserParameters;
}

export type WorkerRequest = LoadRequest | InspectRequest | RestoreRequest | EstimateRequest;

/** From the page. */
export type ToWorker =
  | { readonly id: number; readonly request: WorkerRequest }
  /** Stops request `id` at its next step. */
  | { readonly id: number; readonly cancel: true };

export interface ModelSummary {
  readonly name: string;
  /** SHA-256, hex; `unknown` of an ONNX network on a page over plain http, where browsers compute none. */
  readonly hash: string;
  readonly device: WebDevice;
  readonly threads: number;
  readonly defaults: { readonly steps: number; readonly sampler: string };
  readonly defaultTile: number;
  /** What it finds and removes. */
  readonly degradations: readonly string[];
  /** Whether it changes only what is surely there or asked for; others restore every picture. */
  readonly careful: boolean;
  /** Whether it can be told how strong something is. */
  readonly takesStrengths: boolean;
  /** T of the model's process: the most steps there are. */
  readonly mostSteps: number;
  /**
   * Of an ONNX network alone: how its input is made and its output read. Such a network finds nothing, takes no words, and works in
   * one step; where it can be told how noisy a picture is, noise is the one thing that it knows.
   */
  readonly reading?: string | undefined;
  /** What an ONNX network is told of the noise unless somebody says it, as a standard deviation of 8-bit values. */
  readonly noiseLevel?: number | undefined;
}

export interface RestoredParts {
  readonly mean: Picture;
  readonly samples: readonly Picture[];
  readonly uncertainty?: { readonly picture: Picture; readonly scale: number };
  readonly findings: Findings;
  readonly decision: Decision;
  readonly provenance: Provenance;
  readonly kept: KeptMetadata;
  /** The picture as it came in; undefined: `mean` is that. */
  readonly before: Picture | undefined;
  /** The file that it came from, of a picture that was left unchanged. */
  readonly file: Blob | undefined;
}

export interface Replies {
  readonly load: ModelSummary;
  readonly inspect: Findings;
  readonly restore: RestoredParts;
  /** Seconds. */
  readonly estimate: number;
}

/** An error as it crosses: structured clones of errors lose their own fields. */
export interface ErrorReply {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string;
}

/** From the worker. */
export type FromWorker =
  | { readonly id: number; readonly value: Replies[WorkerRequest['kind']] }
  | { readonly id: number; readonly error: ErrorReply }
  | { readonly id: number; readonly progress: Progress | LoadProgress }
  | { readonly id: number; readonly partial: PartialPicture };
