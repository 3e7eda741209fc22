/**
 * A load run against `clearword serve`: throughput, latency, and how responsive the server stays. The numbers of
 * docs/server.md.
 *
 *   npx tsx bench/serve.ts [--requests 200] [--concurrency 20] [--size 256x256] [--processes 1] [--threads 0] [--steps 1]
 *     [--model weights.safetensors] [--photo FILE] [--json]
 *
 * The server is a process of its own on a free port of this machine, with an empty store. Each request sends a JPEG and
 * waits for the restored one; every one differs from the others in its seed. Meanwhile /healthz is asked every 20 ms from
 * here: its latency includes what the load generator itself costs. Requests that are refused are counted, not repeated.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { describeMachine, machine } from './machine.ts';
import { median, quantile } from './statistics.ts';
import { markdownTable } from './table.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200' },
    concurrency: { type: 'string', default: '20' },
    size: { type: 'string', default: '256x256' },
    processes: { type: 'string', default: '1' },
    threads: { type: 'string', default: '0' },
    steps: { type: 'string', default: '1' },
    model: { type: 'string' },
    photo: { type: 'string', default: fileURLToPath(new URL('../examples/photo.jpg', import.meta.url)) },
    json: { type: 'boolean', default: false },
  },
});
const [width = 0, height = 0] = values.size.split('x').map(Number);
if (!(width > 0 && height > 0)) throw new Error(`--size: expected a size such as 256x256, received ${values.size}`);
const [requests, concurrency] = [Number(values.requests), Number(values.concurrency)];

/** Between two questions to /healthz, ms. */
const PROBE_INTERVAL = 20;
const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'clearword-serve-'));

async function startServer() {
  const { processes, threads, model } = values;
  const options = ['--port', '0', '--store', folder, '--processes', processes, '--threads', threads];
  // The run is of one client, which would be refused after the 60th request.
  const limits = ['--rate-per-minute', '1000000', '--max-queued', String(requests), '--max-uploads', '1000'];
  const waiting = ['--sync-seconds', '3600', '--timeout', '3600', '--log-level', 'info'];
  const all = [...options, ...limits, ...waiting, ...(model === undefined ? [] : ['--model', model])];
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, 'serve', ...all], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`clearword serve ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (text) => {
      const { msg, url: listening } = JSON.parse(text) as { msg?: string; url?: string };
      if (msg === 'listening' && listening !== undefined) resolve(listening);
    });
  });
  return { child, url };
}

const photo = await sharp(values.photo).resize(width, height, { fit: 'cover' }).jpeg({ quality: 92 }).toBuffer();
const image = new Blob([Uint8Array.from(photo)], { type: 'image/jpeg' });

interface Answer {
  readonly status: number;
  readonly milliseconds: number;
}

async function restore(url: string, seed: number): Promise<Answer> {
  const form = new FormData();
  form.append('seed', String(seed));
  form.append('steps', values.steps);
  form.append('image', image, 'photo.jpg');
  const started = performance.now();
  const response = await fetch(`${url}/v1/restorations`, { method: 'POST', body: form });
  await response.arrayBuffer();
  return { status: response.status, milliseconds: performance.now() - started };
}

/** Asks /healthz until it is told to stop. */
async function probe(url: string, signal: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  while (!signal.aborted) {
    const started = performance.now();
    const response = await fetch(`${url}/healthz`);
    await response.arrayBuffer();
    times.push(performance.now() - started);
    await wait(PROBE_INTERVAL);
  }
  return times;
}

const { child, url } = await startServer();
try {
  // Sessions are built for the first picture of a size, in every process.
  await Promise.all(Array.from({ length: Number(values.processes) }, (_, i) => restore(url, requests + i)));
  const stopProbe = new AbortController();
  const probed = probe(url, stopProbe.signal);
  const answers: Answer[] = [];
  const started = performance.now();
  let next = 0;
  const client = async () => {
    while (next < requests) answers.push(await restore(url, next++));
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  const seconds = (performance.now() - started) / 1000;
  stopProbe.abort();
  const health = await probed;

  const times = answers.filter(({ status }) => status === 200).map(({ milliseconds }) => milliseconds);
  const perSecond = times.length / seconds;
  const summary = {
    size: `${width} x ${height}`,
    processes: Number(values.processes),
    restored: `${times.length} of ${requests}`,
    'per second': perSecond.toFixed(2),
    'megapixels a second': ((perSecond * width * height) / 1e6).toFixed(2),
    'median, s': (median(times) / 1000).toFixed(2),
    'p95, s': (quantile(times, 0.95) / 1000).toFixed(2),
    'p99, s': (quantile(times, 0.99) / 1000).toFixed(2),
    '/healthz median, ms': median(health).toFixed(1),
    '/healthz p99, ms': quantile(health, 0.99).toFixed(1),
  };
  if (values.json) {
    console.log(JSON.stringify({ machine: machine(), concurrency, seconds, ...summary }));
  } else {
    console.log(describeMachine(machine()));
    console.log(markdownTable(Object.keys(summary), [Object.values(summary).map(String)]));
  }
} finally {
  child.removeAllListeners('exit');
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  await rm(folder, { recursive: true, force: true });
}
