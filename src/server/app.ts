/**
 * The HTTP server: plugins, what holds for every request, and the routes.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import { ClearwordError } from '../errors.ts';
import type { Access } from './access.ts';
import { addCompression } from './compression.ts';
import { OPENAPI } from './documents.ts';
import { addHeaders, COMMON, DOCS_POLICY } from './headers.ts';
import { watchMethods } from './methods.ts';
import { asClearwordError, PROBLEM_TYPE, problemOf, RetryLater } from './problem.ts';
import { healthRoutes } from './routes/health.ts';
import { inspectionRoutes } from './routes/inspections.ts';
import { modelRoutes } from './routes/models.ts';
import { pageRoutes } from './routes/page.ts';
import { clientOf } from './routes/requests.ts';
import { restorationRoutes } from './routes/restorations.ts';
import type { Service } from './service.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the API key that the request came with. */
    owner: string | undefined;
  }
}

/** Seconds after which to try again what nobody knows the end of. */
const SOON = 5;
/** Seconds that a client has for sending all of a request, and for the lines before its body. */
const [REQUEST_SECONDS, HEAD_SECONDS] = [120, 10];
/** Milliseconds between two looks at who is late. */
const LOOK = 1000;

export async function buildApp(service: Service, access: Access, log: Logger): Promise<FastifyInstance> {
  const { settings } = service;
  const app = fastify({
    loggerInstance: log,
    // One line a request, written below, without addresses that have ids in them.
    logController: new LogController({ disableRequestLogging: true }),
    // The last address is the one that the proxy saw; those before it are whatever the client has sent.
    trustProxy: settings.trustProxy ? (_: string, hop: number) => hop === 0 : false,
    genReqId: requestId,
    requestTimeout: REQUEST_SECONDS * 1000,
    http: { headersTimeout: HEAD_SECONDS * 1000, connectionsCheckingInterval: LOOK },
    clientErrorHandler: sendToSocket,
    // Longer than that of common load balancers, which would otherwise use a connection that is just closing.
    keepAliveTimeout: 75_000,
    // As long as an address can be: what has no such name is not found.
    routerOptions: { maxParamLength: 16_384 },
    // Addresses that are none come past every hook.
    frameworkErrors: (error, request, reply) => {
      reply.headers(COMMON).header('x-request-id', request.id);
      sendProblem(error, request as FastifyRequest, reply as FastifyReply);
    },
  }) as unknown as FastifyInstance;
  // The document describes answers for people; what is sent is made in one place and needs no filter.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.removeAllContentTypeParsers();
  app.decorateRequest('owner', undefined);
  const addMissingMethods = watchMethods(app);
  addHeaders(app, service, access);
  addCompression(app);
  await app.register(multipart);
  await app.register(swagger, { openapi: OPENAPI as never });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_POLICY,
    // Without the bar at the top and the signs of other projects.
    uiConfig: { layout: 'BaseLayout' },
    theme: { title: 'Clearword: the interface', favicon: [] },
    logo: {} as never,
  });
  await app.register(rateLimit, {
    global: false,
    hook: 'preHandler',
    timeWindow: 60_000,
    keyGenerator: clientOf,
    errorResponseBuilder: (_, { max, ttl }) =>
      new RetryLater('RATE_LIMITED', `expected at most ${max} such requests in a minute`, ttl / 1000),
  });
  addHooks(app, service);
  await app.register(healthRoutes, { service });
  await app.register(
    async (api) => {
      api.addHook('onRequest', async (request) => {
        request.owner = service.keys?.ownerOf(request.headers.authorization);
      });
      await api.register(restorationRoutes, { service });
      await api.register(inspectionRoutes, { service });
      await api.register(modelRoutes, { service });
    },
    { prefix: '/v1' },
  );
  await app.register(pageRoutes);
  addMissingMethods();
  return app;
}

function addHooks(app: FastifyInstance, service: Service): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, owner } = request;
    const route = request.routeOptions.url ?? 'none';
    const status = reply.statusCode;
    const milliseconds = Math.round(reply.elapsedTime);
    service.metrics.requests.observe({ method, route, status }, reply.elapsedTime / 1000);
    // Whoever asks every few seconds whether the server is alive would fill the log.
    const level = route === '/healthz' || route === '/readyz' || route === '/metrics' ? 'debug' : 'info';
    request.log[level]({ method, route, status, milliseconds, owner }, 'request');
  });
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const { method, url } = request;
    const received = `${method} ${url.split('?')[0]?.slice(0, 200)}`;
    sendProblem(
      new ClearwordError('NOT_FOUND', `expected a route of the server, received ${received}`),
      request,
      reply,
    );
  });
}

function sendProblem(cause: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = asClearwordError(cause);
  if (error.status >= 500) request.log.error({ err: error }, 'request failed');
  // The message has what the client sent.
  else request.log.info({ code: error.code }, 'request refused');
  const after = error instanceof RetryLater ? error.after : SOON;
  if (error instanceof RetryLater || error.code === 'UNAVAILABLE') reply.header('retry-after', after);
  if (error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  // What is still on its way would be read to its end, whoever sends it and however slowly.
  if (!request.raw.complete) reply.header('connection', 'close');
  reply
    .status(error.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemOf(error, request.id)));
}

/** What Node itself refuses: lines that are no request, and requests that do not come to their end. */
function sendToSocket(cause: Error & { readonly code?: string }, socket: Socket): void {
  if (cause.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const error =
    cause.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new ClearwordError(
          'REQUEST_TOO_SLOW',
          `expected a request within ${REQUEST_SECONDS} s, its head within ${HEAD_SECONDS} s`,
        )
      : new ClearwordError('REQUEST_INVALID', 'expected a request of HTTP/1.1');
  const body = JSON.stringify(problemOf(error));
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'Connection: close',
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(COMMON).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** The client's own, if it is harmless in a log, or a new one. */
function requestId({ headers }: { headers: Readonly<Record<string, string | string[] | undefined>> }): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}
