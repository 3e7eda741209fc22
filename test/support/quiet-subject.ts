/**
 * Programs that are watched for what they leave behind and whom they call: `quiet-subject.ts <program> <photo>`.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import * as f from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { emitModel } from '../../src/graph/onnx/emit.ts';
import { Clearword } from '../../src/index.ts';

const [, , program, photo] = isMainThread ? process.argv : (workerData as string[]);

async function restore(): Promise<void> {
  const clearword = await Clearword.load();
  await clearword.restore(photo ?? '');
  await clearword.dispose();
}

const PROGRAMS: Readonly<Record<string, () => Promise<void>>> = {
  library: restore,
  /** The library in a thread of the program's own, whose environment is a copy. */
  async thread() {
    if (!isMainThread) return restore();
    const tsx = import.meta.resolve('tsx/esm/api');
    const code = `import(${JSON.stringify(tsx)}).then((tsx) => { tsx.register(); return import(${JSON.stringify(import.meta.url)}); })`;
    const worker = new Worker(code, { eval: true, workerData: ['', fileURLToPath(import.meta.url), program, photo] });
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the thread ended with ${code}`))));
    });
  },
  /** The runtime as it comes, to see that whoever watches would see something. */
  async runtime() {
    const { InferenceSession } = await import('onnxruntime-node');
    const graph = new Graph();
    graph.output('y', f.sqrt(graph.input('x', [1])));
    await InferenceSession.create(emitModel(graph));
  },
};

await PROGRAMS[program ?? '']?.();
if (isMainThread) process.stdout.write('done\n');
