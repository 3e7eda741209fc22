/**
 * That nobody is told of a restoration: no look-up of a name, no connection, nothing in the user's home or in the temporary
 * folder, whichever way Clearword is used.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { PROGRAM } from '../support/program.ts';
import { formOf } from '../support/server.ts';

const folder = await temporaryFolder();
const photo = join(folder, 'photo.png');
await writeFile(photo, await encodeImage(patternPicture(64, 64), { format: 'png' }));
/** The system calls tell what native code does as well; where they cannot be watched, the folders still tell. */
const canTrace = spawnSync('strace', ['-f', '-qq', '-o', join(folder, 'probe'), 'true']).status === 0;
const NOTE = canTrace ? '' : ' (connections not watched: there is no strace here)';

const TSX = ['--import', import.meta.resolve('tsx')];
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const SUBJECT = path('../support/quiet-subject.ts');

interface Watched {
  readonly code: number | null;
  readonly output: string;
  /** Calls that would reach another machine, or look up its name. */
  readonly calls: readonly string[];
  /** Files in its home and its temporary folder. */
  readonly left: readonly string[];
}

let count = 0;

/** Runs a program with next to nothing in its environment: some of what can be there, such as CI, keeps the runtime quiet. */
async function watch(
  argv: readonly string[],
  whileItRuns: (child: ChildProcess, output: () => string) => Promise<void> = async () => {},
): Promise<Watched> {
  const root = join(folder, String(count++));
  const [home, temporary, trace] = ['home', 'tmp', 'trace'].map((name) => join(root, name)) as [string, string, string];
  await Promise.all([home, temporary].map((each) => mkdir(each, { recursive: true })));
  const node = [process.execPath, ...argv];
  // -D: the program and not its tracer is the child, which takes the signals.
  const tracer = canTrace
    ? ['strace', '-D', '-f', '-qq', '-e', 'trace=connect,sendto,sendmsg,sendmmsg', '-o', trace]
    : [];
  const [command = '', ...rest] = [...tracer, ...node];
  const child = spawn(command, rest, {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: temporary, TSX_DISABLE_CACHE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await whileItRuns(child, () => output);
  const code = await ended;
  const traced = canTrace ? (await readFile(trace, 'utf8')).split('\n') : [];
  const found = await Promise.all([home, temporary].map((each) => readdir(each, { recursive: true })));
  return {
    code,
    output,
    calls: traced.filter((line) => /AF_INET6?\b|\/nscd\/|resolve/.test(line)),
    left: found.flat(),
  };
}

const quiet = { code: 0, calls: [], left: [] };

it(`the command line${NOTE}`, async () => {
  const { output, ...rest } = await watch([...PROGRAM, 'restore', photo, '-o', join(folder, 'restored.png')]);
  expect({ output, ...rest }).toEqual({ ...quiet, output: expect.stringContaining('restored.png') });
});

it(`the devices that \`doctor\` tries${NOTE}`, async () => {
  expect(await watch([...PROGRAM, 'doctor', '--json'])).toEqual({
    ...quiet,
    output: expect.stringContaining('"onnxruntime"'),
  });
});

it.each(['library', 'thread'])(`the library: %s${NOTE}`, async (program) => {
  expect(await watch([...TSX, SUBJECT, program, photo])).toEqual({ ...quiet, output: 'done\n' });
});

it(`the server and its inference process${NOTE}`, async () => {
  const bytes = await readFile(photo);
  let status = 0;
  const watched = await watch([...PROGRAM, 'serve', '--port', '0'], async (child, output) => {
    const url = await new Promise<string>((resolve, reject) => {
      child.once('close', () => reject(new Error(output())));
      const look = setInterval(() => {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0];
        if (found === undefined) return;
        clearInterval(look);
        resolve(found);
      }, 50);
    });
    const answer = await fetch(`${url}/v1/restorations`, { method: 'POST', body: formOf({ image: bytes }) });
    status = answer.status;
    await answer.arrayBuffer();
    child.kill('SIGTERM');
  });
  expect({ status, ...watched }).toEqual({ ...quiet, code: 143, status: 200, output: expect.anything() });
});

it.skipIf(process.platform === 'win32')('a runtime that nobody has told to be quiet would be noticed', async () => {
  const { code, left } = await watch([...TSX, SUBJECT, 'runtime', photo]);
  expect(code).toBe(0);
  expect(left.join('\n')).toMatch(/onnxruntime\/deviceid|mat-debug/);
});
