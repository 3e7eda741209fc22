/**
 * What train-here.sh runs: doctor, loader's rate, training until the time is over, and what is left behind.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Seconds kept for the last checkpoint and the model. */
const RESERVE = 20;
/** Of these, seconds that training has to save its last checkpoint in when it is asked to end. */
const SAVING = 10;
/** Seconds that training starts for, which its own clock does not count. Where it takes longer, the end is asked for. */
const STARTING = 15;
/** A part shorter than this is not worth its start, seconds. */
const SHORTEST = 30;
/** Seconds between two times that OUT is brought up to date. */
const INTERVAL = 60;
/** What comes back from a lent machine comes in files of limited size, bytes. */
const PIECE = 15 * 2 ** 20;
/** Seconds that the loader is measured for. */
const LOADER_SECONDS = 6;

const began = Number(process.env.CLEARWORD_BEGAN || Math.floor(Date.now() / 1000));
const [seconds, out, data, before] = process.argv.slice(2);
if (!seconds || !out || !data) throw new Error('usage: bash train-here.sh SECONDS OUT DATA [BEFORE]');
const left = () => began + Number(seconds) - Date.now() / 1000;

const here = fileURLToPath(new URL('.', import.meta.url));
const app = (path) => import(new URL(`./app/dist/${path}`, import.meta.url).href);
const target = resolve(out);
mkdirSync(target, { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'clearword-train-'));
const run = join(work, 'run');
mkdirSync(run);
symlinkSync(resolve(data), join(work, 'data'));
if (existsSync(join(here, 'start'))) symlinkSync(join(here, 'start'), join(work, 'start'));
process.chdir(work);

const say = (text) => {
  const line = `${text}\n`;
  process.stderr.write(line);
  appendFileSync(join(target, 'report.txt'), line);
};

/** The configuration for this machine: a loader's thread for every core but two, if it says nothing else. */
function configure() {
  const config = JSON.parse(readFileSync(join(here, 'config.json'), 'utf8'));
  config.data.workers ??= Math.max(1, Math.min(64, availableParallelism() - 2));
  config.engine = 'pytorch';
  writeFileSync('config.json', JSON.stringify(config, null, 2));
}

function doctor() {
  say(`${new Date().toISOString()}  Node ${process.version}`);
  say(`${availableParallelism()} cores, ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`);
  const words = `import sys, torch
print("Python", sys.version.split()[0], "PyTorch", torch.__version__)
if torch.cuda.is_available():
    p = torch.cuda.get_device_properties(0)
    print(p.name, f"{p.total_memory / 2**30:.0f} GiB, CUDA", torch.version.cuda, "cuDNN", torch.backends.cudnn.version())
try:
    import triton
    print("Triton", triton.__version__)
except ImportError:
    print("no Triton: networks are not compiled")`;
  const { stdout, stderr } = spawnSync(process.env.CLEARWORD_PYTHON, ['-c', words], { encoding: 'utf8' });
  say(`${stdout ?? ''}${stderr ?? ''}`.trim());
}

async function loaderRate() {
  const [{ BatchLoader }, { readTrainConfig }, { graphOptions }, { batchForm }] = await Promise.all([
    app('data/loader.js'),
    app('train/config.js'),
    app('train/start.js'),
    app('train/batch-form.js'),
  ]);
  const config = await readTrainConfig('config.json');
  const opening = performance.now();
  const form = batchForm(graphOptions(config).preset);
  const loader = await BatchLoader.open({ config: config.data, ...form, batchSize: config.batch, firstStep: 0 });
  await loader.next();
  const start = performance.now();
  say(`loader: first batch after ${((start - opening) / 1000).toFixed(1)} s`);
  let batches = 0;
  while (performance.now() - start < 1000 * LOADER_SECONDS) {
    await loader.next();
    batches++;
  }
  const pixels = (batches * config.batch * config.data.patch ** 2) / ((performance.now() - start) / 1000);
  say(`loader: ${(pixels / 1e6).toFixed(2)} million training pixels a second, ${config.data.workers} threads`);
  await loader.close();
}

/** Loss and gradient of the first step on the CPU in float32 and as they are trained. */
async function parity() {
  const [{ BatchLoader }, { readTrainConfig }, start, { batchForm }, { PyTorchEngine }, schedule, layout] =
    await Promise.all([
      app('data/loader.js'),
      app('train/config.js'),
      app('train/start.js'),
      app('train/batch-form.js'),
      app('train/pytorch/engine.js'),
      app('train/schedule.js'),
      app('train/training-graph.js'),
    ]);
  const given = await readTrainConfig('config.json');
  const batch = Math.max(2, 8 / given.data.grid ** 2) * given.data.grid ** 2;
  const config = { ...given, batch, echo: 1, data: { ...given.data, workers: 1 }, compile: false };
  const options = start.graphOptions(config);
  const form = batchForm(options.preset);
  const loader = await BatchLoader.open({ config: config.data, ...form, batchSize: batch, firstStep: 0 });
  const made = await loader.next();
  await loader.close();
  const at = await start.startingPoint(config, join(work, 'none'), layout.trainingLayout(options), false);
  for (const changes of [{ device: 'cpu', precision: 'float32' }, {}]) {
    const engine = await PyTorchEngine.open({ ...config, ...changes }, options, at.vectors, { givenNoise: true });
    const { loss, gradientNorm } = await engine.prepare({ batch: made, step: 0 })(schedule.scalarsOf(config, 0, 0));
    say(`parity: loss ${loss}, gradient ${gradientNorm}: ${engine.description}`);
    await engine.close();
  }
}

