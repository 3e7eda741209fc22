/**
 * What the commands of the service need besides Clearword's own dependencies.
 *
 * @module
 */
import { importOptional } from '../store/optional-package.ts';

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
