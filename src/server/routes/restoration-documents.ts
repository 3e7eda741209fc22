/**
 * What the requests about restorations take and answer, for the OpenAPI document and for checking them.
 *
 * @module
 */
import { answer, formSchema, pictureAnswer, problems, restorationSchema, withJson } from '../documents.ts';
import type { FieldsSchema } from '../fields.ts';

const TAGS = ['pictures'];
const ID = { type: 'string', description: 'Of the restoration, as its description has it' };
/** What each request about one restoration has in common. */
const ONE = { tags: TAGS, params: { type: 'object', required: ['id'], properties: { id: ID } } };

const state = (description: string) => answer(description, restorationSchema);
const empty = (description: string) => ({ type: 'null', description });

/** Schemas of the requests, by operation. */
export function restorationDocuments(fields: FieldsSchema, allowUrls: boolean) {
  return {
    restore: {
      tags: TAGS,
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
      body: formSchema(fields, allowUrls),
      response: {
        200: withJson(
          pictureAnswer('The restored picture, or what was asked for with Accept: its description, also at Location'),
          restorationSchema,
        ),
        202: state('It is queued; its state is at Location'),
        ...problems(408, 413, 415, 422, 502, 504),
      },
    },
    getRestoration: {
      ...ONE,
      operationId: 'getRestoration',
      summary: 'How far it is',
      description: 'Its state, what was found, and, once it is done, where its pictures are.',
      response: { 200: state('Its state'), ...problems(404) },
    },
    followRestoration: {
      ...ONE,
      operationId: 'followRestoration',
      summary: 'Its state whenever it changes, as server-sent events',
      description:
        'Events are named progress, done, failed and cancelled; their data is the state. The last one ends it.',
      response: {
        200: answer('The events', { type: 'string' }, 'text/event-stream'),
        204: empty('The last event was received already'),
        ...problems(404),
      },
    },
    getResult: {
      ...ONE,
      querystring: { type: 'object', properties: { part: { type: 'string', description: 'Default: restored' } } },
      operationId: 'getResult',
      summary: 'The restored picture, or another one that was asked for',
      description:
        'With `ETag`: `If-None-Match` asks whether it is still the same. `Range` asks for one part of its bytes.',
      response: {
        200: pictureAnswer('The picture'),
        206: pictureAnswer('The part of it that Range asks for'),
        304: empty('It is what If-None-Match names'),
        ...problems(404, 409, 416, 499, 502, 504),
      },
    },
    deleteRestoration: {
      ...ONE,
      operationId: 'deleteRestoration',
      summary: 'Cancel it, or forget it if it is finished',
      description: 'Waiting clients are informed. The photo, the results and everything else about it are deleted.',
      response: { 204: empty('Done'), ...problems(404) },
    },
  };
}
