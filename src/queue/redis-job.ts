/**
 * How a job is kept in Redis.
 *
 * @module
 */
import type { Job, JobState as QueuedState } from 'bullmq';
import { type JobError, type JobProgress, type JobRequest, type JobResult, type JobStatus, NOT_BEGUN } from './job.ts';

export interface QueuedData {
  readonly request: JobRequest;
  /** When it was cancelled, in milliseconds since 1970. */
  readonly cancelled?: number;
}

export type QueuedJob = Job<QueuedData, JobResult>;

/** Event of the queue that tells workers to stop a job. */
export const CANCEL_EVENT = 'clearword-cancel';

/** A failure as the text that BullMQ keeps of it. */
export function encodeError(error: JobError): string {
  return JSON.stringify(error);
}

function decodeError(reason: string): JobError {
  try {
    return JSON.parse(reason) as JobError;
  } catch {
    // BullMQ's own words: it found the job without a worker more often than it may be tried.
    return {
      code: 'WORKER_CRASHED',
      message: `the worker vanished: ${reason}`,
      fix: 'Look into the logs of the workers; if it persists with one picture, report it.',
    };
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
  return {
    request,
    state: typeof mapped === 'string' ? mapped : (mapped[state as keyof typeof mapped] ?? 'queued'),
    progress: state === 'completed' ? { stage: 'restore', fraction: 1 } : running ? progress : NOT_BEGUN,
    attempts: job.attemptsMade + (running ? 1 : 0),
    created: job.timestamp,
    ...(job.processedOn !== undefined && { started: job.processedOn }),
    ...(finished !== undefined && { finished }),
    ...(state === 'completed' && { result: job.returnvalue }),
    ...(withError && { error: decodeError(job.failedReason) }),
  };
}
