/**
 * What the OpenAPI document says about bodies and answers.
 *
 * @module
 */

import { KNOWN_DEGRADATIONS, listInWords } from '../degradations/index.ts';
import { catalogue } from '../errors.ts';
import { IMAGE_FORMATS } from '../image/image-signature.ts';
import { FINISHED } from '../queue/job.ts';
import { VERSION } from '../version.ts';
import { documentFields, type FieldsSchema } from './fields.ts';
import { PROBLEM_TYPE } from './problem.ts';

const text = (description: string) => ({ type: 'string', description });
const number = (description: string, bounds: object = {}) => ({ type: 'number', description, ...bounds });
const share = (description: string) => number(description, { minimum: 0, maximum: 1 });
const moment = (description: string) => ({ type: 'string', format: 'date-time', description });

export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'Clearword',
    version: VERSION,
    description:
      `Photographs restored with words: removes ${listInWords(KNOWN_DEGRADATIONS)}. ` +
      'Errors are application/problem+json with stable codes.',
    contact: { name: 'The developers of Clearword' },
    license: { name: 'MIT', identifier: 'MIT' },
  },
  // Whatever its address is.
  servers: [{ url: '/', description: 'This server' }],
  tags: [
    { name: 'pictures', description: 'Restoring and inspecting' },
    { name: 'operation', description: 'For whoever runs the server' },
  ],
  components: {
    securitySchemes: {
      key: { type: 'http', scheme: 'bearer', description: 'Only if the operator gives out keys' },
    },
  },
  // Keys are optional: servers without them ask for nothing.
  security: [{}, { key: [] }],
} as const;

export const modelsSchema = {
  type: 'object',
  required: ['models'],
  properties: {
    models: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'hash', 'guided'],
        properties: {
          name: text('What it is called'),
          hash: text('SHA-256 of its weights, hex'),
          guided: {
            type: 'boolean',
            description: 'Whether it takes prompt, steps, sampler, seed, samples and strength, or none of them',
          },
        },
      },
    },
  },
};

const degradations = {
  type: 'object',
  description: 'For each degradation the probability that the picture has it, and its strength',
  additionalProperties: {
    type: 'object',
    required: ['probability', 'strength', 'verdict'],
    properties: {
      probability: share('That it is there'),
      strength: share('How strong it is'),
      verdict: {
        type: 'string',
        enum: ['found', 'perhaps', 'absent'],
        description: "What follows by the model's own thresholds",
      },
    },
  },
};

const names = (description: string) => ({ type: 'array', items: { type: 'string' }, description });

const prompt = {
  type: 'object',
  description: 'How the prompt was read',
  required: ['understood', 'remove', 'keep'],
  properties: {
    understood: { type: 'boolean', description: 'If not, everything found is removed' },
    remove: names('What it lets go: what it names, or all that it does not ask to stay'),
    keep: names('What it asks to stay'),
  },
};

const decision = {
  type: 'object',
  description: 'What was done, and why',
  required: ['status', 'removing', 'perhaps'],
  properties: {
    status: {
      type: 'string',
      enum: ['restored', 'unchanged'],
      description: 'unchanged: nothing was found or asked for, and the result is the file that was sent',
    },
    removing: names('What was removed'),
    perhaps: names('What may be there, and was left alone because the prompt does not name it'),
  },
};

export const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'fix'],
  properties: {
    type: text('A URN for the kind of error'),
    title: text('What this kind of error means'),
    status: { type: 'integer', description: 'The HTTP status' },
    detail: text('What was expected, for what, and what came'),
    code: { type: 'string', enum: Object.keys(catalogue), description: 'The stable code' },
    fix: text('What can be done about it'),
    requestId: text('Of the request, also in the header X-Request-Id and in the log of the server'),
  },
};

export const restorationSchema = {
  type: 'object',
  required: ['id', 'status', 'stage', 'fraction', 'attempts', 'created', 'links'],
  properties: {
    id: text('Also the secret by which a server without keys knows whose it is'),
    status: { type: 'string', enum: ['queued', 'running', ...FINISHED] },
    stage: { type: 'string', enum: ['read', 'inspect', 'restore'] },
    fraction: share('How much is done'),
    attempts: { type: 'integer', minimum: 0, description: 'Tries that have begun' },
    created: moment('When it was taken in'),
    started: moment('When the latest try began'),
    finished: moment('When it was finished'),
    seconds: number('Time that the work took, without waiting'),
    width: { type: 'integer' },
    height: { type: 'integer' },
    degradations,
    prompt,
    decision,
    provenance: { type: 'object', description: 'Model, prompt, seed and everything else that decides the result' },
    results: {
      type: 'array',
      description: 'The pictures; the first one is the result',
      items: {
        type: 'object',
        required: ['part', 'href', 'type', 'bytes'],
        properties: {
          part: text('restored, sample-1 and so on, uncertainty, comparison or states'),
          href: text('Where it is'),
          type: text('Media type'),
          bytes: { type: 'integer' },
          scale: number('Factor that the values of the uncertainty were brightened by'),
          times: { type: 'array', items: { type: 'number' }, description: 'Times of the states' },
        },
      },
    },
    error: { ...problemSchema, description: 'Why it failed, or why the last try did' },
    links: {
      type: 'object',
      required: ['self', 'events', 'result'],
      properties: { self: text('Its state'), events: text('Its events'), result: text('Its result') },
    },
  },
};

export const inspectionSchema = {
  type: 'object',
  required: ['format', 'width', 'height', 'degradations'],
  properties: {
    format: { type: 'string', enum: [...IMAGE_FORMATS] },
    width: { type: 'integer' },
    height: { type: 'integer' },
    degradations,
  },
};

/** The form of a picture with `fields`. */
export function formSchema(fields: FieldsSchema | undefined, urls: boolean) {
  return {
    type: 'object',
    required: urls ? [] : ['image'],
    additionalProperties: false,
    properties: {
      image: { type: 'string', format: 'binary', description: 'The picture, as a file' },
      ...(urls && {
        url: { type: 'string', format: 'uri', description: 'Public address of a picture, instead of image' },
      }),
      ...(fields && documentFields(fields)),
    },
  };
}

export const answer = (description: string, schema: object, type = 'application/json') => ({
  description,
  content: { [type]: { schema } },
});

export const pictureAnswer = (description: string) => ({
  description,
  content: Object.fromEntries(
    IMAGE_FORMATS.map((format) => [`image/${format}`, { schema: { type: 'string', format: 'binary' } }]),
  ),
});

/** An answer that may also be described. */
export const withJson = ({ description, content }: ReturnType<typeof pictureAnswer>, schema: object) => ({
  description,
  content: { ...content, 'application/json': { schema } },
});

/** The errors of a route under /v1. */
export function problems(...statuses: readonly number[]) {
  return problemsOf(400, 401, 403, 405, 429, 500, 503, ...statuses);
}

/** Errors by their statuses. */
export function problemsOf(...statuses: readonly number[]) {
  const entries = statuses.map((status) => {
    const codes = Object.entries(catalogue).filter(([, entry]) => entry.status === status);
    const description = codes.map(([code, { meaning }]) => `${code}: ${meaning}`).join(' ');
    return [status, answer(description, problemSchema, PROBLEM_TYPE.split(';')[0])] as const;
  });
  return Object.fromEntries(entries);
}
