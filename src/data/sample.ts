/**
 * One training picture: a region, what happens to it, and what is asked for.
 *
 * @module
 */
import { type Degradation, inOrderOfLight, isKnown } from '../degradations/index.ts';
import { ClearwordError } from '../errors.ts';
import type { Random } from '../random/random.ts';
import type { DataConfig, Task } from './config.ts';
import { type DegradedPair, degrade, inOrder } from './degradations/composite.ts';
import { drawSaved, savedEffect } from './degradations/compression.ts';
import { pickWeighted } from './degradations/fields.ts';
import { drawDegradation, measure, RECORDS } from './degradations/index.ts';
import type { DegradationSet, DrawContext, Effect, PhotoRegion, Reading, Scene } from './degradations/record.ts';
import { drawNegative } from './negatives.ts';
import { drawRequest } from './request.ts';
import { at, type TrainingPictures } from './training-pictures.ts';
import { cutRaster, drawWindow } from './window.ts';

export { TrainingPictures } from './training-pictures.ts';

export interface Sample extends DegradedPair {
  readonly prompt: string;
  /** What the prompt asks to remove, present or not; everything for the empty prompt. */
  readonly asked: DegradationSet;
  readonly task: Task;
  /** What was drawn, in words, in the order in which it happens. */
  readonly drawn: readonly string[];
  /** File of the whole degraded picture, where there is one. */
  readonly file?: string;
}

/** Fails with DATA_INVALID where a task trains what the model does not know. */
export function checkTasks(tasks: DataConfig['tasks'], degradations: readonly string[]): void {
  for (const [task, weight] of Object.entries(tasks)) {
    if (weight === 0 || !isKnown(task) || degradations.includes(task)) continue;
    const message = `tasks.${task}: expected 0, because the model knows ${degradations.join(', ')}; received ${weight}`;
    throw new ClearwordError('DATA_INVALID', message, {
      fix: `Set tasks.${task} to 0, or add ${task} to the degradations of the preset.`,
    });
  }
}

/**
 * Draws one sample; the same `random` gives the same sample, whatever is cached.
 *
 * @param degradations what the model knows
 */
export async function drawSample(
  random: Random,
  pictures: TrainingPictures,
  config: DataConfig,
  degradations: readonly string[],
): Promise<Sample> {
  const task = pickWeighted(random, config.tasks);
  if (task === 'pairs') return drawFilePair(random, pictures, config, degradations);
  if (task === 'clean') return drawClean(random, pictures, config, degradations);
  const names = drawNames(random, task, config, degradations);
  const { scene, effects } = await drawEffects(random, pictures, config, degradations, names);
  const present = new Set(effects.map(({ of }) => of));
  const request = drawRequest(random, config.prompts, { degradations, present, captions: scene.captions });
  const all = [...effects, ...drawFile(random, request.asked, present, config, degradations)];
  const pair = await degrade(scene.clear, all, request.asked, measure);
  return { ...pair, ...request, task, drawn: inOrder(all).map(({ drawn }) => drawn) };
}

/** Degradations of a sample: that of its task with what mostly comes with it, or several. */
function drawNames(
  random: Random,
  task: Exclude<Task, 'clean' | 'pairs'>,
  config: DataConfig,
  degradations: readonly string[],
): readonly Degradation[] {
  const known = degradations.filter(isKnown);
  if (task !== 'composite') {
    const companions = Object.entries(RECORDS[task].companions ?? {}).filter(
      ([name, share]) => random.uniform() < share && degradations.includes(name),
    );
    return [task, ...companions.map(([name]) => name).filter(isKnown)];
  }
  const weighed = known.filter((name) => config.tasks[name] > 0);
  const candidates = random.shuffle(weighed.length > 1 ? weighed : known);
  let count = 2;
  while (count < config.most && random.uniform() < 0.4) count++;
  return candidates.slice(0, count);
}

/**
 * Effects are drawn from the file back to the light, because a later one may take a larger picture than it gives; the one
 * nearest to the light may bring the scene.
 */
async function drawEffects(
  random: Random,
  pictures: TrainingPictures,
  config: DataConfig,
  degradations: readonly string[],
  names: readonly Degradation[],
): Promise<{ readonly scene: Scene; readonly effects: readonly Effect[] }> {
  let side = config.grid * config.patch;
  let scene: Scene | undefined;
  const effects: Effect[] = [];
  for (const name of [...inOrderOfLight(names)].reverse()) {
    const context: DrawContext = {
      side,
      pictures,
      companion: names.some((other) => RECORDS[other].companions?.[name] !== undefined),
      knows: (other) => degradations.includes(other),
      photo: ({ upright }) => drawPhoto(random, pictures, config, side, upright),
    };
    const drawn = await drawDegradation(name, random, config, context);
    effects.push(...drawn.effects);
    side = drawn.side ?? side;
    scene = drawn.scene;
  }
  return { scene: scene ?? (await drawPhoto(random, pictures, config, side, false)), effects };
}

