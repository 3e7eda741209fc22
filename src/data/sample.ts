/**
 * One training sample: a crop, what happens to it, and what is asked for.
 *
 * @module
 */
import { DEGRADATIONS, type Degradation } from '../degradations/index.ts';
import type { Raster } from '../image/raster.ts';
import { gaussianField, type Random } from '../random/random.ts';
import type { DataConfig, PromptMixture, Task } from './config.ts';
import {
  type DegradationSet,
  type Degradations,
  type DegradedPair,
  degrade,
  type Haze,
} from './degradations/composite.ts';
import { type Airlight, drawAirlight, drawDepthHint, plausibleDepth, transmissionOf } from './degradations/haze.ts';
import { compressJpeg } from './degradations/jpeg.ts';
import type { Plane } from './degradations/plane.ts';
import { drawStreakStyle, generateStreaks, mixLayers, scaleLayer } from './degradations/rain.ts';
import { cutWindow, type Pixels, type Window } from './picture-store.ts';
import { EVERYTHING, writePrompt } from './prompts.ts';
import { at, type TrainingPictures, upright } from './training-pictures.ts';

export { TrainingPictures } from './training-pictures.ts';

export interface Sample extends DegradedPair {
  readonly prompt: string;
  /** What the prompt asks to remove, present or not; everything for the empty prompt. */
  readonly asked: DegradationSet;
  readonly task: Task;
  /** File of the whole degraded picture, where there is one. */
  readonly file?: string;
}

/** Draws one sample; the same `random` gives the same sample, whatever is cached. */
export async function drawSample(random: Random, pictures: TrainingPictures, config: DataConfig): Promise<Sample> {
  const task = drawTask(random, config.tasks);
  if (task === 'pairs') return drawFilePair(random, pictures, config);
  const present = drawDegradations(random, task);
  const scene = await drawScene(random, pictures, config, task, present);
  const { clear, haze } = scene;
  const size = { width: clear.width, height: clear.height };
  const rain = present.rain ? await drawRain(random, pictures, config, size) : undefined;
  const noise = present.noise ? drawNoise(random, config, size) : undefined;
  const degradations: Degradations = {
    ...(haze === undefined ? {} : { haze }),
    ...(rain === undefined ? {} : { rain }),
    ...(noise === undefined ? {} : { noise }),
  };
  const { prompt, asked } = drawRequest(random, config.prompts, present, scene.captions);
  const pair = degrade(clear, degradations, asked);
  return { ...pair, input: await drawCompression(random, pair, asked, config), prompt, asked, task };
}

/**
 * The input as a JPEG file may hold it. Only where all of its degradations are to go: what is kept would have to be guessed
 * from what the compression left of it, and clean pictures are to stay as they are.
 */
async function drawCompression(
  random: Random,
  { input, presence }: DegradedPair,
  asked: DegradationSet,
  config: DataConfig,
): Promise<Raster> {
  if (config.compressed === 0 || random.uniform() >= config.compressed) return input;
  const degraded = DEGRADATIONS.filter((name) => presence[name]);
  if (degraded.length === 0 || !degraded.every((name) => asked[name])) return input;
  return compressJpeg(input, Math.round(random.uniform(...config.quality)), random.uniform() < 0.5);
}

function drawTask(random: Random, weights: Readonly<Record<Task, number>>): Task {
  const tasks = Object.keys(weights) as Task[];
  let rest = random.uniform() * tasks.reduce((sum, task) => sum + weights[task], 0);
  for (const task of tasks) {
    rest -= weights[task];
    if (rest < 0) return task;
  }
  // Only rounding leads here: the last task that can be drawn at all.
  return tasks.filter((task) => weights[task] > 0).at(-1) as Task;
}

function drawDegradations(random: Random, task: Task): DegradationSet {
  if (task !== 'composite') {
    return { noise: task === 'noise', rain: task === 'rain', haze: task === 'hazeGenuine' || task === 'hazeSynthetic' };
  }
  const missing = random.uniform() < 0.4 ? undefined : random.pick(DEGRADATIONS);
  return { noise: missing !== 'noise', rain: missing !== 'rain', haze: missing !== 'haze' };
}

