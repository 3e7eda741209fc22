/**
 * Compiles the stand-ins of the model for processes of the built program, which cannot read TypeScript.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { builtProgram } from './built-program.ts';
import { COMPILED } from './loaders.ts';

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  const program = process.env.CLEARWORD_PROGRAM;
  if (program === undefined) return undefined;
  // Among the packages, so that what they import is found.
  const outDir = await mkdtemp(fileURLToPath(new URL('../../node_modules/.loaders-', import.meta.url)));
  const entry = (name: string) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  await build({
    configFile: false,
    logLevel: 'warn',
    plugins: builtProgram(program),
    build: {
      ssr: true,
      outDir,
      emptyOutDir: false,
      rollupOptions: {
        input: { 'fake-loader': entry('fake-loader'), 'careful-loader': entry('careful-loader') },
        output: { entryFileNames: '[name].mjs' },
      },
    },
  });
  // For the processes of the tests, which inherit it.
  process.env[COMPILED] = outDir;
  return () => rm(outDir, { recursive: true, force: true });
}
