/**
 * Restorations: taking them in, and everything that can be asked of one.
 *
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ClearwordError } from '../../errors.ts';
import { errorOfJob, isFinished, type JobStatus } from '../../queue/job.ts';
import { getExisting } from '../../store/object-store.ts';
import { answer, formSchema, pictureAnswer, problems, restorationSchema, withJson } from '../documents.ts';
import { type FieldsSchema, parseFields, restorationFields } from '../fields.ts';
import { sendBytes } from '../ranges.ts';
import type { Service } from '../service.ts';
import { readUpload } from '../upload.ts';
import { restorationPath, restorationView } from '../view.ts';
import { clientOf, goneSignal, preferenceOf, rateLimited, uploadLimits } from './requests.ts';
import { sendEvents } from './restoration-events.ts';

interface Routes {
  readonly service: Service;
}

type IdRequest = FastifyRequest<{ Params: { id: string }; Querystring: { part?: string } }>;

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

export async function restorationRoutes(app: FastifyInstance, { service }: Routes): Promise<void> {
  const fields = restorationFields(service.settings);
  const id = { type: 'string', description: 'Of the restoration, as its description has it' };
  const params = { type: 'object', required: ['id'], properties: { id } };
  const tags = ['pictures'];
  const config = rateLimited(service, 'small');
  const job = (description: string) => answer(description, restorationSchema);

  app.post(
    '/restorations',
    {
      config: rateLimited(service, 'pictures'),
      schema: {
        tags,
        operationId: 'restore',
        summary: 'Restore a photo',
        description:
          'Answers with the picture if it is small and done soon, else with a job. `Prefer: respond-async` asks for a ' +
          'job, `Prefer: wait=10` for one after 10 seconds, `Accept: application/json` for the description instead of ' +
          'the picture. A request with the same `Idempotency-Key` is one job, however often it is sent. With pictures, ' +
          '`Clearword-Status` says whether anything was changed.',
        consumes: ['multipart/form-data'],
        headers: {
          type: 'object',
          properties: {
            prefer: { type: 'string', description: 'respond-async, or wait=10 for at most 10 seconds' },
            'idempotency-key': { type: 'string', description: "1..200 visible characters, the client's own choice" },
          },
        },
        body: formSchema(fields, service.settings.allowUrls),
        response: {
          200: withJson(
            pictureAnswer('The restored picture, or what was asked for with Accept: its description, also at Location'),
            restorationSchema,
          ),
          202: job('It is queued; its state is at Location'),
          ...problems(408, 413, 415, 422, 502, 504),
        },
      },
      // The form is read, and checked against the same schema, by the handler.
      validatorCompiler: () => (value) => ({ value }),
    },
    (request, reply) => restore(service, fields, request, reply),
  );

  app.get(
    '/restorations/:id',
    {
      config,
      schema: {
        tags,
        params,
        operationId: 'getRestoration',
        summary: 'How far it is',
        description: 'Its state, what was found, and, once it is done, where its pictures are.',
        response: { 200: job('Its state'), ...problems(404) },
      },
    },
    async (request: IdRequest) => restorationView(await service.find(request.params.id, request.owner)),
  );

  app.get(
    '/restorations/:id/events',
    {
      config,
      schema: {
        tags,
        params,
        operationId: 'followRestoration',
        summary: 'Its state whenever it changes, as server-sent events',
        description:
          'Events are named progress, done, failed and cancelled; their data is the state. The last one ends it.',
        response: {
          200: answer('The events', { type: 'string' }, 'text/event-stream'),
          204: { type: 'null', description: 'The last event was received already' },
          ...problems(404),
        },
      },
    },
    async (request: IdRequest, reply) => {
      const found = await service.find(request.params.id, request.owner);
      return sendEvents(service, found, request, reply);
    },
  );

  app.get(
    '/restorations/:id/result',
    {
      config,
      schema: {
        tags,
        params,
        querystring: { type: 'object', properties: { part: { type: 'string', description: 'Default: restored' } } },
        operationId: 'getResult',
        summary: 'The restored picture, or another one that was asked for',
        description:
          'With `ETag`: `If-None-Match` asks whether it is still the same. `Range` asks for one part of its bytes.',
        response: {
          200: pictureAnswer('The picture'),
          206: pictureAnswer('The part of it that Range asks for'),
          304: { type: 'null', description: 'It is what If-None-Match names' },
          ...problems(404, 409, 416, 499, 502, 504),
        },
      },
    },
    async (request: IdRequest, reply) => {
      const found = await service.find(request.params.id, request.owner);
      return sendPicture(service, found, request, reply, request.query.part);
    },
  );

  app.delete(
    '/restorations/:id',
    {
      config,
      schema: {
        tags,
        params,
        operationId: 'deleteRestoration',
        summary: 'Cancel it, or forget it if it is finished',
        description: 'Whoever waits for it is told. Forgotten are the photo, the results and everything else about it.',
        response: { 204: { type: 'null', description: 'Done' }, ...problems(404) },
      },
    },
    async (request: IdRequest, reply) => {
      const found = await service.find(request.params.id, request.owner);
      if (isFinished(found)) await service.forget(found.request.id);
      else await service.queue.cancel(found.request.id);
      return reply.status(204).send();
    },
  );
}

async function restore(
  service: Service,
  fieldsSchema: FieldsSchema,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const gone = goneSignal(reply);
  const key = idempotencyKeyOf(request);
  const { job, pixels } = await service.admit(clientOf(request), async () => {
    const { picture, header, fields } = await readUpload(request, uploadLimits(service));
    const { format = header.format, quality, ...parameters } = parseFields(fieldsSchema, fields);
    const job = await service.submit(
      { kind: 'restoration', parameters, format, ...(quality !== undefined && { quality }) },
      picture,
      request.owner,
      key,
    );
    return { job, pixels: header.width * header.height * parameters.samples };
  });
  const { id } = job.request;
  const { syncMegapixels, syncSeconds } = service.settings;
  const prefer = preferenceOf(request.headers.prefer);
  reply.header('location', restorationPath(id));
  if (prefer.async || pixels > syncMegapixels * 1e6) return sendJob(job, reply);
  const soon = AbortSignal.timeout(1000 * Math.min(syncSeconds, prefer.wait ?? syncSeconds));
  try {
    const finished = await service.finished(id, gone, soon);
    if (request.headers.accept?.startsWith('application/json') && finished.state === 'done') {
      return reply.send(restorationView(finished));
    }
    return await sendPicture(service, finished, request, reply);
  } catch (error) {
    // Nobody knows its id, unless the client means to send the request again.
    if (gone.aborted && key === undefined) await service.queue.cancel(id);
    if (
      error instanceof ClearwordError &&
      error.code === 'CANCELLED' &&
      (soon.aborted || service.leaving.signal.aborted)
    ) {
      return sendJob(await service.find(id, request.owner), reply);
    }
    throw error;
  }
}

function sendJob(job: JobStatus, reply: FastifyReply): FastifyReply {
  return reply.status(202).header('preference-applied', 'respond-async').send(restorationView(job));
}

/** Errors: NOT_FINISHED, NOT_FOUND, CANCELLED, those of the job, STORE_FAILED, RANGE_INVALID. */
async function sendPicture(
  service: Service,
  job: JobStatus,
  request: FastifyRequest,
  reply: FastifyReply,
  part?: string,
): Promise<FastifyReply> {
  if (job.state === 'cancelled') throw new ClearwordError('CANCELLED', 'the restoration was cancelled');
  if (job.state === 'failed' && job.error) throw errorOfJob(job.error);
  if (!job.result) {
    throw new ClearwordError('NOT_FINISHED', `expected a restoration that is done, received one that is ${job.state}`);
  }
  const { files, status } = job.result;
  const file = part === undefined ? files[0] : files.find((candidate) => candidate.part === part);
  if (!file) {
    const expected = files.map((candidate) => candidate.part).join(', ');
    throw new ClearwordError('NOT_FOUND', `expected one of ${expected} for part, received ${JSON.stringify(part)}`);
  }
  const stored = await getExisting(service.store, file.key);
  const data = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  if (status !== undefined) reply.header('clearword-status', status);
  reply
    .type(`image/${file.format}`)
    .header('cache-control', 'private, no-store')
    .header('content-disposition', `inline; filename="${file.part}.${file.format === 'jpeg' ? 'jpg' : file.format}"`);
  return request.method === 'POST' ? reply.send(data) : sendBytes(request, reply, data);
}

/** Errors: INVALID_OPTION. */
function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key;
  throw new ClearwordError('INVALID_OPTION', 'expected 1..200 visible ASCII characters for Idempotency-Key');
}
