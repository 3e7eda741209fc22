/**
 * A contact sheet of training samples, to look at beside real photographs: input, target, what was drawn, and the prompt.
 *
 * @module
 */
import sharp from 'sharp';
import { sampleRandom } from '../../data/batch.ts';
import type { Task } from '../../data/config.ts';
import { scanDataset } from '../../data/dataset.ts';
import { interleaved } from '../../data/degradations/compression.ts';
import { allocatePictures } from '../../data/picture-store.ts';
import { checkTasks, drawSample, type Sample, TrainingPictures } from '../../data/sample.ts';
import type { Raster } from '../../image/raster.ts';
import type { TrainConfig } from '../../train/config.ts';
import { graphOptions } from '../../train/start.ts';
import { escapeHtml, paragraph } from './html.ts';
import { STYLE } from './style.ts';

export interface SheetOptions {
  /** Samples on the sheet. */
  readonly count: number;
  /** Draw this task alone. */
  readonly task?: Task;
  /** Step of the run whose samples are shown. */
  readonly step: number;
}

/** The sheet as a page of its own, pictures inside. Fails with DATA_INVALID as training does. */
export async function sampleSheet(config: TrainConfig, { count, task, step }: SheetOptions): Promise<string> {
  const { degradations } = graphOptions(config).preset;
  const tasks = task === undefined ? config.data.tasks : { ...noTasks(config), [task]: 1 };
  const data = { ...config.data, tasks };
  checkTasks(tasks, degradations);
  const index = await scanDataset(data);
  const pictures = new TrainingPictures(index, allocatePictures(TrainingPictures.slots(index), 256));
  const figures: string[] = [];
  for (let number = 0; number < count; number++) {
    const sample = await drawSample(sampleRandom(data.seed, step, number), pictures, data, degradations);
    figures.push(await figureOf(sample, degradations));
  }
  const title = `Training samples of ${config.preset}`;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style>${STYLE}
body{max-width:none}.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(34rem,1fr));gap:1.2rem}
.pair{display:flex;gap:4px}.pair img{max-width:50%;image-rendering:pixelated}</style>
<h1>${escapeHtml(title)}</h1>
${paragraph('Left the input, right what the prompt asks for, pixel for pixel.')}
<div class="samples">
${figures.join('\n')}
</div>
</html>
`;
}

const noTasks = ({ data }: TrainConfig): TrainConfig['data']['tasks'] =>
  Object.fromEntries(Object.keys(data.tasks).map((name) => [name, 0])) as TrainConfig['data']['tasks'];

async function figureOf(sample: Sample, degradations: readonly string[]): Promise<string> {
  const { prompt, task, drawn, readings, asked } = sample;
  const [input, target] = [await embedded(sample.input), await embedded(sample.target)];
  const labels = Object.entries(readings).map(
    ([name, { strength, present }]) => `${name} ${strength.toFixed(2)}${present ? '' : ' (not seen)'}`,
  );
  const all = degradations.every((name) => asked.has(name));
  const lines = [
    `“${prompt}”`,
    `asks for ${all ? 'everything' : [...asked].join(', ') || 'nothing'}`,
    `${task}: ${drawn.join('; ') || 'a photo as it is'}`,
    ...(labels.length > 0 ? [labels.join(', ')] : []),
  ];
  return `<figure><div class="pair"><img alt="input" src="${input}"><img alt="target" src="${target}"></div><figcaption>${lines.map(escapeHtml).join('<br>')}</figcaption></figure>`;
}

/** Lossless, because the traces of files are to be seen. */
async function embedded(image: Raster): Promise<string> {
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const bytes = await sharp(interleaved(image), { raw }).webp({ lossless: true, effort: 1 }).toBuffer();
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}
