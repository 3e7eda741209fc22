/**
 * The process that runs the inputs, which may die of one: `fuzz-process.ts STATE SEED SECONDS GROW TARGET...`.
 *
 * STATE is a folder: before each input its bytes are in `input`, and a line about it in `progress`, so that whoever watches
 * knows what it died of, or is stuck with. What it found goes to standard output, a line of JSON each.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { FuzzSession } from './session.ts';
import { CORPUS, corpusOf, TARGETS, type TargetName } from './targets.ts';

const [, , state = '', seed = '0', seconds = '1', grow = 'no', ...names] = process.argv;

/** Longest input that is kept, and most bytes kept of one target: the corpus is part of the repository. */
const [LONGEST_KEPT, MOST_KEPT] = [1500, 28_000];
/** Seconds on one target before the next has its turn. */
const TURN = 5;

const [inputFile, progressFile] = [openSync(join(state, 'input'), 'w'), openSync(join(state, 'progress'), 'w')];
let inputs = 0;
function announce(name: string, input: Uint8Array): void {
  ftruncateSync(inputFile, input.length);
  writeSync(inputFile, input, 0, input.length, 0);
  writeSync(progressFile, `${JSON.stringify({ name, inputs: ++inputs })}\n`.padEnd(80), 0);
}

// At once: what is left in a stream when the process exits is lost.
const say = (message: object) => writeSync(process.stdout.fd, `${JSON.stringify(message)}\n`);

function keep(name: TargetName, input: Uint8Array): void {
  const used = corpusOf(name).reduce((sum, { length }) => sum + length, 0);
  if (input.length > LONGEST_KEPT || used + input.length > MOST_KEPT) return;
  mkdirSync(join(CORPUS, name), { recursive: true });
  writeFileSync(join(CORPUS, name, createHash('sha256').update(input).digest('hex').slice(0, 16)), input);
}

// A rejection that nobody waits for is a fault of its own, and must not end the run.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => say({ kind: 'stray', error: error instanceof Error ? error.stack : String(error) }));
}

process.stdin.on('end', () => process.exit(1)).resume();

const end = Date.now() + Number(seconds) * 1000;
const sessions = await Promise.all(
  (names as TargetName[]).map(async (name, i) => {
    const target = await TARGETS[name]();
    const session = new FuzzSession(target, corpusOf(name), Number(seed) * 1000 + i, {
      before: (input) => announce(name, input),
      onNew: (input) => {
        if (grow === 'grow' && session.inputs > target.samples.length) keep(name, input);
      },
      onFailure: (input, error) => {
        const path = join(state, `${name}-${createHash('sha256').update(input).digest('hex').slice(0, 16)}`);
        writeFileSync(path, input);
        say({ kind: 'failure', name, input: path, error: error instanceof Error ? error.stack : String(error) });
      },
    });
    return { name, target, session };
  }),
);
for (const { session } of sessions) await session.known();
while (Date.now() < end) {
  for (const { session } of sessions) {
    const turn = Math.min(end, Date.now() + TURN * 1000);
    while (Date.now() < turn) await session.next();
    // Targets that wait for nothing would keep the end of the parent from being seen.
    await setImmediate();
  }
}
for (const { name, target, session } of sessions) {
  await session.settle();
  await target.close?.();
  say({ kind: 'done', name, inputs: session.inputs, ends: session.outcomes.size });
}
say({ kind: 'memory', bytes: process.resourceUsage().maxRSS * 1024 });
process.exit(0);
