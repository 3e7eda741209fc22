/**
 * A job: one picture to restore or to inspect, as it travels from whoever asks to whoever works. Everything here is plain
 * JSON; the picture itself is in the store.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ClearwordError, catalogue, type ErrorCode } from '../errors.ts';
import type { ImageFormat } from '../image/image-signature.ts';
import type { Findings } from '../models/model.ts';
import type { RestoreParameters } from '../restore/options.ts';
import type { DecisionReport } from '../restore/policy.ts';
import type { Provenance } from '../restore/provenance.ts';

interface CommonRequest {
  /** Letters, digits, dashes and underscores; adding a job whose id exists already changes nothing. */
  readonly id: string;
  readonly limits: {
    readonly maxMegapixels: number;
    /** Longest time in seconds that one try may take. */
    readonly seconds: number;
  };
  /** Whose it is, if the server tells its clients apart. */
  readonly owner?: string;
  /** Identity of the model to use (see `identityOf`), if it matters. */
  readonly model?: string;
}

export interface RestorationRequest extends CommonRequest {
  readonly kind: 'restoration';
  readonly parameters: Omit<RestoreParameters, 'maxMegapixels'>;
  readonly format: ImageFormat;
  /** 1..100 for JPEG, WebP and AVIF. */
  readonly quality?: number;
}

export interface InspectionRequest extends CommonRequest {
  readonly kind: 'inspection';
}

export type JobRequest = RestorationRequest | InspectionRequest;

export interface JobProgress {
  readonly stage: 'read' | 'inspect' | 'restore';
  /** 0..1 of the whole job. */
  readonly fraction: number;
}

/** A picture that a job made. */
export interface ResultFile {
  /** restored, sample-1 and so on, uncertainty, comparison or states. */
  readonly part: string;
  /** In the store. */
  readonly key: string;
  readonly format: ImageFormat;
  readonly bytes: number;
  /** Factor that the values of the uncertainty were brightened by. */
  readonly scale?: number;
  /** Times of the states, from left to right. */
  readonly times?: readonly number[];
}

/** The decision is there of restorations; jobs of earlier versions have none. */
export interface JobResult extends Partial<DecisionReport> {
  readonly degradations: Findings['degradations'];
  /** Of the work itself, without waiting. */
  readonly seconds: number;
  readonly width?: number;
  readonly height?: number;
  readonly provenance?: Provenance;
  /** Of a restoration; the restored picture is the first one. */
  readonly files: readonly ResultFile[];
}

/** An error as it travels. */
export const jobErrorSchema = z.object({
  code: z.enum(Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  fix: z.string(),
});

export type JobError = Readonly<z.output<typeof jobErrorSchema>>;

export const FINISHED = ['done', 'failed', 'cancelled'] as const;
export type JobState = 'queued' | 'running' | (typeof FINISHED)[number];

export interface JobStatus {
  readonly request: JobRequest;
  readonly state: JobState;
  readonly progress: JobProgress;
  /** Tries that have begun. */
  readonly attempts: number;
  /** Times in milliseconds since 1970. */
  readonly created: number;
  readonly started?: number;
  readonly finished?: number;
  /** When it is done. */
  readonly result?: JobResult;
  /** When it has failed; while it is queued again, why the last try failed. */
  readonly error?: JobError;
}

export const NOT_BEGUN: JobProgress = { stage: 'read', fraction: 0 };

export function isFinished({ state }: JobStatus): boolean {
  return (FINISHED as readonly JobState[]).includes(state);
}

/** Prefix of everything that the store holds for a job. */
export const jobPrefix = (id: string): string => `jobs/${id}/`;
export const inputKey = (id: string): string => `${jobPrefix(id)}input`;

/** What the store keeps for a client's own name of a request: the id of its job. */
export const REQUEST_KEYS = 'keys/';
export const requestKey = (hash: string): string => `${REQUEST_KEYS}${hash}`;

/**
 * An id that the same work always has: 40 hex digits of the SHA-256 of the picture and of what is to be done with it.
 *
 * @param what everything that decides the result; keys in any order
 */
export function idOfWork(picture: Uint8Array, what: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(what).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256').update(JSON.stringify(sorted)).update('\0').update(picture);
  return hash.digest('hex').slice(0, 40);
}

export function jobErrorOf(error: unknown): JobError {
  if (error instanceof ClearwordError) return { code: error.code, message: error.message, fix: error.fix };
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'INTERNAL', message, fix: catalogue.INTERNAL.fix };
}

export function errorOfJob({ code, message, fix }: JobError): ClearwordError {
  return new ClearwordError(code, message, { fix });
}

/** Failures that another try may not have; every other one belongs to the picture or to what was asked for. */
const WORTH_ANOTHER_TRY: readonly ErrorCode[] = [
  'WORKER_CRASHED',
  'RUNTIME_FAILED',
  'STORE_FAILED',
  'DEVICE_UNAVAILABLE',
  'MODEL_MISMATCH',
  'UNAVAILABLE',
  'INTERNAL',
];

export function isWorthAnotherTry({ code }: JobError): boolean {
  return WORTH_ANOTHER_TRY.includes(code);
}

/** Failures that say nothing about the picture: the next one would have had them, too. */
const OF_SERVICE: readonly ErrorCode[] = ['STORE_FAILED', 'DEVICE_UNAVAILABLE', 'MODEL_MISMATCH', 'UNAVAILABLE'];

export function isOfService({ code }: JobError): boolean {
  return OF_SERVICE.includes(code);
}
