/**
 * Uses a server and its workers for as long as one likes, and ends their processes while they work.
 *
 *     npm run soak -- --minutes 30
 *
 * One server without processes of its own, a Redis, a folder and two workers with a small model. Clients send photos, each request
 * under an Idempotency-Key of its own and twice, and wait for the result. Every --kill-every seconds something is ended without
 * a warning: a worker, the process in which it computes, or the Redis, or the Redis is stopped for three seconds. What was
 * accepted has to be done, once, with the bytes that the same request always gives. The server and the first worker are never
 * ended, so that their memory tells of leaks.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { median, quantile } from '../bench/statistics.ts';
import { encodeImage } from '../src/image/image-encode.ts';
import { Random } from '../src/random/random.ts';
import { patternPicture } from '../test/support/pictures.ts';
import { writeTinyModel } from '../test/support/tiny-model.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    clients: { type: 'string', default: '4' },
    'kill-every': { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
});
const positive = (text: string) => z.coerce.number().positive().parse(text);
const [minutes, clients, killEvery] = [
  positive(values.minutes),
  positive(values.clients),
  positive(values['kill-every']),
];
const random = new Random(z.coerce.number().int().parse(values.seed));

/** Different requests; more than one so that results can be mixed up, few so that each is seen again. */
const SEEDS = 8;
/** Milliseconds that an accepted job may take, kills and tries included, before it counts as lost. */
const LOST_AFTER = 180_000;
/** Milliseconds between two looks at a job, and at memory. */
const [POLL, MEMORY] = [200, 5000];
/** Milliseconds for which a Redis is stopped. */
const FROZEN = 3000;

const folder = mkdtempSync(join(tmpdir(), 'clearword-soak-'));
const model = join(folder, 'tiny.safetensors');
await writeTinyModel(model);
const photo = await encodeImage(patternPicture(96, 64), { format: 'jpeg' });
const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

const listening = createServer().listen(0, '127.0.0.1');
await once(listening, 'listening');
const { port } = z.object({ port: z.number() }).parse(listening.address());
listening.close();
await once(listening, 'close');

/** Processes that were started and have not ended. */
const running = new Set<ChildProcess>();
function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

async function startRedis(): Promise<ChildProcess> {
  const data = join(folder, 'redis');
  if (!existsSync(data)) mkdirSync(data);
  const child = start('redis-server', [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--dir',
    data,
    '--save',
    '',
    '--appendonly',
    'yes',
  ]);
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream }))
    if (line.includes('Ready to accept')) break;
  child.stdout?.resume();
  return child;
}

const logSchema = z.looseObject({ msg: z.string(), url: z.string().optional() });
async function startClearword(...args: readonly string[]): Promise<{ child: ChildProcess; url: string }> {
  const shared = [
    '--queue',
    `redis://127.0.0.1:${port}`,
    '--store',
    join(folder, 'store'),
    '--lease',
    '3',
    '--attempts',
    '20',
  ];
  const child = start(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, ...args, ...shared]);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`clearword ${args[0]} ended with ${code} before it was ready`)));
    lines.on('line', (line) => {
      const { msg, url: address = '' } = logSchema.parse(JSON.parse(line));
      if (msg === 'listening' || msg === 'working') resolve(address);
    });
  });
  return { child, url };
}

const worker = () => startClearword('worker', '--model', model, '--threads', '1', '--grace', '1');

let redis = await startRedis();
const { child: server, url } = await startClearword(
  'serve',
  '--processes',
  '0',
  '--port',
  '0',
  '--rate-per-minute',
  '1000000',
  '--model',
  model,
);
const { child: steady } = await worker();
let { child: mortal } = await worker();

/** The child processes of a process (Linux and macOS). */
const childrenOf = (pid: number): number[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([id = 0]) => id);

const kills = { worker: 0, inference: 0, redis: 0, frozen: 0 };
const HARM: Readonly<Record<keyof typeof kills, () => Promise<void>>> = {
  async worker() {
    mortal.kill('SIGKILL');
    ({ child: mortal } = await worker());
  },
  async inference() {
    for (const pid of childrenOf(mortal.pid ?? 0)) process.kill(pid, 'SIGKILL');
  },
  async redis() {
    const ended = once(redis, 'exit');
    redis.kill('SIGKILL');
    await ended;
    redis = await startRedis();
  },
  async frozen() {
    redis.kill('SIGSTOP');
    await wait(FROZEN);
    redis.kill('SIGCONT');
  },
};

const end = Date.now() + minutes * 60_000;
const over = () => Date.now() >= end;

async function harm(): Promise<void> {
  const kinds = Object.keys(kills) as (keyof typeof kills)[];
  while (!over()) {
    await wait(Math.min(killEvery * 1000, Math.max(0, end - Date.now())));
    if (over()) return;
    const kind = random.pick(kinds);
    await HARM[kind]();
    kills[kind]++;
  }
}

