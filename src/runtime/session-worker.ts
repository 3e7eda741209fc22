/**
 * The thread that owns ONNX Runtime sessions. `run` blocks the thread that calls it, so no other thread calls it.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import {
  FLAG,
  type HostTensor,
  type HostTensors,
  type Reply,
  type Request,
  type RunReply,
  type SessionOptions,
} from './protocol.ts';

interface Loaded {
  readonly session: ort.InferenceSession;
  readonly resident: SessionOptions['resident'];
  /** Current values of the resident inputs. */
  readonly values: Map<string, ort.Tensor>;
  /** Buffers of the run before, which the next run writes into. */
  readonly spare: Map<string, ort.Tensor>;
}

const sessions = new Map<number, Loaded>();
let nextSession = 1;

function toRuntime({ dtype, data, shape }: HostTensor): ort.Tensor {
  // The runtime's own types pair each element type with one array class, which HostTensor does not express.
  return new ort.Tensor(dtype as 'float32', data as Float32Array, shape as number[]);
}

function toHost(tensor: ort.Tensor): HostTensor {
  return { dtype: tensor.type as HostTensor['dtype'], shape: [...tensor.dims], data: tensor.data as Float32Array };
}

async function load(model: Uint8Array, { device, threads, resident }: SessionOptions): Promise<number> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'all',
    // Errors come back as exceptions; the runtime's own log lines would break progress bars and JSON output.
    logSeverityLevel: 4,
  });
  const id = nextSession++;
  sessions.set(id, { session, resident, values: new Map(), spare: new Map() });
  return id;
}

function loaded(id: number): Loaded {
  const entry = sessions.get(id);
  if (!entry) throw new Error(`session ${id} is not loaded`);
  return entry;
}

async function run(id: number, feeds: HostTensors): Promise<RunReply> {
  const { session, resident, values, spare } = loaded(id);
  const inputs: Record<string, ort.Tensor> = Object.fromEntries(values);
  for (const [name, value] of Object.entries(feeds)) inputs[name] = toRuntime(value);
  const kept = new Map(Object.entries(resident).map(([input, output]) => [output, input]));
  // Resident results are written over the values of two runs ago: nothing is allocated or copied in steady state.
  const fetches: Record<string, ort.Tensor | null> = {};
  for (const name of session.outputNames) fetches[name] = spare.get(kept.get(name) ?? '') ?? null;
  const start = performance.now();
  const results = await session.run(inputs, fetches);
  const busy = performance.now() - start;
  const outputs: Record<string, HostTensor> = {};
  for (const [name, tensor] of Object.entries(results)) {
    const input = kept.get(name);
    if (input === undefined) {
      outputs[name] = toHost(tensor);
      continue;
    }
    const before = values.get(input);
    if (before) spare.set(input, before);
    values.set(input, tensor);
  }
  return { outputs, busy };
}

async function handle(request: Request): Promise<Extract<Reply, { ok: true }>['value']> {
  switch (request.kind) {
    case 'load':
      return load(request.model, request.options);
    case 'run':
      return run(request.session, request.feeds);
    case 'write': {
      const { values, spare } = loaded(request.session);
      for (const [name, value] of Object.entries(request.values)) {
        // A copy, because later runs write into it, and two names may have come with one array.
        values.set(name, toRuntime({ ...value, data: value.data.slice() }));
        spare.delete(name);
      }
      return undefined;
    }
    case 'read':
      return Object.fromEntries([...loaded(request.session).values].map(([name, tensor]) => [name, toHost(tensor)]));
    case 'rollback': {
      const { values, spare } = loaded(request.session);
      for (const [name, before] of [...spare]) {
        const current = values.get(name);
        values.set(name, before);
        if (current) spare.set(name, current);
      }
      return undefined;
    }
    case 'release': {
      await loaded(request.session).session.release();
      sessions.delete(request.session);
      return undefined;
    }
    case 'close':
      return undefined;
  }
}

const port = parentPort;
if (!port) throw new Error('session-worker runs in a worker thread');
const { flags } = workerData as { flags: Int32Array };

// One after the other: some providers allow a single run at a time in a process.
let queue: Promise<void> = Promise.resolve();
port.on('message', ({ id, request }: { id: number; request: Request }) => {
  queue = queue.then(async () => {
    let reply: Reply;
    Atomics.store(flags, FLAG.busy, 1);
    try {
      if (Atomics.load(flags, FLAG.closing) && request.kind !== 'close') throw new Error('the engine was closed');
      reply = { id, ok: true, value: await handle(request) };
    } catch (error) {
      reply = { id, ok: false, message: error instanceof Error ? error.message : String(error) };
    }
    Atomics.store(flags, FLAG.busy, 0);
    Atomics.notify(flags, FLAG.busy);
    port.postMessage(reply);
  });
});
