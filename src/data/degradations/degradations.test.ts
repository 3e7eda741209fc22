import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_DEGRADATIONS } from '../../degradations/index.ts';
import { createRaster, type Raster, reflect } from '../../image/raster.ts';
import { gaussianField, Random } from '../../random/random.ts';
import { degrade } from './composite.ts';
import { drawDepthHint, plausibleDepth } from './depth.ts';
import { addHaze, depthOf, genuineHaze, recoverTransmission, scattering, transmissionOf } from './haze.ts';
import { measure } from './index.ts';
import { addGaussianNoise, quantise, whiteNoise } from './noise.ts';
import { boxFilter, createPlane, edgePreservingFilter, mean, type Plane } from './plane.ts';
import {
  addRain,
  drawStreakStyle,
  generateStreaks,
  meanAddedBrightness,
  mixLayers,
  scaleLayer,
  streaks,
} from './rain.ts';
import type { DegradationSet, Effect } from './record.ts';

const SIDE = 24;

/** Smooth colour waves with some texture, 0.05..0.95. */
function scene(seed: number, side = SIDE): Raster {
  const random = new Random(seed);
  const image = createRaster(side, side);
  const [fx, fy, phase] = [random.uniform(0.1, 0.6), random.uniform(0.1, 0.6), random.uniform(0, 6)];
  for (let i = 0; i < image.data.length; i++) {
    const [channel, y, x] = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side];
    const wave = 0.5 + 0.35 * Math.sin(fx * x + phase + channel) * Math.cos(fy * y) + 0.1 * random.uniform(-1, 1);
    image.data[i] = Math.min(0.95, Math.max(0.05, wave));
  }
  return image;
}

function field(seed: number): Float32Array {
  const place = { x0: 0, y0: 0, width: SIDE, height: SIDE, imageWidth: SIDE, channels: 3 };
  return gaussianField({ ...place, seed, stream: 0 });
}

function slope(side = SIDE): Plane {
  const depth = createPlane(side, side);
  for (let i = 0; i < depth.data.length; i++) depth.data[i] = 1 - Math.floor(i / side) / side;
  return depth;
}

/** Everything at once, in amounts that can be seen, in the order of light. */
function everything(seed: number): Effect[] {
  const random = new Random(seed);
  const style = { ...drawStreakStyle(random), density: 8, brightness: 0.3 };
  return [
    scattering(transmissionOf(slope(), 1), [0.8, 0.8, 0.8]),
    streaks(generateStreaks(random, SIDE, SIDE, style)),
    whiteNoise(30, field(seed)),
  ];
}

const ALL: DegradationSet = new Set(FIRST_DEGRADATIONS);
const anySet: fc.Arbitrary<DegradationSet> = fc.subarray([...FIRST_DEGRADATIONS]).map((names) => new Set(names));

