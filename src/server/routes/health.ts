/**
 * Whether the server is alive, ready, and how it is doing.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { VERSION } from '../../version.ts';
import { answer, problems } from '../documents.ts';
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
    { schema: { tags, summary: 'Whether the server runs', response: { 200: answer('It does', status(['alive'])) } } },
    async () => ({ status: 'alive', version: VERSION }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: 'Whether the server takes restorations in',
        response: { 200: answer('It does', status(['ready'])), 503: problems()[503] },
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
        summary: 'Metrics for Prometheus',
        response: { 200: answer('In its text format', { type: 'string' }, 'text/plain') },
      },
    },
    async (_, reply) => {
      const { registry } = service.metrics;
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
}
