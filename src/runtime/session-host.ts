/**
 * The sessions of one thread, over either build of ONNX Runtime: both have the same JavaScript interface.
 *
 * @module
 */
import type * as ort from 'onnxruntime-common';
import type { HostTensor, HostTensors, Reply, Request, RunReply, SessionOptions } from './protocol.ts';

interface Loaded {
  readonly session: ort.InferenceSession;
  readonly resident: SessionOptions['resident'];
  /** Current values of the resident inputs. */
  readonly values: Map<string, ort.Tensor>;
  /** Buffers of the run before, which the next run writes into. */
  readonly spare: Map<string, ort.Tensor>;
}

/** What a host needs of the runtime. */
export interface Runtime {
  readonly Tensor: ort.TensorConstructor;
  create(model: Uint8Array, options: SessionOptions): Promise<ort.InferenceSession>;
}

function toHost(tensor: ort.Tensor): HostTensor {
  return { dtype: tensor.type as HostTensor['dtype'], shape: [...tensor.dims], data: tensor.data as Float32Array };
}

/** Answers requests; the caller sees to it that they come one after the other. */
export class SessionHost {
  readonly #runtime: Runtime;
  readonly #sessions = new Map<number, Loaded>();
  #next = 1;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** @throws what the runtime throws */
  async handle(request: Request): Promise<Extract<Reply, { ok: true }>['value']> {
    switch (request.kind) {
      case 'load':
        return this.#load(request.model, request.options);
      case 'run':
        return this.#run(request.session, request.feeds);
      case 'write': {
        const { values, spare } = this.#loaded(request.session);
        for (const [name, value] of Object.entries(request.values)) {
          // A copy, because later runs write into it, and two names may have come with one array.
          values.set(name, this.#toRuntime({ ...value, data: value.data.slice() }));
          spare.delete(name);
        }
        return undefined;
      }
      case 'read': {
        const { values } = this.#loaded(request.session);
        return Object.fromEntries([...values].map(([name, tensor]) => [name, toHost(tensor)]));
      }
      case 'rollback': {
        const { values, spare } = this.#loaded(request.session);
        for (const [name, before] of [...spare]) {
          const current = values.get(name);
          values.set(name, before);
          if (current) spare.set(name, current);
        }
        return undefined;
      }
      case 'release':
        await this.#loaded(request.session).session.release();
        this.#sessions.delete(request.session);
        return undefined;
      case 'close':
        return undefined;
    }
  }

  async #load(model: Uint8Array, options: SessionOptions): Promise<number> {
    const session = await this.#runtime.create(model, options);
    const id = this.#next++;
    this.#sessions.set(id, { session, resident: options.resident, values: new Map(), spare: new Map() });
    return id;
  }

  async #run(id: number, feeds: HostTensors): Promise<RunReply> {
    const { session, resident, values, spare } = this.#loaded(id);
    const inputs: Record<string, ort.Tensor> = Object.fromEntries(values);
    for (const [name, value] of Object.entries(feeds)) inputs[name] = this.#toRuntime(value);
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

  #loaded(id: number): Loaded {
    const entry = this.#sessions.get(id);
    if (!entry) throw new Error(`session ${id} is not loaded`);
    return entry;
  }

  #toRuntime({ dtype, data, shape }: HostTensor): ort.Tensor {
    // The runtime's own types pair each element type with one array class, which HostTensor does not express.
    return new this.#runtime.Tensor(dtype as 'float32', data as Float32Array, shape as number[]);
  }
}
