/**
 * The service on several processes, as it is run: the real program, a real Redis, the real engine on a tiny model; workers
 * that are killed, and a server that is stopped.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { Clearword } from '../../src/index.ts';
import { FolderStore } from '../../src/store/folder-store.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { PROGRAM } from '../support/program.ts';
import { freePort, hasRedis, REDIS_NOTE, startRedis } from '../support/redis-server.ts';
import { formOf } from '../support/server.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const PICTURES = 60;
const WORKERS = 3;
/** After how many results a worker is killed. */
const KILLS = [15, 45];
/** Several programs compete for the cores of the test machine. */
const SLOW = 600_000;

const folder = await temporaryFolder();
const redis = hasRedis ? await startRedis(folder) : undefined;
const path = (...names: string[]) => join(folder, ...names);
const model = path('tiny.safetensors');

interface Program {
  readonly child: ChildProcess;
  /** Objects on standard output so far. */
  readonly lines: Record<string, unknown>[];
  readonly errors: () => string;
  readonly ended: Promise<number | null>;
  until(check: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
}

const programs: Program[] = [];
afterAll(async () => {
  for (const { child } of programs) if (child.exitCode === null) child.kill('SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
});

/** Starts `clearword` with standard output as JSON lines. */
function start(args: readonly string[], onLine: (line: Record<string, unknown>) => void = () => {}): Program {
  const child = spawn(process.execPath, [...PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Record<string, unknown>;
    lines.push(line);
    onLine(line);
    for (const look of waiting) look();
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const until = (check: (line: Record<string, unknown>) => boolean) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const look = () => {
        const found = lines.find(check);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void ended.then((code) => reject(new Error(`clearword ${args[0]} ended with ${code}: ${errors}`)));
    });
  const program = { child, lines, ended, until, errors: () => errors };
  programs.push(program);
  return program;
}

const picture = (i: number) => encodeImage(patternPicture(16 + (i % 20), 16 + Math.floor(i / 20)), { format: 'png' });
const working = (line: Record<string, unknown>) => line.msg === 'working' || line.msg === 'listening';

beforeAll(async () => {
  await writeTinyModel(model);
  await mkdir(path('photos'));
  for (let i = 0; i < PICTURES; i++) {
    await writeFile(path('photos', `${i}.png`), await picture(i));
  }
  // Two that cannot be restored, each in its own way.
  await writeFile(path('photos', 'broken.png'), (await picture(7)).subarray(0, 60));
  await writeFile(path('photos', 'text.jpg'), 'no picture');
});

describe(`workers on Redis${REDIS_NOTE}`, () => {
  const queue = ['--queue', redis?.url ?? '', '--queue-name', 'e2e', '--lease', '2'];
  const common = [...queue, '--store', path('store'), '--model', model];
  const batch = ['batch', path('photos'), '-o', path('restored'), '--json', ...common];

  it.skipIf(!hasRedis)(
    `restore ${PICTURES} photos, each once in the results, though two of ${WORKERS} are killed`,
    async () => {
      const workers = Array.from({ length: WORKERS }, () => start(['worker', ...common, '--threads', '1']));
      await Promise.all(workers.map((worker) => worker.until(working)));
      let restored = 0;
      const killed: (number | undefined)[] = [];
      const client = start(batch, ({ status }) => {
        if (status === 'restored' && ++restored === KILLS[killed.length]) {
          const { child } = workers[killed.length] as Program;
          killed.push(child.pid);
          child.kill('SIGKILL');
        }
      });
      expect([await client.ended, client.errors()]).toEqual([
        1,
        expect.stringContaining(`${PICTURES} restored, 0 unchanged, 0 skipped, 2 set aside`),
      ]);
      expect(killed).toHaveLength(2);
      expect(await workers[0]?.ended).toBeNull();
      expect(await workers[1]?.ended).toBeNull();
      expect(workers[2]?.child.exitCode).toBeNull();

      // Each once: in what was told, in the ledger, and as a file.
      const names = Array.from({ length: PICTURES }, (_, i) => `${i}.png`).sort();
      const told = client.lines.filter(({ status }) => status === 'restored').map(({ input }) => input);
      expect(told.sort()).toEqual(names);
      const files = (await readdir(path('restored'))).filter((name) => name !== '.clearword-batch');
      expect(files.sort()).toEqual(names);
      const segments = await readdir(path('restored', '.clearword-batch', 'ledger'));
      const ledger = await Promise.all(
        segments.map((name) => readFile(path('restored', '.clearword-batch', 'ledger', name), 'utf8')),
      );
      const recorded = ledger
        .join('')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { key: string; status: string });
      const inLedger = recorded.filter(({ status }) => status === 'restored').map(({ key }) => key);
      expect(inLedger.sort()).toEqual(names);
      const setAside = await readFile(path('restored', '.clearword-batch', 'set-aside.jsonl'), 'utf8');
      const codes = setAside
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { key: string; error: { code: string } })
        .map(({ key, error }) => `${key} ${error.code}`);
      expect(codes.sort()).toEqual(['broken.png IMAGE_DAMAGED', 'text.jpg NOT_AN_IMAGE']);
    },
    SLOW,
  );

  it.skipIf(!hasRedis)(
    'give the bytes that the library gives',
    async () => {
      const clearword = await Clearword.load({ model });
      try {
        for (let i = 0; i < PICTURES; i += 23) {
          const expected = await (await clearword.restore(path('photos', `${i}.png`))).toBuffer();
          const written = await readFile(path('restored', `${i}.png`));
          expect([i, written.equals(expected)]).toEqual([i, true]);
        }
      } finally {
        await clearword.dispose();
      }
    },
    SLOW,
  );

  it.skipIf(!hasRedis)(
    'have nothing to do when the same command is given again; nothing stays in the store',
    async () => {
      const again = start(batch);
      expect([await again.ended, again.errors()]).toEqual([
        1,
        expect.stringContaining(`0 restored, 0 unchanged, ${PICTURES} skipped, 2 set aside`),
      ]);
      // A worker that was killed while it wrote has left a file that nobody may touch while its writer could live.
      const left = await readdir(path('store'), { recursive: true, withFileTypes: true });
      const files = left.filter((entry) => entry.isFile());
      expect(files.length).toBeLessThanOrEqual(KILLS.length);
      for (const { name } of files) expect(name).toMatch(/^\.clearword-.*\.tmp$/);
      const longAgo = new Date(Date.now() - 2 * 3_600_000);
      for (const { name, parentPath } of left) await utimes(join(parentPath, name), longAgo, longAgo);
      for await (const { key } of (await FolderStore.open(path('store'))).list('')) expect(key).toBe('nothing');
      expect(await readdir(path('store'), { recursive: true })).toEqual([]);
    },
    SLOW,
  );

  it.skipIf(!hasRedis)(
    'work for servers, too, and stop when they are told',
    async () => {
      const port = String(await freePort());
      const server = start(['serve', ...common, '--processes', '0', '--port', port]);
      const { url } = await server.until(working);
      const body = () => formOf({ image: image as Uint8Array });
      const image: Uint8Array = await picture(0);
      const response = await fetch(`${url}/v1/restorations`, { method: 'POST', body: body() });
      expect(response.status).toBe(200);
      const restored = Buffer.from(await response.arrayBuffer());
      expect(restored.equals(await readFile(path('restored', '0.png')))).toBe(true);
      const inspection = await fetch(`${url}/v1/inspections`, { method: 'POST', body: body() });
      expect([inspection.status, await inspection.json()]).toMatchObject([200, { width: 16, height: 16 }]);
      const remaining = programs.filter(({ child }) => child.exitCode === null && child.signalCode === null);
      expect(remaining).toHaveLength(2);
      for (const { child } of remaining) child.kill('SIGTERM');
      expect(await Promise.all(remaining.map(({ ended }) => ended))).toEqual([143, 143]);
      expect(server.lines.at(-1)?.msg).toBe('stopped');
    },
    SLOW,
  );
});

describe('without Redis', () => {
  it(
    'a batch restores here, and goes on after it was killed',
    async () => {
      const args = [path('photos'), '-o', path('here'), '--store', path('here-store'), '--model', model, '--json'];
      let restored = 0;
      const first = start(['batch', ...args], ({ status }) => {
        if (status === 'restored' && ++restored === 10) first.child.kill('SIGKILL');
      });
      expect(await first.ended).toBeNull();
      const second = start(['batch', ...args]);
      expect(await second.ended).toBe(1);
      const { length: skipped } = second.lines.filter(({ status }) => status === 'skipped');
      const { length: more } = second.lines.filter(({ status }) => status === 'restored');
      expect(skipped + more).toBe(PICTURES);
      const files = (await readdir(path('here'))).filter((name) => name.endsWith('.png'));
      expect(files).toHaveLength(PICTURES);
    },
    SLOW,
  );

  it(
    'a server finds its jobs again after it was killed, and keeps its folder to itself',
    async () => {
      const port = String(await freePort());
      const args = ['serve', '--store', path('serve-store'), '--model', model, '--port', port];
      const first = start(args);
      const { url } = await first.until(working);
      const other = start([
        'serve',
        '--store',
        path('serve-store'),
        '--model',
        model,
        '--port',
        String(await freePort()),
      ]);
      expect(await other.ended).toBe(1);
      expect(other.errors()).toContain('error STORE_FAILED');
      // Long enough to be killed within it.
      const image = await encodeImage(patternPicture(900, 700), { format: 'png' });
      const body = formOf({ image, steps: '20', tile: '64' });
      const headers = { prefer: 'respond-async' };
      const response = await fetch(`${url}/v1/restorations`, { method: 'POST', body, headers });
      expect(response.status).toBe(202);
      const { id } = (await response.json()) as { id: string };
      first.child.kill('SIGKILL');
      await first.ended;
      const second = start(args);
      await second.until(working);
      const state = (await (await fetch(`${url}/v1/restorations/${id}`)).json()) as { status: string };
      expect(['queued', 'running']).toContain(state.status);
      expect((await fetch(`${url}/v1/restorations/${id}`, { method: 'DELETE' })).status).toBe(204);
      second.child.kill('SIGTERM');
      expect(await second.ended).toBe(143);
    },
    SLOW,
  );

  it('commands that need a queue say so', async () => {
    const worker = start(['worker', '--queue', 'embedded']);
    expect([await worker.ended, worker.errors()]).toEqual([2, expect.stringContaining('expected redis://')]);
    const unreachable = start(['worker', '--queue', 'redis://127.0.0.1:1', '--model', model, '--store', path('x')]);
    expect([await unreachable.ended, unreachable.errors()]).toEqual([1, expect.stringContaining('error UNAVAILABLE')]);
  });
});
