/**
 * A restoration as clients see it.
 *
 * @module
 */
import { errorOfJob, type JobResult, type JobStatus } from '../queue/job.ts';
import type { DecisionReport } from '../restore/policy.ts';
import { type Problem, problemOf } from './problem.ts';

export interface RestorationView {
  readonly id: string;
  readonly status: JobStatus['state'];
  readonly stage: string;
  /** 0..1. */
  readonly fraction: number;
  readonly attempts: number;
  readonly created: string;
  readonly started?: string;
  readonly finished?: string;
  /** Of the work itself. */
  readonly seconds?: number;
  readonly width?: number;
  readonly height?: number;
  readonly degradations?: JobResult['degradations'];
  readonly prompt?: DecisionReport['prompt'];
  /** With whether anything was changed: the status of a job is another thing. */
  readonly decision?: DecisionReport['decision'] & Pick<DecisionReport, 'status'>;
  readonly provenance?: JobResult['provenance'];
  readonly results?: readonly ResultView[];
  readonly error?: Problem;
  readonly links: Readonly<Record<'self' | 'events' | 'result', string>>;
}

interface ResultView {
  readonly part: string;
  readonly href: string;
  readonly type: string;
  readonly bytes: number;
  readonly scale?: number;
  readonly times?: readonly number[];
}

export const restorationPath = (id: string): string => `/v1/restorations/${id}`;

const time = (milliseconds: number): string => new Date(milliseconds).toISOString();

export function restorationView(job: JobStatus): RestorationView {
  const { request, state, progress, attempts, created, started, finished, result, error } = job;
  const self = restorationPath(request.id);
  return {
    id: request.id,
    status: state,
    stage: progress.stage,
    fraction: progress.fraction,
    attempts,
    created: time(created),
    ...(started !== undefined && { started: time(started) }),
    ...(finished !== undefined && { finished: time(finished) }),
    ...(result && resultView(result, self)),
    ...(error && { error: problemOf(errorOfJob(error)) }),
    links: { self, events: `${self}/events`, result: `${self}/result` },
  };
}

function resultView(result: JobResult, self: string) {
  const { seconds, width, height, degradations, status, prompt, decision, provenance, files } = result;
  const results = files.map(({ key: _, format, part, ...rest }, i) => ({
    ...rest,
    part,
    href: i === 0 ? `${self}/result` : `${self}/result?part=${part}`,
    type: `image/${format}`,
  }));
  return {
    seconds,
    degradations,
    results,
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(prompt && { prompt }),
    ...(status && decision && { decision: { status, ...decision } }),
    ...(provenance && { provenance }),
  };
}
