/**
 * Restorations: taking them in, and everything that can be asked of one.
 *
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ClearwordError } from '../../errors.ts';
import { errorOfJob, isFinished, type JobStatus } from '../../queue/job.ts';
import { getExisting } from '../../store/object-store.ts';
import { type FieldsSchema, parseFields, restorationFields } from '../fields.ts';
import { sendBytes } from '../ranges.ts';
import type { Service } from '../service.ts';
import { readUpload } from '../upload.ts';
import { restorationPath, restorationView } from '../view.ts';
import { clientOf, goneSignal, preferenceOf, rateLimited, uploadLimits } from './requests.ts';
import { restorationDocuments } from './restoration-documents.ts';
import { sendEvents } from './restoration-events.ts';

interface Routes {
  readonly service: Service;
}

type IdRequest = FastifyRequest<{ Params: { id: string }; Querystring: { part?: string } }>;

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

export async function restorationRoutes(app: FastifyInstance, { service }: Routes): Promise<void> {
  const fields = restorationFields(service.settings);
  const documents = restorationDocuments(fields, service.settings.allowUrls);
  const config = rateLimited(service, 'small');

  app.post(
    '/restorations',
    {
      config: rateLimited(service, 'pictures'),
      schema: documents.restore,
      // The form is read, and checked against the same schema, by the handler.
      validatorCompiler: () => (value) => ({ value }),
    },
    (request, reply) => restore(service, fields, request, reply),
  );
  app.get('/restorations/:id', { config, schema: documents.getRestoration }, async (request: IdRequest) =>
    restorationView(await service.find(request.params.id, request.owner)),
  );
  app.get(
    '/restorations/:id/events',
    { config, schema: documents.followRestoration },
    async (request: IdRequest, reply) => {
      const found = await service.find(request.params.id, request.owner);
      return sendEvents(service, found, request, reply);
    },
  );
  app.get('/restorations/:id/result', { config, schema: documents.getResult }, async (request: IdRequest, reply) => {
    const found = await service.find(request.params.id, request.owner);
    return sendPicture(service, found, request, reply, request.query.part);
  });
  app.delete(
    '/restorations/:id',
    { config, schema: documents.deleteRestoration },
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
