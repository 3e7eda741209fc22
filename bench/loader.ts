/**
 * How fast training data is made: training pixels a second, by task on one core and by number of worker threads.
 *
 * `npm run bench:loader -- --config configs/life.json --patch 64 --grid 4`
 */
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { makeBatch } from '../src/data/batch.ts';
import type { DataConfig, Task } from '../src/data/config.ts';
import { scanDataset } from '../src/data/dataset.ts';
import { BatchLoader } from '../src/data/loader.ts';
import { allocatePictures } from '../src/data/picture-store.ts';
import { TrainingPictures } from '../src/data/sample.ts';
import { KNOWN_DEGRADATIONS } from '../src/degradations/index.ts';
import { readTrainConfig } from '../src/train/config.ts';
import { describeMachine, machine } from './machine.ts';
import { markdownTable } from './table.ts';

const { values } = parseArgs({
  options: {
    config: { type: 'string', default: 'configs/life.json' },
    patch: { type: 'string', default: '64' },
    grid: { type: 'string', default: '4' },
    view: { type: 'string', default: '64' },
    pictures: { type: 'string', default: '32' },
    workers: { type: 'string', default: '' },
  },
});

const { data } = await readTrainConfig(values.config);
const [patch, grid, viewSide, pictures] = [values.patch, values.grid, values.view, values.pictures].map(Number) as [
  number,
  number,
  number,
  number,
];
const config: DataConfig = { ...data, patch, grid };
const degradations = KNOWN_DEGRADATIONS;
const batchSize = pictures * grid * grid;
const pixels = batchSize * patch * patch;

sharp.concurrency(1);
sharp.cache(false);
const index = await scanDataset(config);
const store = new TrainingPictures(index, allocatePictures(TrainingPictures.slots(index), config.cacheMegabytes));

/** Training pixels for each second that the process was on a core, in millions; the second of two batches, decoded pictures kept. */
async function rate(tasks: DataConfig['tasks']): Promise<number> {
  const request = { degradations, viewSide, batchSize };
  await makeBatch(store, { ...config, tasks }, { ...request, step: 0 });
  const before = process.cpuUsage();
  await makeBatch(store, { ...config, tasks }, { ...request, step: 0 });
  const { user, system } = process.cpuUsage(before);
  return pixels / (user + system);
}

const none = Object.fromEntries(Object.keys(config.tasks).map((name) => [name, 0])) as DataConfig['tasks'];
const tasks = (Object.keys(config.tasks) as Task[]).filter((name) => config.tasks[name] > 0);
const rows: string[][] = [];
for (const name of tasks) rows.push([name, (await rate({ ...none, [name]: 1 })).toFixed(2)]);
rows.push(['as configured', (await rate(config.tasks)).toFixed(2)]);

process.stdout.write(
  `${describeMachine(machine())}\n${pictures} regions of ${grid} x ${grid} patches of ${patch} pixels\n\n`,
);
process.stdout.write(`${markdownTable(['task', 'million pixels a second and core'], rows)}\n`);

for (const workers of values.workers === '' ? [] : values.workers.split(',').map(Number)) {
  const loader = await BatchLoader.open({ config: { ...config, workers }, degradations, viewSide, batchSize });
  try {
    // The first batches wait for threads to start and pictures to be decoded.
    for (let i = 0; i < 4; i++) await loader.next();
    const start = performance.now();
    const count = 8;
    for (let i = 0; i < count; i++) await loader.next();
    const speed = (count * pixels) / (1000 * (performance.now() - start));
    process.stdout.write(`${workers} worker(s): ${speed.toFixed(2)} million pixels a second\n`);
  } finally {
    await loader.close();
  }
}
