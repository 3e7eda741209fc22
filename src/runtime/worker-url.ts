/**
 * Starting worker threads from sources and from the built package alike.
 *
 * @module
 */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts the module `name` (without its ending) that lies beside the caller.
 *
 * From TypeScript sources the thread first registers tsx, which is a development dependency; from the built package it
 * runs the compiled file as it is.
 *
 * @param caller `import.meta.url` of the caller
 * @param name path of the worker module relative to the caller, such as `./loader-worker`
 */
export function startWorker(caller: string, name: string, options: WorkerOptions = {}): Worker {
  const fromSource = caller.endsWith('.ts');
  const url = new URL(`${name}${fromSource ? '.ts' : '.js'}`, caller);
  if (!fromSource) return new Worker(url, options);
  // `--import tsx` registers in the main thread only, and under a test runner the main thread has other hooks.
  const tsx = import.meta.resolve('tsx/esm/api');
  const bootstrap = `import(${JSON.stringify(tsx)}).then((tsx) => { tsx.register(); return import(${JSON.stringify(url.href)}); })`;
  return new Worker(bootstrap, { ...options, eval: true });
}
