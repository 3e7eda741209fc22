/**
 * What Prometheus reads.
 *
 * @module
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { jobErrorOf } from '../queue/job.ts';
import type { JobCounts, JobRunner } from '../queue/job-queue.ts';

export class Metrics {
  readonly registry = new Registry();
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  readonly #jobs: Histogram<'kind'>;
  readonly #outcomes: Counter<'kind' | 'outcome'>;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.requests = new Histogram({
      name: 'clearword_http_request_seconds',
      help: 'Time from the arrival of a request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 20, 60, 300],
      registers,
    });
    this.#jobs = new Histogram({
      name: 'clearword_job_seconds',
      help: 'Time that this process worked on a job that was done',
      labelNames: ['kind'],
      buckets: [0.1, 0.3, 1, 3, 10, 30, 100, 300],
      registers,
    });
    this.#outcomes = new Counter({
      name: 'clearword_jobs_total',
      help: 'Tries of jobs by this process: done, or the code of the error',
      labelNames: ['kind', 'outcome'],
      registers,
    });
  }

  /** A runner that is counted. */
  observed(run: JobRunner): JobRunner {
    return async (request, hooks) => {
      const { kind } = request;
      const end = this.#jobs.startTimer({ kind });
      try {
        const result = await run(request, hooks);
        end();
        this.#outcomes.inc({ kind, outcome: 'done' });
        return result;
      } catch (error) {
        this.#outcomes.inc({ kind, outcome: jobErrorOf(error).code });
        throw error;
      }
    };
  }

  /** Shows the length of the queue, read whenever Prometheus asks. */
  observeQueue(counts: () => Promise<JobCounts>): void {
    const show = (name: string, help: string, of: (counts: JobCounts) => number) =>
      new Gauge({
        name,
        help,
        registers: [this.registry],
        async collect() {
          // Without an answer there is no value; the other metrics are shown all the same.
          const value = await counts().then(of, () => Number.NaN);
          this.set(value);
        },
      });
    show('clearword_jobs_queued', 'Jobs that wait, for a worker or for another try', ({ queued }) => queued);
    show('clearword_jobs_running', 'Jobs that a worker is working on', ({ running }) => running);
  }

  /** Shows the processes that do jobs. */
  observeProcesses(pool: { readonly usable: number; readonly replaced: number }): void {
    const show = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(value());
        },
      });
    show('clearword_processes', 'Processes with a loaded model', () => pool.usable);
    show('clearword_processes_replaced', 'Processes that ended and were replaced', () => pool.replaced);
  }
}
