import { spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import { PYTHON, required } from '../../../test/support/required.ts';
import { PyTorchProcess } from './process.ts';
import { findPython, probePyTorch } from './python.ts';

const { missing, note } = required('pytorch');
const started: PyTorchProcess[] = [];
afterEach(() => Promise.all(started.splice(0).map((each) => each.close())));

function start(): PyTorchProcess {
  const child = new PyTorchProcess(PYTHON, { threads: 1 });
  started.push(child);
  return child;
}

const alive = (pid: number) => spawnSync('kill', ['-0', `${pid}`]).status === 0;
const gone = async (pid: number) => {
  for (let i = 0; i < 200 && alive(pid); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  return !alive(pid);
};

describe('the notes of a process', () => {
  it('are whole lines, however the pipe cuts them', async () => {
    const python = join(await temporaryFolder(), 'python');
    const parts = ['a library: ', 'speaks\\nclearword', '_torch: one ', 'note\\nclearword_torch: another\\n'];
    const lines = parts.map((part) => `printf '${part}' >&2; sleep 0.2`);
    await writeFile(python, ['#!/bin/sh', ...lines].join('\n'), { mode: 0o755 });
    const notes: string[] = [];
    const child = new PyTorchProcess(python, { onNote: (each) => notes.push(each) });
    await expect(child.ask({ kind: 'vectors' })).rejects.toThrow('ended with code 0');
    expect(notes).toEqual(['one note', 'another']);
  });
});

describe('looking for Python', () => {
  it('says what is missing and how to get it', async () => {
    await expect(findPython('/nowhere/python')).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      message: 'engine pytorch: expected a Python interpreter, found none as /nowhere/python',
      fix: expect.stringContaining('pip install torch'),
    });
  });
});

describe.skipIf(missing)(`a PyTorch process${note}`, () => {
  it('tells its version before it is started', async () => {
    expect(await probePyTorch(PYTHON)).toMatchObject({ torch: expect.stringMatching(/^\d+\.\d+/) });
  });

  it('answers what it does not understand with an error, and goes on', async () => {
    const child = start();
    await expect(child.ask({ kind: 'step' })).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: 'PyTorch: ValueError: expected open first, received step',
      fix: expect.stringContaining('--resume'),
    });
    await expect(child.ask({ kind: 'vectors' })).rejects.toThrow('expected open first');
  });

  it('ends with its last words where a request fails that nobody waits for', async () => {
    const child = start();
    child.tell({ kind: 'batch', slot: 0, forget: [] });
    const answer = child.ask({ kind: 'vectors' });
    await expect(answer).rejects.toThrow(/ended with code 1; its last words:\n.*open first, received batch$/s);
  });

  it('that is killed rejects what is under way, and everything after', async () => {
    const child = start();
    await child.ask({ kind: 'step' }).catch(() => undefined);
    process.kill(child.pid, 'SIGSTOP');
    const waiting = expect(child.ask({ kind: 'vectors' })).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
    process.kill(child.pid, 'SIGKILL');
    await waiting;
    await expect(child.ask({ kind: 'vectors' })).rejects.toThrow('SIGKILL');
  });

  it('ends with its parent, however that ends', async () => {
    const url = new URL('./process.ts', import.meta.url).href;
    const code = `import { PyTorchProcess } from ${JSON.stringify(url)};
const child = new PyTorchProcess(${JSON.stringify(PYTHON)}, { threads: 1 });
child.ask({ kind: 'vectors' }).catch(() => console.log(child.pid));`;
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { cwd: root });
    const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (text) => resolve(Number(text))));
    expect(alive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
  });
});
