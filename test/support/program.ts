/**
 * `clearword` as a program of its own. With CLEARWORD_PROGRAM=file tests run what was built there, which starts several times
 * as fast as the sources, together with the processes and threads that it starts itself.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';

const BUILT = process.env.CLEARWORD_PROGRAM;
const SOURCE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Arguments of Node that start the program; those of the command line follow. */
export const PROGRAM: readonly string[] =
  BUILT === undefined ? ['--import', import.meta.resolve('tsx'), SOURCE] : [BUILT];