/** A crop of a pair of files; every kind of degradation is drawn equally often, however many files it has. */
async function drawFilePair(random: Random, pictures: TrainingPictures, config: DataConfig): Promise<Sample> {
  const { pairs } = pictures.index;
  const kind = random.pick([...new Set(pairs.map(({ degradation }) => degradation))]);
  const number = random.pick(pairs.flatMap(({ degradation }, i) => (degradation === kind ? [i] : [])));
  const { degraded: file, captions } = at(pairs, number);
  const { degraded, clear } = await pictures.filePair(number);
  const window = { ...drawWindow(random, clear, config.patch, 1), flipY: random.uniform() < 0.5 };
  const of = (value: (name: Degradation) => number) => ({
    noise: value('noise'),
    rain: value('rain'),
    haze: value('haze'),
  });
  return {
    input: cut(degraded, window),
    target: cut(clear, window),
    presence: { noise: kind === 'noise', rain: kind === 'rain', haze: kind === 'haze' },
    // How strong it is, files do not tell.
    strength: of((name) => (name === kind ? 1 : 0)),
    prompt: captions.length > 0 ? random.pick(captions) : '',
    asked: EVERYTHING,
    task: 'pairs',
    file,
  };
}

interface Scene {
  readonly clear: Raster;
  readonly haze?: Haze;
  readonly captions: readonly string[];
}

/** The clear crop, with its haze where it is to have one. */
async function drawScene(
  random: Random,
  pictures: TrainingPictures,
  config: DataConfig,
  task: Task,
  present: DegradationSet,
): Promise<Scene> {
  const { hazeGenuine, hazeSynthetic } = config.tasks;
  const { hazePairs, photos } = pictures.index;
  const share = hazeGenuine + hazeSynthetic > 0 ? hazeGenuine / (hazeGenuine + hazeSynthetic) : 0.5;
  const mixed = task === 'composite' && present.haze && hazePairs.training.length > 0 && random.uniform() < share;
  if (task === 'hazeGenuine' || mixed) return drawHazePair(random, pictures, config);

  const number = random.int(photos.length);
  const photo = await pictures.photo(number);
  const captions = at(photos, number).captions;
  const scale = random.uniform() < 0.25 ? random.uniform(1, 1.5) : 1;
  const window = drawWindow(random, photo, config.patch, scale);
  if (!present.haze) {
    const turned = { ...window, flipY: random.uniform() < 0.5, transpose: random.uniform() < 0.5 };
    return { clear: cut(photo, turned), captions };
  }
  // Haze thickens towards the horizon, so hazy photos stay upright.
  const clear = cut(photo, window);
  const hint = at(photos, number).hint ?? drawDepthHint(random);
  const frame = { ...window, imageWidth: photo.width, imageHeight: photo.height };
  const depth = plausibleDepth(random, clear, hint, frame);
  const transmission = transmissionOf(depth, random.uniform(...config.beta));
  return {
    clear,
    haze: { kind: 'synthetic', transmission, airlight: drawAirlight(random, ...config.airlight) },
    captions,
  };
}

/** RESIDE's outdoor set has beta 0.08..0.2 and a grey A of 0.8..1; new haze goes a little beyond. */
const REHAZE = { beta: [0.06, 0.24], airlight: [0.75, 1] } as const;

async function drawHazePair(random: Random, pictures: TrainingPictures, config: DataConfig): Promise<Scene> {
  const pair = await pictures.hazeScene(random.int(pictures.index.hazePairs.training.length));
  const room = Math.min(pair.transmission.width, pair.transmission.height) / config.patch;
  const scale = room > 1 && random.uniform() < 0.5 ? random.uniform(1, Math.min(2, room)) : 1;
  const window = drawWindow(random, pair.transmission, config.patch, scale);
  const clear = cut(pair.clear, window);
  const transmission: Plane = {
    width: window.width,
    height: window.height,
    data: cutWindow(pair.transmission, window),
  };
  if (random.uniform() >= config.rehazed) {
    return { clear, haze: { kind: 'genuine', hazy: cut(pair.hazy, window), transmission }, captions: [] };
  }
  // t = exp(-beta d), so another beta over the same depth is a power of t.
  const power = random.uniform(...REHAZE.beta) / pair.beta;
  const thicker: Plane = { ...transmission, data: transmission.data.map((t) => t ** power) };
  const airlight: Airlight = drawAirlight(random, ...REHAZE.airlight);
  return { clear, haze: { kind: 'synthetic', transmission: thicker, airlight }, captions: [] };
}

