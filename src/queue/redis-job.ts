/**
 * How a job is kept in Redis.
 *
 * @module
 */
import type { Job, JobState as QueuedState } from 'bullmq';
import { z } from 'zod';
import {
  type JobError,
  type JobProgress,
  type JobRequest,
  type JobResult,
  type JobStatus,
  jobErrorSchema,
  NOT_BEGUN,
} from './job.ts';

export interface QueuedData {
  readonly request: JobRequest;
  /** When it was cancelled, in milliseconds since 1970. */
  readonly cancelled?: number;
}

export type QueuedJob = Job<QueuedData, JobResult>;

/** Event of the queue that tells workers to stop a job. */
export const CANCEL_EVENT = 'clearword-cancel';

/** Workers that vanish are counted by `hasTries`: BullMQ's own limit would count them apart from failures. */
export const STALLS_FOR_EVER = Number.MAX_SAFE_INTEGER;

/** Tries that have ended: with a failure or a result, or because their worker vanished. What was given back is none. */
function endedTries({ attemptsMade, stalledCounter }: QueuedJob): number {
  return attemptsMade + stalledCounter;
}

/** Whether a job that was just handed out may be tried. */
export function hasTries(job: QueuedJob, attempts: number): boolean {
  return endedTries(job) < attempts;
}

/** Whether there is another try after the one that is under way. */
export function hasMoreTries(job: QueuedJob, attempts: number): boolean {
  return endedTries(job) + 1 < attempts;
}

const failureSchema = jobErrorSchema.extend({
  /** Tries that have begun, where BullMQ counts its end as one more. */
  tries: z.int().exactOptional(),
});

type Failure = Readonly<z.output<typeof failureSchema>>;

/** A failure as the text that BullMQ keeps of it. */
export function encodeError(error: JobError): string {
  return JSON.stringify(error satisfies Failure);
}

/** The failure of a job whose worker vanished at its last try. */
export function encodeVanished(job: QueuedJob): string {
  const message = 'the worker vanished while it worked on the picture';
  return JSON.stringify({ ...vanished(message), tries: endedTries(job) } satisfies Failure);
}

function vanished(message: string): JobError {
  return {
    code: 'WORKER_CRASHED',
    message,
    fix: 'Look into the logs of the workers; if it persists with one picture, report it.',
  };
}

function decodeError(reason: string): Failure {
  try {
    return failureSchema.parse(JSON.parse(reason));
  } catch {
    return vanished(`the worker vanished: ${reason}`);
  }
}

export function statusOf(job: QueuedJob, state: QueuedState): JobStatus {
  const { request, cancelled } = job.data;
  // Whoever cancelled is told so at once, whatever the worker that may still hold the job does.
  const isCancelled = cancelled !== undefined && state !== 'completed';
  const running = state === 'active';
  const mapped = isCancelled ? 'cancelled' : ({ completed: 'done', failed: 'failed', active: 'running' } as const);
  const progress = typeof job.progress === 'object' ? (job.progress as JobProgress) : NOT_BEGUN;
  const finished = job.finishedOn ?? (isCancelled ? cancelled : undefined);
  const withError = !isCancelled && state !== 'completed' && !running && typeof job.failedReason === 'string';
  const { tries, ...error }: Partial<Failure> = withError ? decodeError(job.failedReason) : {};
  return {
    request,
    state: typeof mapped === 'string' ? mapped : (mapped[state as keyof typeof mapped] ?? 'queued'),
    progress: state === 'completed' ? { stage: 'restore', fraction: 1 } : running ? progress : NOT_BEGUN,
    attempts: tries ?? endedTries(job) + (running ? 1 : 0),
    created: job.timestamp,
    ...(job.processedOn !== undefined && { started: job.processedOn }),
    ...(finished !== undefined && { finished }),
    ...(state === 'completed' && { result: job.returnvalue }),
    ...(withError && { error: error as JobError }),
  };
}
