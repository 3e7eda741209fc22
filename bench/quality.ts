/**
 * Quality of a model on held-back data: the numbers of docs/quality.md.
 *
 *   npm run bench:quality -- --data DIR [--model weights.safetensors] [--only noise,rain,haze,controller,subsets,clean]
 *
 * DIR holds test/kodak24, validation, rain-layers and haze as docs/training.md describes them. One step, model defaults
 * otherwise; PSNR of 8-bit results in dB, mean over pictures.
 */
import { parseArgs } from 'node:util';
import { Clearword } from '../src/clearword.ts';
import { toRaster } from '../src/data/picture.ts';
import type { Raster } from '../src/data/raster.ts';
import { psnr } from '../src/metrics/psnr.ts';
import { DEGRADATIONS, type Degradation } from '../src/models/model.ts';
import { cases, type QualityCase, type QualityTask, TASKS } from './quality-cases.ts';

const { values } = parseArgs({
  options: { data: { type: 'string' }, model: { type: 'string' }, only: { type: 'string' }, tile: { type: 'string' } },
});
if (values.data === undefined) throw new Error('--data: expected the folder of the data sets');
const chosen = values.only?.split(',') ?? [...TASKS];

/** A degradation counts as named when it is the most probable one; `clean` when none reaches one half. */
function named(found: Readonly<Record<Degradation, { probability: number }>>): string {
  const [best] = [...DEGRADATIONS].sort((a, b) => found[b].probability - found[a].probability);
  return best !== undefined && found[best].probability >= 0.5 ? best : 'clean';
}

function eightBit({ width, height, data }: Raster) {
  const area = width * height;
  const bytes = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++)
    for (let c = 0; c < 3; c++) bytes[3 * i + c] = Math.round(255 * Math.min(1, Math.max(0, data[c * area + i] ?? 0)));
  return { data: bytes, width, height, channels: 3 as const };
}

const clearword = await Clearword.load({ device: 'cpu', ...(values.model !== undefined && { model: values.model }) });
const tile = values.tile === undefined ? {} : { tile: Number(values.tile) };

async function restored(input: Raster, prompt: string): Promise<Raster> {
  const result = await clearword.restore(eightBit(input), { prompt, steps: 1, seed: 1, ...tile });
  const { data, width, height } = result.pixels();
  return toRaster({ data, width, height, channels: 3 });
}

interface Row {
  readonly pictures: number;
  readonly input: number;
  readonly output: number;
  /** Composites: PSNR to the asked target with the empty prompt. */
  readonly emptyPrompt?: number;
  /** Share of pictures whose degradation the controller names. */
  readonly named?: number;
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0) / Math.max(1, numbers.length);

async function score(task: QualityTask, list: AsyncIterable<QualityCase>): Promise<Row> {
  const [input, output, empty, right]: [number[], number[], number[], number[]] = [[], [], [], []];
  for await (const { degraded, target, prompt, truth } of list) {
    const bits = { eightBit: true } as const;
    if (truth !== undefined)
      right.push(named((await clearword.inspect(eightBit(degraded))).degradations) === truth ? 1 : 0);
    if (task === 'controller') continue;
    input.push(psnr(degraded, target, bits));
    output.push(psnr(await restored(degraded, prompt), target, bits));
    if (task === 'subsets') empty.push(psnr(await restored(degraded, ''), target, bits));
  }
  return {
    pictures: Math.max(input.length, right.length),
    input: mean(input.map((value) => Math.min(value, 99))),
    output: mean(output),
    ...(empty.length > 0 && { emptyPrompt: mean(empty) }),
    ...(right.length > 0 && { named: mean(right) }),
  };
}

const results: Record<string, Row> = {};
for (const task of TASKS.filter((name) => chosen.includes(name))) {
  for (const [name, list] of Object.entries(cases(task, values.data))) {
    const row = await score(task, list);
    results[name] = row;
    const scores =
      Number.isFinite(row.output) && row.output !== 0 ? `${row.input.toFixed(2)} -> ${row.output.toFixed(2)} dB` : '';
    const empty = row.emptyPrompt === undefined ? '' : `  empty prompt ${row.emptyPrompt.toFixed(2)} dB`;
    const share = row.named === undefined ? '' : `  named ${(100 * row.named).toFixed(1)} %`;
    console.error(`${name.padEnd(28)} ${scores}${empty}${share}  (${row.pictures} pictures)`);
  }
}
console.log(JSON.stringify({ model: clearword.model, date: new Date().toISOString().slice(0, 10), results }, null, 2));
await clearword.dispose();
