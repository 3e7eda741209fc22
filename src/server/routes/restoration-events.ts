/**
 * The state of a restoration as server-sent events.
 *
 * @module
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFinished, type JobStatus } from '../../queue/job.ts';
import { waitForJob } from '../../queue/job-queue.ts';
import type { Service } from '../service.ts';
import { withAny } from '../signals.ts';
import { restorationView } from '../view.ts';
import { goneSignal } from './requests.ts';

/** Seconds between comments that keep proxies from closing a connection on which nothing happens. */
const HEARTBEAT = 15;
/** Id of the last event: who has it needs no other one. */
const LAST = 'last';

export async function sendEvents(
  { queue, leaving, draining }: Pick<Service, 'queue' | 'leaving' | 'draining'>,
  job: JobStatus,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  // Browsers connect again when a stream ends, and stop at this answer.
  if (request.headers['last-event-id'] === LAST && isFinished(job)) return reply.status(204).send();
  const { raw } = reply;
  const gone = goneSignal(reply);
  const headers = reply.getHeaders();
  reply.hijack();
  raw.writeHead(200, {
    ...(headers as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx would otherwise wait for more.
    'x-accel-buffering': 'no',
  });
  let latest = '';
  const write = (status: JobStatus) => {
    const name = isFinished(status) ? status.state : 'progress';
    const data = JSON.stringify(restorationView(status));
    if (data === latest) return;
    latest = data;
    raw.write(`event: ${name}\n${isFinished(status) ? `id: ${LAST}\n` : ''}data: ${data}\n\n`);
  };
  const heartbeat = setInterval(() => raw.write(': \n\n'), HEARTBEAT * 1000);
  const signals = [gone, leaving.signal, draining.signal];
  try {
    await withAny(signals, (signal) => waitForJob(queue, job.request.id, { onChange: write, signal }));
  } catch (error) {
    // The stream has begun: it can only end. Whoever listens connects again and is told what is wrong.
    if (!signals.some(({ aborted }) => aborted)) request.log.warn({ err: error }, 'events ended');
  } finally {
    clearInterval(heartbeat);
    raw.end();
  }
  return reply;
}