describe('plane filters', () => {
  it('mirrors any index into the picture without repeating the edge', () => {
    expect([-3, -2, -1, 0, 1, 2, 3, 4, 5].map((index) => reflect(index, 3))).toEqual([1, 2, 1, 0, 1, 2, 1, 0, 1]);
    expect([-2, 0, 7].map((index) => reflect(index, 1))).toEqual([0, 0, 0]);
  });

  it('averages over windows, as a direct sum does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(6),
        fc.nat(),
        (w, h, r, seed) => {
          const random = new Random(seed);
          const plane = createPlane(w, h);
          for (let i = 0; i < plane.data.length; i++) plane.data[i] = random.uniform();
          const filtered = boxFilter(plane, r);
          for (let y = 0; y < h; y++) {
            for (let x = 0; x < w; x++) {
              let sum = 0;
              let count = 0;
              for (let v = Math.max(0, y - r); v <= Math.min(h - 1, y + r); v++) {
                for (let u = Math.max(0, x - r); u <= Math.min(w - 1, x + r); u++) {
                  sum += plane.data[v * w + u] as number;
                  count++;
                }
              }
              expect(filtered.data[y * w + x]).toBeCloseTo(sum / count, 5);
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('flattens texture and keeps edges', () => {
    const step = createPlane(20, 20);
    const random = new Random(1);
    for (let i = 0; i < 400; i++) step.data[i] = (i % 20 < 10 ? 0 : 1) + 0.02 * random.normal();
    const smooth = edgePreservingFilter(step, 3, 0.01);
    expect(Math.abs((smooth.data[10 * 20 + 9] as number) - 0)).toBeLessThan(0.1);
    expect(Math.abs((smooth.data[10 * 20 + 10] as number) - 1)).toBeLessThan(0.1);
    const roughness = (plane: Plane) => Math.abs((plane.data[200 + 3] as number) - (plane.data[200 + 4] as number));
    expect(roughness(smooth)).toBeLessThan(0.5 * Math.max(0.01, roughness(step)));
  });
});

describe('noise', () => {
  it('has the sigma asked for where nothing is clipped, and 8-bit values', () => {
    const grey = createRaster(128, 128);
    grey.data.fill(0.5);
    const place = { x0: 0, y0: 0, width: 128, height: 128, imageWidth: 128, channels: 3 };
    const noisy = addGaussianNoise(grey, 25, gaussianField({ ...place, seed: 1, stream: 0 }));
    let squares = 0;
    for (const value of noisy.data) {
      expect(Math.abs(255 * value - Math.round(255 * value))).toBeLessThan(1e-4);
      squares += (value - 0.5) ** 2;
    }
    expect(255 * Math.sqrt(squares / noisy.data.length)).toBeCloseTo(25, 0);
  });

  it('clips', () => {
    const bright = createRaster(SIDE, SIDE);
    bright.data.fill(1);
    const noisy = addGaussianNoise(bright, 50, field(1));
    expect(Math.max(...noisy.data)).toBe(1);
    expect(Math.min(...addGaussianNoise(createRaster(SIDE, SIDE), 50, field(2)).data)).toBe(0);
  });
});

describe('rain', () => {
  it('adds the layer to every channel and stops at white', () => {
    const image = createRaster(2, 1);
    image.data.set([0.1, 0.9, 0.2, 0.9, 0.3, 0.9]);
    const rainy = addRain(image, { width: 2, height: 1, data: Float32Array.of(0.25, 0.25) });
    const expected = [0.35, 1, 0.45, 1, 0.55, 1];
    for (const [i, value] of rainy.data.entries()) expect(value).toBeCloseTo(expected[i] as number, 6);
    expect(meanAddedBrightness(image, rainy)).toBeCloseTo((3 * 0.25 + 3 * 0.1) / 6, 6);
  });

  it('draws streaks of which most of the picture is free, in the direction of their style', () => {
    for (let seed = 0; seed < 10; seed++) {
      const random = new Random(seed);
      const style = { ...drawStreakStyle(random), angle: 0, angleSpread: 0.01 };
      const { data } = generateStreaks(random, 96, 96, style);
      const brightness = mean(data);
      // The 200 genuine layers of Rain100L have means of 0.0065 to 0.050.
      expect(brightness).toBeGreaterThan(0.001);
      expect(brightness).toBeLessThan(0.12);
      let across = 0;
      let along = 0;
      for (let i = 0; i < 95 * 96; i++) {
        if (i % 96 < 95) across += Math.abs((data[i + 1] as number) - (data[i] as number));
        along += Math.abs((data[i + 96] as number) - (data[i] as number));
      }
      expect(across).toBeGreaterThan(2 * along);
    }
  });

  it('scales and mixes layers within 0..1', () => {
    const first = { width: 2, height: 1, data: Float32Array.of(0.2, 0.9) };
    const second = { width: 2, height: 1, data: Float32Array.of(0.3, 0.1) };
    expect([...scaleLayer(first, 1.5).data]).toEqual([...Float32Array.of(0.3, 1)].map((v) => expect.closeTo(v, 6)));
    expect([...mixLayers(first, second).data]).toEqual([...Float32Array.of(0.3, 0.9)]);
  });
});

describe('haze', () => {
  it('recovers the transmission of a pair, also where the scene is as bright as the airlight', () => {
    const side = 96;
    const clear = scene(3, side);
    const plane = side * side;
    // A sky that says nothing about t.
    for (let i = 0; i < 3 * plane; i++) if (i % plane < 12 * side) clear.data[i] = 0.9;
    const transmission = transmissionOf(slope(side), 1.2);
    const hazy = quantise(addHaze(clear, transmission, [0.9, 0.9, 0.9]));
    const recovered = recoverTransmission(hazy, clear, 0.9);
    let error = 0;
    for (let i = 12 * side; i < plane; i++) {
      error += Math.abs((recovered.data[i] as number) - (transmission.data[i] as number)) / (plane - 12 * side);
    }
    expect(error).toBeLessThan(0.01);
    for (const t of recovered.data.subarray(0, 12 * side)) {
      expect(t).toBeGreaterThan(0.2);
      expect(t).toBeLessThan(0.6);
    }
    const again = transmissionOf(depthOf(recovered, 1.2), 1.2);
    expect(again.data[50 * side]).toBeCloseTo(recovered.data[50 * side] as number, 5);
  });

  it('leaves the scene where t = 1 and shows only airlight where t = 0', () => {
    const clear = scene(4);
    const full = createPlane(SIDE, SIDE);
    expect(addHaze(clear, full, [0.7, 0.8, 0.9]).data[SIDE * SIDE]).toBeCloseTo(0.8, 6);
    full.data.fill(1);
    expect(addHaze(clear, full, [0.7, 0.8, 0.9]).data).toEqual(clear.data);
  });

  it('puts the horizon far and the foreground near', () => {
    const frame = { x: 0, y: 0, scale: 1, flipX: false, imageWidth: SIDE, imageHeight: SIDE };
    const grey = createRaster(SIDE, SIDE);
    for (let seed = 0; seed < 20; seed++) {
      const depth = plausibleDepth(new Random(seed), grey, { horizon: 0.4, far: 'top' }, frame);
      expect(mean(depth.data.subarray(0, 8 * SIDE))).toBeGreaterThan(mean(depth.data.subarray(20 * SIDE)) + 0.2);
    }
  });

  it('gives a crop the large-scale depth of its place in the picture, mirrored with it', () => {
    const grey = createRaster(SIDE, SIDE);
    const hint = { horizon: null, far: 'left' } as const;
    const frame = { x: 0, y: 0, scale: 4, imageWidth: 4 * SIDE, imageHeight: 4 * SIDE };
    const plain = plausibleDepth(new Random(2), grey, hint, { ...frame, flipX: false });
    const mirrored = plausibleDepth(new Random(2), grey, hint, { ...frame, flipX: true });
    for (let x = 0; x < SIDE; x++) expect(mirrored.data[x]).toBeCloseTo(plain.data[SIDE - 1 - x] as number, 6);
    const corner = plausibleDepth(new Random(2), grey, hint, { ...frame, flipX: false, scale: 1, x: 10, y: 0 });
    expect(corner.data[2]).toBeCloseTo(plain.data[Math.round((10 + 2.5) / 4 - 0.5)] as number, 1);
  });

  it('draws hints that a person could have written', () => {
    const random = new Random(1);
    for (let i = 0; i < 50; i++) {
      const { horizon } = drawDepthHint(random);
      if (horizon !== null) expect(horizon).toBeGreaterThan(0);
    }
  });
});

describe('degrade', () => {
  const run = (clear: Raster, effects: readonly Effect[], asked: DegradationSet) =>
    degrade(clear, effects, asked, measure);

  it('has the input as its target where nothing present is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), anySet, anySet, async (seed, present, asked) => {
        const some = everything(seed).filter(({ of }) => present.has(of));
        const pair = await run(scene(seed), some, asked);
        if (some.some(({ of }) => asked.has(of))) expect(pair.target.data).not.toEqual(pair.input.data);
        else expect(pair.target).toBe(pair.input);
        expect(Object.keys(pair.readings).sort()).toEqual([...present].sort());
        for (const reading of Object.values(pair.readings)) expect(reading.present).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('applies haze, then rain, then noise, in whichever order they are given', async () => {
    const clear = scene(1);
    const effects = everything(1);
    const [haze, rain, noise] = effects as [Effect, Effect, Effect];
    const expected = await noise.apply(await rain.apply(await haze.apply(clear)));
    for (const order of [effects, [...effects].reverse()]) {
      expect((await run(clear, order, ALL)).input.data).toEqual(expected.data);
    }
  });

  it('gives the clear picture, in float precision, when everything is asked for', async () => {
    const clear = scene(2);
    expect((await run(clear, everything(2), ALL)).target).toBe(clear);
  });

  it('keeps the same haze and the same noise when only rain is asked for', async () => {
    const clear = scene(3);
    const effects = everything(3);
    const { target } = await run(clear, effects, new Set(['rain']));
    const dry = effects.filter(({ of }) => of !== 'rain');
    expect(target.data).toEqual((await run(clear, dry, new Set())).input.data);
  });

  it('gives the picture as it is without an effect that leaves something else behind', async () => {
    const clear = scene(4);
    const half = (image: Raster): Raster => ({ ...image, data: image.data.map((value) => value / 2) });
    const white = whiteNoise(20, field(1));
    const camera: Effect = { ...white, apply: async (before) => await white.apply(half(before)), without: half };
    expect((await run(clear, [camera], new Set(['noise']))).target.data).toEqual(half(clear).data);
    expect((await run(clear, [camera], new Set(['rain']))).target.data).not.toEqual(half(clear).data);
  });

  it('uses the hazy half of a genuine pair as it is', async () => {
    const transmission = transmissionOf(slope(), 1);
    const hazy = quantise(addHaze(scene(5), transmission, [1, 1, 1]));
    const pair = await run(scene(5), [genuineHaze(hazy, transmission)], new Set(['noise']));
    expect(pair.input).toBe(hazy);
    expect(pair.readings.haze?.strength).toBeCloseTo(1 - mean(transmission.data), 6);
  });

  it('reports strengths in the units of Findings', async () => {
    const clear = createRaster(SIDE, SIDE);
    const layer = createPlane(SIDE, SIDE);
    layer.data.fill(0.03);
    const { readings } = await run(clear, [streaks(layer), whiteNoise(11, field(1))], ALL);
    expect(readings.rain?.strength).toBeCloseTo(0.2, 5);
    expect(readings.noise?.strength).toBeCloseTo(0.2, 5);
    expect(readings.haze).toBeUndefined();
    const none = await run(clear, [streaks(createPlane(SIDE, SIDE))], ALL);
    expect(none.readings.rain).toEqual({ strength: 0, present: false });
  });
});
