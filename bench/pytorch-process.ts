/**
 * PyTorch's side of a comparison: a Python process that holds one network and runs it when asked.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unflatten } from '../src/graph/parameters.ts';
import type { StoredTensor } from '../src/models/safetensors.ts';
import { writeSafetensors } from '../src/models/safetensors.ts';
import type { HostTensor } from '../src/runtime/protocol.ts';
import { RunsProcess } from './runs-process.ts';
import { type Bench, LEARNING_RATE, type StepBench } from './train-cases.ts';

const SCRIPT = fileURLToPath(new URL('pytorch/measure.py', import.meta.url));

/** The first of these that can import PyTorch and NumPy. */
export function findPython(asked?: string): string | undefined {
  const candidates = asked === undefined ? ['python3', '/usr/bin/python3', 'python'] : [asked];
  return candidates.find((python) => spawnSync(python, ['-c', 'import torch, numpy']).status === 0);
}

/**
 * Memory is not given back to the system between steps, and threads that wait do not spin against those that work: with
 * the defaults PyTorch is slower.
 */
const TUNING = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: '17179869184',
  OMP_WAIT_POLICY: 'passive',
};

export interface Loaded {
  readonly parameters: number;
  /** Peak of resident memory so far, MiB. */
  readonly memory?: number | null;
  readonly versions: { readonly python: string; readonly torch: string; readonly threads: number };
}

export function stored({ dtype, shape, data }: HostTensor): StoredTensor {
  const type = dtype === 'float32' ? 'F32' : dtype === 'int64' ? 'I64' : undefined;
  if (!type) throw new Error(`expected float32 or int64, received ${dtype}`);
  return { dtype: type, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** Network, weights and inputs as one safetensors file; a forward pass also with the output that is expected. */
async function writeBench(path: string, bench: Bench, expected?: HostTensor): Promise<void> {
  const tensors = new Map<string, StoredTensor>();
  const values = unflatten(bench.layout, bench.parameters);
  for (const { name, shape } of bench.layout.entries) {
    const data = values.get(name) ?? new Float32Array();
    tensors.set(`parameter.${name}`, stored({ dtype: 'float32', shape, data }));
  }
  for (const [name, value] of Object.entries(bench.feeds)) tensors.set(`input.${name}`, stored(value));
  if (expected) tensors.set('expected', stored(expected));
  const { loss, optimiser, auxiliary } = bench as Partial<StepBench>;
  const { clipNorm } = optimiser ?? {};
  const settings = {
    preset: bench.preset,
    learningRate: LEARNING_RATE,
    loss,
    auxiliary,
    // JSON has no infinity.
    ...(optimiser && { optimiser: { ...optimiser, clipNorm: Number.isFinite(clipNorm) ? clipNorm : null } }),
  };
  await writeFile(path, writeSafetensors({ tensors, metadata: { settings: JSON.stringify(settings) } }));
}

export interface StartOptions {
  readonly threads: number;
  /** Time that passes, or time that the process spends computing. */
  readonly clock: 'wall' | 'cpu';
  /** What a forward pass should give. */
  readonly expected?: HostTensor | undefined;
  /** Without the tuning it is slower, and gives memory back. */
  readonly tuned?: boolean;
  /** For a forward pass: through torch.compile, and under autocast. */
  readonly options?: readonly ('compile' | 'bfloat16')[];
}

/** Starts PyTorch's side, a Python process that holds one network and runs it when asked. */
export const PyTorch = {
  /** Gives it a network. */
  async start(
    python: string,
    bench: Bench,
    { threads, clock, expected, tuned = true, options = [] }: StartOptions,
  ): Promise<PyTorch> {
    const folder = await mkdtemp(join(tmpdir(), 'clearword-bench-'));
    try {
      const file = join(folder, 'bench.safetensors');
      await writeBench(file, bench, expected);
      const counts = { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) };
      const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...(tuned && TUNING), ...counts };
      return await RunsProcess.start('PyTorch', python, [SCRIPT, file, String(threads), clock, ...options], env);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
export type PyTorch = RunsProcess<Loaded>;
