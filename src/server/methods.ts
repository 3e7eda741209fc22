/**
 * Methods that a route does not have: 405 with those that it has, and an answer to OPTIONS.
 *
 * @module
 */
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { ClearwordError } from '../errors.ts';

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * Watches which routes there are; the function that it returns adds, after the last one, the methods that they lack. Files of
 * the page have no routes of their own and stay as they are.
 */
export function watchMethods(app: FastifyInstance): () => void {
  const known = new Set<string>();
  app.addHook('onRoute', ({ url }) => void known.add(url));
  return () => {
    for (const url of [...known].filter((each) => !each.includes('*'))) {
      const has = (method: HTTPMethods) => app.hasRoute({ url, method });
      const allowed = METHODS.filter((method) => has(method) || method === 'OPTIONS').join(', ');
      app.route({
        url,
        method: METHODS.filter((method) => !has(method)),
        schema: { hide: true },
        // Before the body, which is of no interest.
        async onRequest({ method }, reply) {
          reply.header('allow', allowed);
          if (method === 'OPTIONS') return reply.status(204).send();
          throw new ClearwordError('METHOD_NOT_ALLOWED', `expected one of ${allowed}, received ${method}`);
        },
        handler: async () => undefined,
      });
    }
  };
}