/** An earlier part's checkpoint, put together again, and its log. */
function takeUp(folder) {
  const pieces = readdirSync(folder).filter((name) => /^step-\d+\.safetensors\.\d+$/.test(name));
  // Of two checkpoints the later one.
  const name = pieces
    .sort()
    .at(-1)
    ?.replace(/\.\d+$/, '');
  if (name === undefined) throw new Error(`${folder}: expected the pieces of a checkpoint, found none`);
  for (const piece of pieces.filter((each) => each.startsWith(name)))
    appendFileSync(join(run, name), readFileSync(join(folder, piece)));
  if (existsSync(join(folder, 'log.jsonl'))) copyFileSync(join(folder, 'log.jsonl'), join(run, 'log.jsonl'));
}

const newestCheckpoint = () =>
  readdirSync(run)
    .filter((name) => /^step-\d+\.safetensors$/.test(name))
    .sort()
    .at(-1);
let exported;
let brought;

/** Log and averaged weights as they are now. */
async function bringOut() {
  if (existsSync(join(run, 'log.jsonl'))) copyFileSync(join(run, 'log.jsonl'), join(target, 'log.jsonl'));
  const newest = newestCheckpoint();
  if (newest === undefined || newest === exported) return;
  const { exportCheckpoint } = await app('train/export.js');
  await exportCheckpoint(join(run, newest), join(target, 'model.safetensors'), {
    precision: 'float16',
    overwrite: true,
  });
  exported = newest;
}

/** The newest checkpoint in pieces; those of older ones go when it is complete. */
function bringCheckpoint() {
  const newest = newestCheckpoint();
  if (newest === undefined || newest === brought) return;
  const file = openSync(join(run, newest), 'r');
  const piece = Buffer.alloc(PIECE);
  const names = [];
  for (let i = 0; ; i++) {
    const count = readSync(file, piece, 0, PIECE, i * PIECE);
    if (count === 0) break;
    names.push(`${newest}.${String(i).padStart(3, '0')}`);
    writeFileSync(join(target, `${names[i]}.part`), piece.subarray(0, count));
  }
  closeSync(file);
  for (const name of names) renameSync(join(target, `${name}.part`), join(target, name));
  for (const name of readdirSync(target)) {
    if (/^step-\d+\.safetensors\./.test(name) && !names.includes(name)) rmSync(join(target, name));
  }
  brought = newest;
}

let bringing = Promise.resolve();

/** Brings OUT up to date, one time after the other. What cannot be brought now is said, and tried again the next time. */
function bring() {
  bringing = bringing.then(async () => {
    for (const part of [bringCheckpoint, bringOut]) {
      try {
        await part();
      } catch (error) {
        say(`bringing out: ${error.message}`);
      }
    }
  });
  return bringing;
}

/** Trains until the reserve begins. */
async function train() {
  const { readCheckpoint } = await app('train/checkpoint.js');
  const newest = newestCheckpoint();
  const trained = newest === undefined ? 0 : (await readCheckpoint(join(run, newest))).milliseconds / 1000;
  const minutes = (trained + left() - RESERVE - STARTING) / 60;
  const main = join(here, 'app/dist/cli/main.js');
  const args = [main, 'train', 'config.json', '-o', 'run', '--minutes', `${minutes}`];
  const child = spawn(process.execPath, [...args, ...(newest === undefined ? [] : ['--resume'])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      process.stderr.write(text);
      appendFileSync(join(target, 'progress.txt'), text);
    });
  }
  // It saves a checkpoint when it is interrupted.
  const timers = [
    setInterval(bring, 1000 * INTERVAL),
    setTimeout(() => child.kill('SIGINT'), 1000 * (left() - RESERVE)),
    setTimeout(() => child.kill('SIGKILL'), 1000 * (left() - RESERVE + SAVING)),
  ];
  const code = await new Promise((done) => child.on('close', (code, signal) => done(code ?? signal)));
  for (const timer of timers) clearTimeout(timer);
  return code;
}

configure();
doctor();
if (before) takeUp(resolve(before));
if (process.env.PARITY === '1') await parity();
if (process.env.LOADER !== '0') await loaderRate();
say(`${(Number(seconds) - left()).toFixed(0)} s until training`);
let failed = false;
// Whatever ends training early, it goes on from its last checkpoint as long as there is time, and as long as there is a new one:
// what fails before it would fail again.
while (left() > RESERVE + SHORTEST) {
  const had = newestCheckpoint();
  const code = await train();
  if (code === 0) break;
  say(`training ended with ${code}, ${left().toFixed(0)} s are left`);
  failed = newestCheckpoint() === had;
  if (failed) break;
}
await bring();
say(`done after ${(Number(seconds) - left()).toFixed(0)} s: ${readdirSync(target).join(', ')}`);
process.exit(failed ? 1 : 0);
