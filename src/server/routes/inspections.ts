/**
 * What is wrong with a picture.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ClearwordError } from '../../errors.ts';
import { errorOfJob } from '../../queue/job.ts';
import { answer, formSchema, inspectionSchema, problems } from '../documents.ts';
import { parseFields } from '../fields.ts';
import type { Service } from '../service.ts';
import { readUpload } from '../upload.ts';
import { clientOf, goneSignal, rateLimited, uploadLimits } from './requests.ts';

/** None besides the picture; an unknown one is an error. */
const fieldsSchema = z.strictObject({});

export async function inspectionRoutes(
  app: FastifyInstance,
  { service }: { readonly service: Service },
): Promise<void> {
  const { allowUrls, timeout } = service.settings;
  app.post(
    '/inspections',
    {
      config: rateLimited(service, 'pictures'),
      schema: {
        tags: ['pictures'],
        operationId: 'inspect',
        summary: 'Say which degradations a photo has',
        description: 'Restores nothing, and keeps nothing of the photo.',
        consumes: ['multipart/form-data'],
        body: formSchema(undefined, allowUrls),
        response: { 200: answer('What was found', inspectionSchema), ...problems(408, 413, 415, 422, 502, 504) },
      },
      validatorCompiler: () => (value) => ({ value }),
    },
    async (request, reply) => {
      const { job, header } = await service.admit(clientOf(request), async () => {
        const { picture, header, fields } = await readUpload(request, uploadLimits(service));
        parseFields(fieldsSchema, fields);
        return { header, job: await service.submit({ kind: 'inspection' }, picture, request.owner) };
      });
      const { id } = job.request;
      const [gone, late] = [goneSignal(reply), AbortSignal.timeout(timeout * 1000)];
      try {
        const { result, error } = await service.finished(id, gone, late);
        if (error) throw errorOfJob(error);
        if (!result) throw new ClearwordError('CANCELLED', 'the inspection was cancelled');
        const { format, width, height } = header;
        return { format, width, height, degradations: result.degradations };
      } finally {
        // The answer is all there is of it.
        await service.queue.cancel(id);
        await service.forget(id);
      }
    },
  );
}
