import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { parseTrainConfig } from './config.ts';
import { openEngine } from './open-engine.ts';
import { initialVectors } from './optimisers/index.ts';
import { graphOptions } from './start.ts';
import { trainingLayout } from './training-graph.ts';

const data = { roots: { photos: ['photos'] }, patch: 32 };
const config = parseTrainConfig({ preset: 'tiny', batch: 2, steps: 1, threads: 1, data, engine: 'auto' }, 'test');
const options = graphOptions(config);

/** A pretended interpreter: what it answers when it is asked for PyTorch and its card; `nothing`: it cannot load it. */
async function interpreter(answer: object | 'nothing'): Promise<string> {
  const python = join(await temporaryFolder(), 'python');
  const probed = answer === 'nothing' ? 'exit 1' : `echo '${JSON.stringify(answer)}'; exit 0`;
  // Then the engine itself, which ends at once.
  const lines = ['case "$2" in *find_spec*) exit 0;; *get_device_name*)', `${probed};; esac`, 'exit 9'];
  await writeFile(python, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
  return python;
}

const card = { torch: '2.15.0', cuda: 'a card', bfloat16: false };
const processor = { torch: '2.15.0', cuda: null, bfloat16: true };

/** What is opened, and what is said; PyTorch that is opened ends at once here. */
async function choice(changes: object): Promise<{ chosen: string; notes: string[] }> {
  const notes: string[] = [];
  const vectors = initialVectors('adamw', new Float32Array(trainingLayout(options).size));
  const events = { onNote: (note: string) => notes.push(note) };
  try {
    const engine = await openEngine({ ...config, ...changes }, options, vectors, events);
    await engine.close();
    return { chosen: engine.description, notes };
  } catch (error) {
    return { chosen: String(error), notes };
  }
}

const PYTORCH = expect.stringContaining('the PyTorch process ended with code 9');
const BUILT_IN = 'ONNX Runtime on cpu';

describe('engine auto', () => {
  it('takes PyTorch where it has a card that the configuration does not exclude', async () => {
    const python = await interpreter(card);
    expect(await choice({ python })).toEqual({ chosen: PYTORCH, notes: [] });
    expect(await choice({ python, device: 'cuda' })).toEqual({ chosen: PYTORCH, notes: [] });
    expect(await choice({ python, device: 'cpu' })).toEqual({ chosen: BUILT_IN, notes: [] });
    const { chosen } = await choice({ python, device: 'webgpu' });
    expect(chosen).not.toEqual(PYTORCH);
    expect(await choice({ python: await interpreter({ ...card, cuda: null }) })).toEqual({
      chosen: BUILT_IN,
      notes: [],
    });
  });

  it('takes PyTorch on a processor that is faster in bfloat16, where that may be used', async () => {
    const python = await interpreter(processor);
    expect(await choice({ python })).toEqual({ chosen: PYTORCH, notes: [] });
    expect(await choice({ python, device: 'cpu' })).toEqual({ chosen: PYTORCH, notes: [] });
    expect(await choice({ python, precision: 'float32' })).toEqual({ chosen: BUILT_IN, notes: [] });
  });

  it('says so where the interpreter that is named cannot be used', async () => {
    const missing = 'engine pytorch: expected a Python interpreter, found none as /nowhere/python';
    expect(await choice({ python: '/nowhere/python' })).toEqual({
      chosen: BUILT_IN,
      notes: [`engine auto: PyTorch is not used: ${missing}`],
    });
    const python = await interpreter('nothing');
    expect(await choice({ python })).toEqual({
      chosen: BUILT_IN,
      notes: [`engine auto: PyTorch is not used: ${python} cannot load its PyTorch`],
    });
  });
});
