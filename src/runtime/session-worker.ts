/**
 * The thread that owns ONNX Runtime sessions. `run` blocks the thread that calls it, so no other thread calls it.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { discard, fillsBuffer } from './discard.ts';
import { onnxRuntime } from './onnx-runtime.ts';
import { maySpin, runtimeThreads } from './processors.ts';
import { FLAG, type Reply, type Request, type RunReply } from './protocol.ts';
import { SessionHost } from './session-host.ts';

const ort = await onnxRuntime();

const host = new SessionHost({
  Tensor: ort.Tensor,
  create: async (model, { device, threads, resident }) => {
    const training = Object.keys(resident).length > 0;
    const session = await ort.InferenceSession.create(model, {
      executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
      intraOpNumThreads: runtimeThreads(threads),
      graphOptimizationLevel: 'all',
      // Planned as one block, a run's memory lies beside what the first run took: for the paper's network a gigabyte more,
      // for no time less. A training step is run thousands of times and keeps what it has.
      enableMemPattern: training,
      ...(!training && !maySpin(threads) && { extra: { 'session.intra_op.allow_spinning': '0' } }),
      // Errors come back as exceptions; the runtime's own log lines would break progress bars and JSON output.
      logSeverityLevel: 4,
    });
    // This thread's own copy; the runtime has another.
    discard(model);
    return session;
  },
});

// The same for lines that belong to no session, such as a missing CUDA library.
ort.env.logLevel = 'fatal';

const port = parentPort;
if (!port) throw new Error('session-worker runs in a worker thread');
const { flags } = workerData as { flags: Int32Array };

/** What a run gave is nobody else's, and moves to the caller instead of being copied. */
function movedWith(reply: Reply): ArrayBuffer[] {
  if (!reply.ok || typeof reply.value !== 'object' || !('outputs' in reply.value)) return [];
  const { outputs } = reply.value as RunReply;
  const arrays = Object.values(outputs).map(({ data }) => data);
  return [...new Set(arrays.filter(fillsBuffer).map(({ buffer }) => buffer as ArrayBuffer))];
}

// One after the other: some providers allow a single run at a time in a process.
let queue: Promise<void> = Promise.resolve();
port.on('message', ({ id, request }: { id: number; request: Request }) => {
  queue = queue.then(async () => {
    let reply: Reply;
    Atomics.store(flags, FLAG.busy, 1);
    try {
      if (Atomics.load(flags, FLAG.closing) && request.kind !== 'close') throw new Error('the engine was closed');
      reply = { id, ok: true, value: await host.handle(request) };
      // Copies that only this thread has.
      if (request.kind === 'run') for (const { data } of Object.values(request.feeds)) discard(data);
    } catch (error) {
      reply = { id, ok: false, message: error instanceof Error ? error.message : String(error) };
    }
    Atomics.store(flags, FLAG.busy, 0);
    Atomics.notify(flags, FLAG.busy);
    port.postMessage(reply, movedWith(reply));
  });
});
