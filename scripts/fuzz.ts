/**
 * Gives everything that reads what strangers send a great many damaged inputs, and says what came of it.
 *
 *     npm run fuzz -- --minutes 10
 *     npm run fuzz -- --minutes 1 --seed 7 images prompts
 *
 * Inputs are made of genuine ones and of those in test/fixtures/corpus, by changes of bytes and words; what comes to an end that
 * was not seen before is built upon, and with --grow kept in the corpus. Each target has to hold its promise (test/fuzz): a
 * result, or an error of the catalogue. They run in a process of their own, which is replaced when it dies or is stuck.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { TARGET_NAMES } from '../test/fuzz/targets.ts';

const { values, positionals } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 1_000_000) },
    grow: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const minutes = z.coerce.number().positive().parse(values.minutes);
const firstSeed = z.coerce.number().int().min(0).parse(values.seed);
const names = z.array(z.enum(TARGET_NAMES)).parse(positionals.length > 0 ? positionals : TARGET_NAMES);

/** Seconds of the processor, and on the clock (the machine may be busy with other things), that one input may take. */
const [HANG_PROCESSOR, HANG_CLOCK] = [10, 300];
/** Milliseconds between two looks. */
const LOOK = 500;
const PROCESS = fileURLToPath(new URL('../test/fuzz/fuzz-process.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'clearword-fuzz-run-'));

const progressSchema = z.object({ name: z.string(), inputs: z.number() });
const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stray'), error: z.string() }),
  z.object({ kind: z.literal('failure'), name: z.string(), input: z.string(), error: z.string() }),
  z.object({
    kind: z.literal('done'),
    name: z.string(),
    inputs: z.number(),
    ends: z.number(),
  }),
  z.object({ kind: z.literal('memory'), bytes: z.number() }),
]);

/** Seconds of the processor that a process has used, where the system says so (Linux). */
function processorSeconds(pid: number): number | undefined {
  try {
    // The name may have spaces and is in brackets; user and system time are the 12th and 13th value behind it, in 1/100 s.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

const progress = () => {
  const path = join(folder, 'progress');
  const parsed = existsSync(path)
    ? progressSchema.safeParse(JSON.parse(readFileSync(path, 'utf8') || 'null'))
    : undefined;
  return parsed?.data ?? { name: 'the start', inputs: 0 };
};

const problems: string[] = [];
const counts = new Map<string, { inputs: number; ends: number }>();
let [total, crashes, hangs, failures, peak] = [0, 0, 0, 0, 0];

/** One process until it ends; its inputs are counted by itself, or by its last sign of life. */
async function run(seed: number, seconds: number): Promise<void> {
  const args = ['--import', import.meta.resolve('tsx'), PROCESS, folder, String(seed), String(seconds)];
  const child = spawn(process.execPath, [...args, values.grow ? 'grow' : 'no', ...names], {
    // By its input the process sees that this one has ended, however that came.
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let [finished, stuck] = [false, false];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const message = messageSchema.parse(JSON.parse(line));
    if (message.kind === 'done') {
      const { inputs, ends } = counts.get(message.name) ?? { inputs: 0, ends: 0 };
      counts.set(message.name, { inputs: inputs + message.inputs, ends: Math.max(ends, message.ends) });
    } else if (message.kind === 'memory') {
      finished = true;
      peak = Math.max(peak, message.bytes);
    } else {
      failures++;
      problems.push(message.kind === 'stray' ? message.error : `${message.name}: ${message.input}\n${message.error}`);
      console.log(problems.at(-1));
    }
  });
  let last = { ...progress(), clock: Date.now(), processor: 0 };
  const timer = setInterval(() => {
    const now = progress();
    const processor = processorSeconds(child.pid ?? 0);
    if (now.inputs !== last.inputs) last = { ...now, clock: Date.now(), processor: processor ?? 0 };
    const late = Date.now() - last.clock > HANG_CLOCK * 1000 || (processor ?? 0) - last.processor > HANG_PROCESSOR;
    if (!late || now.inputs === 0) return;
    stuck = true;
    child.kill('SIGKILL');
  }, LOOK);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (...end: [number | null, string | null]) => resolve(end));
  });
  clearInterval(timer);
  const { name, inputs } = progress();
  total += inputs;
  if (finished && code === 0) return;
  const kept = join(folder, `${stuck ? 'hang' : 'crash'}-${seed}`);
  copyFileSync(join(folder, 'input'), kept);
  if (stuck) hangs++;
  else crashes++;
  problems.push(`${name}: ${stuck ? 'stuck with' : `ended with ${code ?? signal} at`} ${kept}`);
  console.log(problems.at(-1));
}

console.log(`seed ${firstSeed}; what is found goes to ${folder}`);
const end = Date.now() + minutes * 60_000;
for (let seed = firstSeed; Date.now() < end; seed++) await run(seed, (end - Date.now()) / 1000);
for (const [name, { inputs, ends }] of counts)
  console.log(`${name.padEnd(12)}${String(inputs).padStart(9)} inputs, ${ends} different ends`);
console.log(
  `\n${total} inputs in ${minutes} minutes: ${crashes} crashes, ${hangs} hangs, ${failures} broken promises; peak memory ${Math.round(peak / 1e6)} MB`,
);
process.exit(problems.length > 0 ? 1 : 0);
