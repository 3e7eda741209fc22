/**
 * Too little light: an exposure that is short by half a stop to four, with what cameras then get wrong of tone and colour. Its
 * noise is a degradation of its own, which mostly comes with it.
 *
 * @module
 */
import { z } from 'zod';
import { createRaster, type Raster } from '../../image/raster.ts';
import { range, share } from '../schema.ts';
import type { DegradationRecord, Reading } from './record.ts';

/** Stops that are strength 1. */
const FULL_STOPS = 4;
/** Stops below which nobody would call a picture dark. */
const LEAST_STOPS = 0.5;
const GAMMA = 2.2;

const options = z
  .strictObject({
    /** Exposure that is lost, in stops; drawn uniformly. 1 is half of the light. */
    stops: range(0, 8).default([1, 4]),
    /** Standard deviation of the logarithm of the factors on gamma and white balance. */
    drift: share.default(0.07),
  })
  .prefault({});

type Options = z.output<typeof options>;

export const darkness: DegradationRecord<Options> = {
  options,
  weight: 0,
  companions: { noise: 0.65 },
  draw(random, { stops: bounds, drift }) {
    const stops = random.uniform(...bounds);
    const gamma = Math.exp(drift * random.normal());
    // Red and blue against green.
    const balance = [Math.exp(drift * random.normal()), 1, Math.exp(drift * random.normal())];
    const curves = balance.map((factor) => exposureCurve(stops, gamma, factor));
    return {
      effects: [
        {
          of: 'darkness',
          place: 30,
          drawn: `${stops.toFixed(1)} stops too dark`,
          apply: (before) => mapped(before, curves),
          measure: () => reading(stops),
        },
      ],
    };
  },
  measure(without, after) {
    return reading(Math.log2(meanLight(without) / meanLight(after)));
  },
};

function reading(stops: number): Reading {
  return { strength: Math.min(1, Math.max(0, stops / FULL_STOPS)), present: stops >= LEAST_STOPS };
}

const STEPS = 1024;

/** Values of 0..1 in 1024 steps: x^2.2 is light, of which 2^-stops is left; then the camera's gamma, with its drift. */
function exposureCurve(stops: number, gamma: number, factor: number): Float32Array {
  return Float32Array.from({ length: STEPS + 1 }, (_, i) => {
    const light = (i / STEPS) ** GAMMA * 2 ** -stops * factor;
    return Math.min(1, light) ** (gamma / GAMMA);
  });
}

function mapped({ width, height, data }: Raster, curves: readonly Float32Array[]): Raster {
  const out = createRaster(width, height);
  const plane = width * height;
  for (const [c, curve] of curves.entries()) {
    for (let i = c * plane; i < (c + 1) * plane; i++) {
      const value = data[i] as number;
      out.data[i] = curve[(STEPS * (value < 0 ? 0 : value > 1 ? 1 : value) + 0.5) | 0] as number;
    }
  }
  return out;
}

/** Mean of linear light. */
function meanLight({ data }: Raster): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += Math.max(0, data[i] as number) ** GAMMA;
  return Math.max(1e-6, sum / data.length);
}