/** A random upright window; a picture that is too small is centred and mirrored beyond its borders. */
function drawWindow(random: Random, pixels: Pixels, patch: number, scale: number): Window {
  const place = (size: number): number => {
    const room = size - Math.ceil(patch * scale);
    const offset = random.int(Math.max(1, room + 1));
    return room >= 0 ? offset : Math.floor(room / 2);
  };
  const x = place(pixels.width);
  const y = place(pixels.height);
  return { ...upright, x, y, scale, width: patch, height: patch, flipX: random.uniform() < 0.5 };
}

function cut(pixels: Pixels, window: Window): Raster {
  return { width: window.width, height: window.height, data: cutWindow(pixels, window) };
}

async function drawRain(
  random: Random,
  pictures: TrainingPictures,
  config: DataConfig,
  size: { readonly width: number; readonly height: number },
): Promise<Plane> {
  const count = pictures.index.rainLayers.training.length;
  if (count === 0 || random.uniform() < config.generatedRain) {
    return generateStreaks(random, size.width, size.height, drawStreakStyle(random));
  }
  const genuine = async (): Promise<Plane> => {
    const layer = await pictures.rainLayer(random.int(count));
    const scale = random.uniform() < 0.5 ? 1 : random.uniform(0.75, 1.35);
    const window = drawWindow(random, layer, size.width, scale);
    return { ...size, data: cutWindow(layer, window) };
  };
  const layer = await genuine();
  const mixed = random.uniform() < 0.2 ? mixLayers(layer, await genuine()) : layer;
  return random.uniform() < 0.5 ? mixed : scaleLayer(mixed, random.uniform(0.6, 1.5));
}

function drawNoise(random: Random, config: DataConfig, size: { readonly width: number; readonly height: number }) {
  const sigma = random.uniform(...config.sigma);
  const place = { ...size, x0: 0, y0: 0, channels: 3, imageWidth: size.width };
  return { sigma, field: gaussianField({ ...place, seed: random.uint32(), stream: 0 }) };
}

/** What is asked of the picture, and the words for it. */
function drawRequest(
  random: Random,
  mixture: PromptMixture,
  present: DegradationSet,
  captions: readonly string[],
): { prompt: string; asked: DegradationSet } {
  const kind = random.uniform();
  const caption = captions.length > 0 ? random.pick(captions) : undefined;
  if (kind < mixture.empty) return { prompt: '', asked: EVERYTHING };
  if (kind < mixture.empty + mixture.captionOnly) return { prompt: caption ?? '', asked: EVERYTHING };
  const beside = caption !== undefined && random.uniform() < mixture.withCaption ? { caption } : {};
  if (kind >= mixture.empty + mixture.captionOnly + mixture.subset) {
    const named = random.uniform() < 0.4 ? EVERYTHING : null;
    return { prompt: writePrompt(random, { present, asked: named, ...beside }), asked: EVERYTHING };
  }
  const asked = drawSubset(random, mixture, present);
  return { prompt: writePrompt(random, { present, asked, ...beside }), asked };
}

/** Some of what is present, or now and then only what is not. */
function drawSubset(random: Random, mixture: PromptMixture, present: DegradationSet): DegradationSet {
  const there = random.shuffle(DEGRADATIONS.filter((name) => present[name]));
  const absent = random.shuffle(DEGRADATIONS.filter((name) => !present[name]));
  const useAbsent = absent.length > 0 && (there.length === 0 || random.uniform() < mixture.absent);
  const candidates = useAbsent ? absent : there;
  // Of several degradations a proper subset, because asking for all of them is another kind of request.
  const most = useAbsent ? candidates.length : Math.max(1, candidates.length - 1);
  const chosen = new Set(candidates.slice(0, 1 + random.int(most)));
  return { noise: chosen.has('noise'), rain: chosen.has('rain'), haze: chosen.has('haze') };
}
