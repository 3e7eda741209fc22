/**
 * What the commands of the service have in common: packages besides Clearword's own dependencies, and which model.
 *
 * @module
 */
import { importOptional } from '../optional-package.ts';
import type { InferenceSettings } from '../queue/inference-protocol.ts';

/** The optional packages of the server in package.json; those of Redis and S3 are asked for where they are used. */
const PACKAGES = [
  'fastify',
  '@fastify/multipart',
  '@fastify/rate-limit',
  '@fastify/static',
  '@fastify/swagger',
  '@fastify/swagger-ui',
  'ipaddr.js',
  'pino',
  'prom-client',
] as const;

/** Imports modules of the service. Errors: PACKAGE_MISSING with the command that installs everything. */
export function importService<T>(load: () => Promise<T>): Promise<T> {
  return importOptional('the service', load, PACKAGES);
}

/** The model's options as the processes take them. */
export function inferenceOf({
  model,
  encoders,
  descriptor,
  device,
}: {
  readonly model?: string | undefined;
  readonly encoders?: string | undefined;
  readonly descriptor?: string | undefined;
  readonly device: InferenceSettings['device'];
}): Omit<InferenceSettings, 'store' | 'threads'> {
  return {
    device,
    ...(model !== undefined && { model }),
    ...(encoders !== undefined && { encoders }),
    ...(descriptor !== undefined && { descriptor }),
  };
}
