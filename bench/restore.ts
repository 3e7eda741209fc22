/**
 * Time and memory of restoring photos of several sizes through the library: the numbers of docs/performance.md.
 *
 *   npm run bench:restore -- [--model weights.safetensors] [--sizes 256x256,1024x1024,2048x2048] [--tile 256,512,1024]
 *     [--steps 1] [--repeat 2] [--device cpu] [--photo FILE] [--json]
 *
 * From JPEG file to JPEG file, decoding and encoding included. Every measurement is a fresh process: its peak of resident
 * memory is its own. `first` includes building the sessions, `again` is the median of further restorations. Without
 * `--tile`, the model's default.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import sharp from 'sharp';
import { DEVICES, type DeviceChoice } from '../src/runtime/protocol.ts';
import { describeMachine, machine } from './machine.ts';
import type { RestoreMeasurement, RestoreTask } from './restore-child.ts';
import { median } from './statistics.ts';
import { markdownTable } from './table.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    sizes: { type: 'string', default: '256x256,1024x1024,2048x2048' },
    tile: { type: 'string' },
    steps: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '2' },
    device: { type: 'string', default: 'cpu' },
    photo: { type: 'string', default: fileURLToPath(new URL('../examples/photo.jpg', import.meta.url)) },
    json: { type: 'boolean', default: false },
  },
});
const device = ([...DEVICES, 'auto'] as const).find((name) => name === values.device) satisfies
  | DeviceChoice
  | undefined;
if (!device) throw new Error(`--device: expected one of ${[...DEVICES, 'auto'].join(', ')}, received ${values.device}`);
const sizes = values.sizes.split(',').map((text) => {
  const [width = 0, height = 0] = text.split('x').map(Number);
  if (!(width > 0 && height > 0)) throw new Error(`--sizes: expected sizes such as 1024x768, received ${text}`);
  return { width, height };
});
const tiles = values.tile?.split(',').map(Number) ?? [undefined];

const CHILD = fileURLToPath(new URL('restore-child.ts', import.meta.url));

async function measured(task: RestoreTask): Promise<RestoreMeasurement> {
  const arguments_ = ['--import', import.meta.resolve('tsx'), CHILD, JSON.stringify(task)];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_);
  return JSON.parse(stdout) as RestoreMeasurement;
}

interface Result extends RestoreMeasurement {
  readonly width: number;
  readonly height: number;
}

const results: Result[] = [];
const folder = await mkdtemp(join(tmpdir(), 'clearword-restore-'));
try {
  for (const { width, height } of sizes) {
    const input = join(folder, `${width}x${height}.jpg`);
    await sharp(values.photo).resize(width, height, { fit: 'cover' }).jpeg({ quality: 92 }).toFile(input);
    for (const tile of tiles) {
      const task = {
        input,
        output: join(folder, `${width}x${height}-tile-${tile ?? 'default'}`),
        device,
        steps: Number(values.steps),
        repeat: Number(values.repeat),
        ...(values.model !== undefined && { model: values.model }),
        ...(tile !== undefined && { tile }),
      };
      const measurement = await measured(task);
      results.push({ width, height, ...measurement });
      const seconds = (measurement.first / 1000).toFixed(1);
      console.error(
        `${width} x ${height}, tile ${measurement.tile}: ${seconds} s, ${measurement.memory.peak.toFixed(0)} MiB`,
      );
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

if (values.json) {
  console.log(JSON.stringify({ machine: machine(), device, steps: Number(values.steps), results }, null, 2));
} else {
  const seconds = (ms: number) => (Number.isFinite(ms) ? (ms / 1000).toFixed(2) : '-');
  const rows = results.map(({ width, height, tile, load, first, again, memory }) => [
    `${width} x ${height}`,
    `${((width * height) / 1e6).toFixed(2)}`,
    String(tile),
    seconds(load),
    seconds(first),
    seconds(median(again)),
    memory.loaded.toFixed(0),
    memory.peak.toFixed(0),
  ]);
  const header = ['Photo', 'Megapixels', 'Tile', 'Load, s', 'First, s', 'Again, s', 'Loaded, MiB', 'Peak, MiB'];
  console.log(`${describeMachine(machine())}; ${device}, steps: ${values.steps}\n`);
  console.log(markdownTable(header, rows));
}