const seconds: number[] = [];
const counts = { accepted: 0, done: 0, lost: 0, doubled: 0, different: 0, refused: 0 };
const faults: string[] = [];
/** SHA-256 of the result of each seed. */
const expected = new Map<number, string>();
const viewSchema = z.looseObject({ id: z.string(), status: z.string(), error: z.unknown().optional() });

/** A request until it is accepted: a server that cannot take it says so, and it is sent again under the same key. */
async function send(key: string, seed: number): Promise<string> {
  for (;;) {
    const form = new FormData();
    form.append('seed', String(seed));
    form.append('prompt', 'remove the noise');
    form.append('image', new Blob([Uint8Array.from(photo)]), 'photo.jpg');
    const headers = { 'idempotency-key': key, prefer: 'respond-async' };
    const response = await fetch(`${url}/v1/restorations`, { method: 'POST', body: form, headers });
    const text = await response.text();
    if (response.status === 202) return viewSchema.parse(JSON.parse(text)).id;
    if (response.status !== 503 && response.status !== 429) faults.push(`${response.status} ${text}`);
    counts.refused++;
    await wait(1000 * Number(response.headers.get('retry-after') ?? 1));
  }
}

/** Its end, or undefined where it has none in time. */
async function followed(id: string): Promise<string | undefined> {
  const late = Date.now() + LOST_AFTER;
  while (Date.now() < late) {
    const response = await fetch(`${url}/v1/restorations/${id}`);
    const text = await response.text();
    if (response.status === 404) return undefined;
    if (response.ok) {
      const { status, error } = viewSchema.parse(JSON.parse(text));
      if (status === 'done') return status;
      if (status === 'failed' || status === 'cancelled') {
        faults.push(`${status} ${JSON.stringify(error)}`);
        return status;
      }
    }
    await wait(POLL);
  }
  return undefined;
}

/** The bytes of a result; while the queue does not answer it is asked for again. */
async function resultOf(id: string): Promise<string> {
  for (;;) {
    const response = await fetch(`${url}/v1/restorations/${id}/result`);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.ok) return createHash('sha256').update(bytes).digest('hex');
    if (response.status !== 503) return `status ${response.status}`;
    await wait(1000);
  }
}

async function client(): Promise<void> {
  while (!over()) {
    const [key, seed] = [randomUUID(), random.int(SEEDS)];
    const began = performance.now();
    const id = await send(key, seed);
    counts.accepted++;
    if ((await send(key, seed)) !== id) counts.doubled++;
    const status = await followed(id);
    if (status !== 'done') {
      counts.lost++;
      continue;
    }
    counts.done++;
    seconds.push((performance.now() - began) / 1000);
    const hash = await resultOf(id);
    if ((expected.get(seed) ?? hash) !== hash) counts.different++;
    expected.set(seed, hash);
  }
}

/** Resident memory in MB, over the minutes of the run. */
const memory: Record<'server' | 'worker', [minute: number, megabytes: number][]> = { server: [], worker: [] };
async function watch(): Promise<void> {
  const began = Date.now();
  const resident = (pid: number) => {
    try {
      return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
    } catch {
      // It has just ended.
      return 0;
    }
  };
  while (!over()) {
    const minute = (Date.now() - began) / 60_000;
    memory.server.push([minute, resident(server.pid ?? 0)]);
    const all = [steady.pid ?? 0, ...childrenOf(steady.pid ?? 0)];
    memory.worker.push([minute, all.reduce((sum, pid) => sum + resident(pid), 0)]);
    await wait(MEMORY);
  }
}

/** Slope of the line of least squares through what comes after the first fifth, when everything is loaded: MB an hour. */
function trend(points: readonly (readonly [number, number])[]): number {
  const later = points.slice(Math.floor(points.length / 5));
  const mean = (which: 0 | 1) => later.reduce((sum, point) => sum + point[which], 0) / later.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = later.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return (60 * covariance) / later.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}

try {
  await Promise.all([harm(), watch(), ...Array.from({ length: clients }, client)]);
} finally {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

const { accepted, done, lost, doubled, different, refused } = counts;
const [p50, p99] = [median(seconds), quantile(seconds, 0.99)];
console.log(
  `${minutes} minutes, ${clients} clients: ${accepted} jobs accepted, ${done} done, ${lost} lost, ${doubled} doubled, ${different} with other bytes; ${refused} requests sent again`,
);
console.log(
  `ended: ${kills.worker} workers, ${kills.inference} computing processes, ${kills.redis} times the Redis; stopped for ${FROZEN / 1000} s: ${kills.frozen} times`,
);
console.log(`from request to result: p50 ${p50.toFixed(2)} s, p99 ${p99.toFixed(2)} s`);
for (const [name, points] of Object.entries(memory)) {
  const last = points.at(-1)?.[1] ?? 0;
  console.log(`memory of the ${name}: ${last.toFixed(0)} MB at the end, ${trend(points).toFixed(1)} MB an hour`);
}
for (const fault of faults.slice(0, 10)) console.log(`fault: ${fault}`);
process.exit(lost + doubled + different + faults.length > 0 ? 1 : 0);
