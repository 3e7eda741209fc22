/**
 * Stand-ins of the model for processes of their own.
 *
 * @module
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The variable that names the folder of compiled loaders. */
export const COMPILED = 'CLEARWORD_TEST_LOADERS';

/** The module to load: `settings.loader` of inference processes. */
export function loaderModule(name: 'fake-loader' | 'careful-loader'): string {
  const compiled = process.env[COMPILED];
  return compiled === undefined
    ? new URL(`./${name}.ts`, import.meta.url).href
    : pathToFileURL(join(compiled, `${name}.mjs`)).href;
}
