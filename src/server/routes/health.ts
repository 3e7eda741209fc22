/**
 * Whether the server is alive, ready, and how it is doing.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { VERSION } from '../../version.ts';
import { answer, problemsOf } from '../documents.ts';
import { RetryLater } from '../problem.ts';
import type { Service } from '../service.ts';

const status = (words: readonly string[]) => ({
  type: 'object',
  required: ['status', 'version'],
  properties: { status: { type: 'string', enum: words }, version: { type: 'string' } },
});

export async function healthRoutes(app: FastifyInstance, { service }: { readonly service: Service }): Promise<void> {
  const tags = ['operation'];
  app.get(
    '/healthz',
    {
      schema: {
        tags,
        operationId: 'isAlive',
        summary: 'Whether the server runs',
        description: 'Looks at nothing but the server itself: one that does not answer is to be started again.',
        response: { 200: answer('It does', status(['alive'])), ...problemsOf(400, 405) },
      },
    },
    async () => ({ status: 'alive', version: VERSION }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        tags,
        operationId: 'isReady',
        summary: 'Whether the server takes restorations in',
        description: 'It does not while its queue is away, without a process that restores, and while it shuts down.',
        response: { 200: answer('It does', status(['ready'])), ...problemsOf(400, 405, 503) },
      },
    },
    async () => {
      if (service.draining.signal.aborted) throw new RetryLater('UNAVAILABLE', 'the server is shutting down', 5);
      if (service.pool?.usable === 0) throw new RetryLater('UNAVAILABLE', 'no process has a model at the moment', 5);
      await service.queue.counts();
      return { status: 'ready', version: VERSION };
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        tags,
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus',
        description: 'Requests, jobs, processes and the queue. A number that is unknown at the moment is NaN.',
        response: {
          200: answer('In its text format', { type: 'string' }, 'text/plain'),
          ...problemsOf(400, 403, 405),
        },
      },
    },
    async (_, reply) => {
      const { registry } = service.metrics;
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
}
