/**
 * A rank on another machine: one that was started by hand.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { PYTHON, required } from '../../../test/support/required.ts';
import { pythonEnvironment } from './python.ts';

const { missing, note } = required('pytorch');
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Joins the other rank, waits for a line, and ends with or without a word to it. */
const LEADER = `import os, sys
from clearword_torch.ranks import Ranks
ranks = Ranks.lead(1)
print("joined", flush=True)
if sys.stdin.readline() == "close\\n":
    ranks.close()
os._exit(0)`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Rank 0, and a shell that has started rank 1. */
async function pair() {
  const common = { WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${await freePort()}` };
  const env = { ...pythonEnvironment(), ...common };
  const leader = spawn(PYTHON, ['-c', LEADER], { env: { ...env, RANK: '0' } });
  const command = `${PYTHON} -m clearword_torch.follow & echo $!; read line; [ "$line" = leave ] || wait; echo $?`;
  const shell = spawn('sh', ['-c', command], { env: { ...env, RANK: '1' } });
  started.push(leader, shell);
  let words = '';
  shell.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  const [[pid]] = await Promise.all([once(shell.stdout, 'data'), once(leader.stdout, 'data')]);
  return { leader, shell, pid: Number(pid), words: () => words };
}

const alive = (pid: number) => spawnSync('kill', ['-0', `${pid}`]).status === 0;

describe.skipIf(missing)(`a rank that was started by hand${note}`, () => {
  it('ends without a word where the run has ended', async () => {
    const { leader, shell, pid, words } = await pair();
    leader.stdin.write('close\n');
    shell.stdin.write('stay\n');
    for (let tries = 0; tries < 600 && alive(pid); tries++) await wait(50);
    expect(alive(pid)).toBe(false);
    expect(words()).not.toContain('rank 0 is gone');
  });

  it('outlives its shell, and says that rank 0 is gone', async () => {
    const { leader, shell, pid, words } = await pair();
    shell.stdin.write('leave\n');
    await once(shell, 'exit');
    await wait(500);
    expect(alive(pid)).toBe(true);
    leader.kill('SIGKILL');
    for (let tries = 0; tries < 600 && alive(pid); tries++) await wait(50);
    expect(words()).toMatch(/^rank 1: rank 0 is gone: /m);
  });
});