/** A region of a photo; turned and flipped as well where it need not stay upright. */
async function drawPhoto(
  random: Random,
  pictures: TrainingPictures,
  config: DataConfig,
  side: number,
  upright: boolean,
): Promise<PhotoRegion> {
  const number = random.int(pictures.index.photos.length);
  const photo = await pictures.photo(number);
  const { captions, hint } = at(pictures.index.photos, number);
  const [low, high] = config.scale;
  const reach = Math.max(low, Math.min(high, Math.min(photo.width, photo.height) / side));
  const scale = random.uniform() < config.scaled ? random.uniform(low, reach) : 1;
  const window = drawWindow(random, photo, side, scale);
  const turned = upright ? window : { ...window, flipY: random.uniform() < 0.5, transpose: random.uniform() < 0.5 };
  const frame = { ...window, imageWidth: photo.width, imageHeight: photo.height };
  return { clear: cutRaster(photo, turned), captions, hint, frame };
}

/**
 * The input as a JPEG file may hold it. Only where all of its degradations are to go: what is kept would have to be guessed
 * from what the compression left of it. A file that shows is a degradation by itself where the model knows of it.
 */
function drawFile(
  random: Random,
  asked: DegradationSet,
  present: DegradationSet,
  config: DataConfig,
  degradations: readonly string[],
): Effect[] {
  if (config.compressed === 0 || random.uniform() >= config.compressed) return [];
  if (present.has('compression') || ![...present].every((name) => asked.has(name))) return [];
  const saved = drawSaved(random, config.quality);
  const counts = degradations.includes('compression') && saved.quality < 88 && asked.has('compression');
  const [first] = present;
  return first === undefined ? [] : [savedEffect(saved, counts ? 'compression' : first)];
}

/** A picture that is to stay as it is. */
async function drawClean(
  random: Random,
  pictures: TrainingPictures,
  config: DataConfig,
  degradations: readonly string[],
): Promise<Sample> {
  const photo = await drawPhoto(random, pictures, config, config.grid * config.patch, false);
  const negative = random.uniform() < config.negatives ? await drawNegative(random, photo.clear) : undefined;
  const input = negative?.image ?? photo.clear;
  const captions = negative?.invented ? [] : photo.captions;
  const request = drawRequest(random, config.prompts, { degradations, present: new Set(), captions });
  return { input, target: input, readings: {}, ...request, task: 'clean', drawn: negative ? [negative.drawn] : [] };
}

/** A region of a pair of files; every kind of degradation is drawn equally often, however many files it has. */
async function drawFilePair(
  random: Random,
  pictures: TrainingPictures,
  config: DataConfig,
  degradations: readonly string[],
): Promise<Sample> {
  const { pairs } = pictures.index;
  const kind = random.pick([...new Set(pairs.map(({ degradation }) => degradation))]);
  const number = random.pick(pairs.flatMap(({ degradation }, i) => (degradation === kind ? [i] : [])));
  const { degraded: file, captions } = at(pairs, number);
  const { degraded, clear } = await pictures.filePair(number);
  const window = { ...drawWindow(random, clear, config.grid * config.patch, 1), flipY: random.uniform() < 0.5 };
  const [input, target] = [cutRaster(degraded, window), cutRaster(clear, window)];
  const readings: Record<string, Reading> = { [kind]: await measure(kind, target, input) };
  // What mostly comes with it does so in genuine pictures too, where only the picture itself can say how strong it is.
  for (const name of Object.keys(RECORDS[kind].companions ?? {})) {
    const estimate = isKnown(name) ? RECORDS[name].estimate?.(input) : undefined;
    if (estimate?.present) readings[name] = estimate;
  }
  const request = drawRequest(random, config.prompts, {
    degradations,
    present: new Set(Object.keys(readings)),
    inseparable: true,
    captions,
  });
  const goes = request.asked.has(kind);
  return {
    input,
    target: goes ? target : input,
    readings,
    ...request,
    task: 'pairs',
    drawn: [`genuine ${kind}`],
    file,
  };
}
