/**
 * With CLEARWORD_PROGRAM=dist/cli/main.js, tests of programs import what was built there in the place of the sources: processes and
 * threads that it starts are then started from the build, too, several times as fast, and what is tested is what is published.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));

/** @param program the built program, undefined to leave imports as they are */
export function builtProgram(program: string | undefined): Plugin[] {
  if (program === undefined) return [];
  if (!existsSync(program)) throw new Error(`expected the built program, found no ${program}: npm run build`);
  const build = resolve(dirname(program), '..');
  return [
    {
      name: 'built-program',
      enforce: 'pre',
      resolveId(source, importer) {
        if (importer === undefined || !source.startsWith('.') || !source.endsWith('.ts')) return null;
        const path = relative(SOURCES, resolve(dirname(importer), source));
        if (path.startsWith('..')) return null;
        const built = resolve(build, path.replace(/\.ts$/, '.js'));
        // What is not built is for tests alone.
        return existsSync(built) ? { id: built, external: 'absolute' } : null;
      },
    },
  ];
}
