/**
 * Which model restores.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { answer, modelsSchema, problems } from '../documents.ts';
import type { Service } from '../service.ts';
import { rateLimited } from './requests.ts';

export async function modelRoutes(app: FastifyInstance, { service }: { readonly service: Service }): Promise<void> {
  app.get(
    '/models',
    {
      config: rateLimited(service, 'small'),
      schema: {
        tags: ['pictures'],
        operationId: 'listModels',
        summary: 'Which models restore here',
        description:
          'Those that the operator started the server with. Empty where other machines do the jobs: each result says its model.',
        response: { 200: answer('The models', modelsSchema), ...problems() },
      },
    },
    async () => {
      if (service.pool === undefined) return { models: [] };
      const { name, hash, guided } = service.pool.model;
      return { models: [{ name, hash, guided }] };
    },
  );
}
