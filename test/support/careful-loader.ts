/**
 * A stand-in for a careful model in processes of their own: it finds noise, perhaps rain and no haze, and makes every picture plain
 * grey: the lighter, the less noise it is told of.
 *
 * @module
 */
import { Clearword } from '../../src/index.ts';
import { judge } from '../../src/models/calibration.ts';
import { fakeModel } from './fake-model.ts';

export async function load(): Promise<Clearword> {
  const model = fakeModel({
    tile: 64,
    predict: ({ mu, guidance }) => new Float32Array(mu.length).fill(1 - (guidance.told?.[0] ?? 0)),
  });
  const { inspect } = model;
  const rain = judge({ probability: 0.5, strength: 0.2 }, { temperature: 1, found: 0.9, perhaps: 0.3 });
  model.inspect = async (...given) => {
    const { degradations, embedding } = await inspect(...given);
    return { degradations: { ...degradations, rain }, embedding };
  };
  return new Clearword(model);
}
