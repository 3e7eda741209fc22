import { describe, expect, it } from 'vitest';
import { inOrderOfLight, KNOWN_DEGRADATIONS, WORDS } from '../../degradations/index.ts';
import { createRaster, type Raster } from '../../image/raster.ts';
import { Random } from '../../random/random.ts';
import { dataConfigSchema } from '../config.ts';
import { writePrompt } from '../prompts.ts';
import { degrade } from './composite.ts';
import { drawDegradation, measure, RECORDS } from './index.ts';
import type { DrawContext } from './record.ts';

const SIDE = 64;
const SEEDS = [1, 2, 3, 4];
const config = dataConfigSchema.parse({
  roots: {},
  noise: { kinds: { white: 1, camera: 1, chain: 1 } },
  rain: { heavy: 0.5 },
  haze: { uneven: 0.5, saved: 0.5 },
  compression: { webp: 0.2 },
});

/** Not compared value by value, which takes long. */
const bytesOf = ({ data }: Raster): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
const clear = (side: number): Raster => createRaster(side, side);

/** Slow colour waves with edges, 0.2..0.8. */
function scene(side: number): Raster {
  const image = createRaster(side, side);
  for (let i = 0; i < image.data.length; i++) {
    const [c, y, x] = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side];
    const edge = (Math.floor(x / 16) + Math.floor(y / 16)) % 2 === 0 ? 0.12 : -0.12;
    image.data[i] = 0.5 + 0.15 * Math.sin(0.11 * x + c) * Math.cos(0.07 * y) + edge;
  }
  return image;
}

function contextOf(side: number): DrawContext {
  const none = () => Promise.reject(new Error('no files here'));
  return {
    side,
    companion: false,
    knows: () => true,
    pictures: { counts: { rainLayers: 0, hazeScenes: 0 }, rainLayer: none, hazeScene: none },
    photo: async () => ({
      clear: scene(side),
      captions: [],
      hint: null,
      frame: { x: 0, y: 0, scale: 1, flipX: false, imageWidth: side, imageHeight: side },
    }),
  };
}

describe.each(KNOWN_DEGRADATIONS)('%s', (name) => {
  const drawn = async (seed: number) => {
    const { effects, side = SIDE } = await drawDegradation(name, new Random(seed), config, contextOf(SIDE));
    return { effects, clear: scene(side) };
  };

  it('gives the same picture twice, of the size asked for, within 0..1', async () => {
    for (const seed of SEEDS) {
      const results = [];
      for (let i = 0; i < 2; i++) {
        const { effects, clear } = await drawn(seed);
        results.push(await degrade(clear, effects, new Set([name]), measure));
        // Applied again, it is still the same realisation.
        results.push(await degrade(clear, effects, new Set([name]), measure));
      }
      const [first] = results;
      for (const { input, target, readings } of results) {
        expect(bytesOf(input).equals(bytesOf(first?.input ?? clear(0)))).toBe(true);
        expect(bytesOf(target).equals(bytesOf(first?.target ?? clear(0)))).toBe(true);
        expect(readings).toEqual(first?.readings);
      }
      for (const picture of [first?.input, first?.target]) {
        expect([picture?.width, picture?.height]).toEqual([SIDE, SIDE]);
        expect(picture?.data.every((value) => value >= 0 && value <= 1.0001)).toBe(true);
      }
    }
  });

  it('reports itself, and the strength that its record reads from the two pictures', async () => {
    for (const seed of SEEDS) {
      const { effects, clear } = await drawn(seed);
      const { input, target, readings } = await degrade(clear, effects, new Set(KNOWN_DEGRADATIONS), measure);
      expect(Object.keys(readings)).toContain(name);
      expect(effects.some(({ of }) => of === name)).toBe(true);
      const own = effects.filter(({ of }) => of === name);
      // A file that came with it, or light that differs over the picture, changes what a pair alone can tell.
      if (own.length < effects.length) continue;
      const read = await measure(name, target, input);
      expect(Math.abs(read.strength - (readings[name]?.strength ?? 0))).toBeLessThan(0.2);
    }
  });

  it('reads nothing from two equal pictures', async () => {
    expect((await measure(name, scene(SIDE), scene(SIDE))).strength).toBeLessThan(0.02);
    expect((await measure(name, scene(SIDE), scene(SIDE))).present).toBe(false);
  });

  it('stands in its place, and is kept or removed as is asked', async () => {
    const { effects, clear } = await drawn(7);
    const own = effects.filter(({ of }) => of === name);
    expect(own.every(({ place }) => place === WORDS[name].place || place === WORDS.compression.place)).toBe(true);
    const kept = await degrade(clear, effects, new Set(), measure);
    expect(kept.target).toBe(kept.input);
    const removed = await degrade(clear, effects, new Set([name]), measure);
    expect(removed.target.data).not.toEqual(removed.input.data);
  });

  it('is asked for in its own words', () => {
    const random = new Random(1);
    const letters = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '');
    const words = [...WORDS[name].nouns, ...WORDS[name].requests].map(letters);
    const request = { degradations: [name, 'other'], present: new Set([name]), asked: new Set([name]) };
    const prompts = Array.from({ length: 300 }, () => letters(writePrompt(random, request)));
    const named = prompts.filter((prompt) => words.some((word) => prompt.includes(word)));
    // The others ask for everything but the other one, or have a slip of the finger in the word itself.
    expect(named.length).toBeGreaterThan(0.75 * 300);
  });

  it('has options that are complete without being given', () => {
    expect(RECORDS[name].options.parse(undefined)).toEqual(dataConfigSchema.parse({ roots: {} })[name]);
  });
});

it('all places differ, and are those of light first and the file last', () => {
  const places = KNOWN_DEGRADATIONS.map((name) => WORDS[name].place);
  expect(new Set(places).size).toBe(places.length);
  expect(inOrderOfLight(KNOWN_DEGRADATIONS)).toEqual(['haze', 'rain', 'darkness', 'noise', 'compression']);
});
