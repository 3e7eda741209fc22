/**
 * Restores pictures with the networks that scripts/other-models.py exported, compares them with PyTorch's results, and prints the
 * table of docs/other-models.md.
 *
 *     npx tsx scripts/other-models.ts FOLDER [NAME ...]
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Clearword, ClearwordError, type RestoreOptions } from '../src/index.ts';

/** How an ONNX file was made; none: PyTorch cannot write one. */
const FILES = ['traced', 'exported', 'fixed', 'none'] as const;

const aboutSchema = z.object({
  name: z.string(),
  width: z.int(),
  height: z.int(),
  /** Side of the part that networks for one size restore. */
  fixed: z.int(),
  multiple: z.int(),
  form: z.enum(FILES),
  parameters: z.int(),
  /** PyTorch's seconds of a processor for a megapixel. */
  torchSeconds: z.number(),
});
type About = z.infer<typeof aboutSchema>;

/** A grey level of 8 bits, in those of 16. */
const LEVEL = 257;
/** Side of the tiles that are compared with the whole, the smallest that every multiple divides. */
const TILE = 128;

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint16Array;
}

/** What is known of a network, and how it was learned. */
type Help = 'nothing' | 'inspect-model' | 'multiple';

interface Outcome {
  readonly help: Help;
  /** Largest difference from PyTorch, in grey levels of 8 bits. */
  readonly difference: number;
  /** Of tiles from the whole; undefined for networks of one size. */
  readonly tiled: number | undefined;
  /** Seconds of a processor for a megapixel. */
  readonly seconds: number;
}

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

function bytesAt(path: string): ArrayBuffer {
  const bytes = readFileSync(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

const inputOf = (folder: string, what: string, width: number, height: number): Pixels => ({
  width,
  height,
  data: new Uint16Array(bytesAt(join(folder, `${what}.input`))),
});

/** PyTorch's result in 16 bits, as far as those reach. */
const outputOf = (folder: string, what: string): Float64Array =>
  Float64Array.from(new Float32Array(bytesAt(join(folder, `${what}.output`))), (value) =>
    Math.min(65535, Math.max(0, 65535 * value)),
  );

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] as number) - (b[i] as number)));
  return most / LEVEL;
}

async function restored(clearword: Clearword, input: Pixels, options: RestoreOptions = {}) {
  return (await clearword.restore({ ...input, channels: 3 }, options)).pixels().data;
}

/** Seconds of a processor for a megapixel: other work on the machine does not count. */
async function pace(clearword: Clearword, input: Pixels): Promise<number> {
  const before = process.cpuUsage();
  await restored(clearword, input);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (input.width * input.height);
}

async function tryFile(folder: string, help: Help, about: About): Promise<Outcome | undefined> {
  const file = about.form;
  const model = join(folder, `${file}.onnx`);
  const descriptor = join(folder, `${file}.json`);
  if (help === 'inspect-model') {
    const inspect = ['--import', import.meta.resolve('tsx'), main, 'inspect-model', model, '--threads', '1'];
    execFileSync(process.execPath, inspect, { stdio: 'ignore' });
  } else rmSync(descriptor, { force: true });
  const said =
    help === 'multiple'
      ? { descriptor: { multiple: about.multiple } }
      : help === 'inspect-model' && file !== 'fixed'
        ? // What it finds may be wider than these tiles have room for; other networks get as much by themselves.
          { descriptor: { halo: TILE / 4 } }
        : {};
  const clearword = await Clearword.load({ model, threads: 1, ...said });
  try {
    const what = file === 'fixed' ? 'part' : 'whole';
    const { width, height } = file === 'fixed' ? { width: about.fixed, height: about.fixed } : about;
    const input = inputOf(folder, what, width, height);
    const whole = await restored(clearword, input);
    const usual = help === 'nothing' && what === 'whole' ? 'usual' : what;
    const difference = largest(whole, outputOf(folder, usual));
    if (!(difference < 1)) return undefined;
    const fits = file !== 'fixed' && about.multiple <= TILE;
    const tiled = fits ? largest(await restored(clearword, input, { tile: TILE }), whole) : undefined;
    return { help, difference, tiled, seconds: await pace(clearword, input) };
  } finally {
    await clearword.dispose();
  }
}

/** With as little help as is enough. */
async function outcomeOf(folder: string, about: About): Promise<Outcome | undefined> {
  if (about.form === 'none') return undefined;
  for (const help of ['nothing', 'inspect-model', 'multiple'] as const) {
    if (about.form === 'fixed' && help === 'multiple') continue;
    try {
      const outcome = await tryFile(folder, help, about);
      if (outcome !== undefined) return outcome;
    } catch (error) {
      // A size that the network does not take, for example; what comes next may be right.
      const reason = error instanceof ClearwordError ? error.message : String(error);
      process.stderr.write(`  ${help}: ${reason.split('\n')[0]?.slice(0, 200)}\n`);
    }
  }
  return undefined;
}

const UNDERSTOOD: Readonly<Record<Help, string>> = {
  nothing: 'by itself',
  'inspect-model': 'after inspect-model',
  multiple: 'told its multiple',
};
const EXPORTED: Readonly<Record<About['form'], string>> = {
  traced: 'traced',
  exported: '`torch.export`',
  fixed: 'one size',
  none: 'none that works',
};

function rowOf({ name, form, parameters, multiple, torchSeconds }: About, outcome: Outcome | undefined): string {
  const cells = outcome && [
    UNDERSTOOD[outcome.help],
    outcome.difference.toFixed(3),
    outcome.tiled?.toFixed(2) ?? '',
    outcome.seconds.toFixed(1),
    torchSeconds.toFixed(1),
  ];
  const about = [name, `${Math.round(parameters / 1000)}`, EXPORTED[form], form === 'fixed' ? '' : `${multiple}`];
  return `| ${[...about, ...(cells ?? ['no', '', '', '', ''])].join(' | ')} |`;
}

const [folder = '', ...names] = process.argv.slice(2);
const found = readdirSync(folder).sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
// Row by row: all of them take a while.
const print = (row: string) => process.stdout.write(`${row}\n`);
print(
  '| Architecture | Thousand parameters | Export | Multiple | Understood | Difference | Tiled | s/MP | PyTorch s/MP |',
);
print('| --- | ---: | --- | ---: | --- | ---: | ---: | ---: | ---: |');
for (const name of names.length > 0 ? names : found) {
  const place = join(folder, name);
  if (!existsSync(join(place, 'about.json'))) continue;
  process.stderr.write(`${name}\n`);
  const about = aboutSchema.parse(JSON.parse(readFileSync(join(place, 'about.json'), 'utf8')));
  print(rowOf(about, await outcomeOf(place, about)));
}
