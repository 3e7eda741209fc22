/** What a network is told about a picture: what was found, what is asked for, and what somebody says. */
import { expect, it } from 'vitest';
import { fakeModel } from '../../test/support/fake-model.ts';
import { patternPicture } from '../../test/support/pictures.ts';
import { type RestoreParameters, settingsFor } from './options.ts';
import { restorePicture } from './restore-picture.ts';

const restore = (model: ReturnType<typeof fakeModel>, parameters: RestoreParameters) =>
  restorePicture(model, patternPicture(60, 40), settingsFor(model, parameters));

// The fake finds noise 0.4 and rain 0.01, which it is not sure of, and no haze. Told are strengths, then whether they are known.
it.each([
  ['what is found, as an estimate; of the rest nothing', '', '', [0.4, 0, 0, 0, 0, 0]],
  ['what was asked for and not found, and then all as known', 'remove the rain', '', [0.4, 0.05, 0, 1, 1, 1]],
  ['what somebody says, and then all as known', 'remove the noise', 'haze=40', [0.4, 0, 0.4, 1, 1, 1]],
])('the network is told %s', async (_, prompt, strength, expected) => {
  const model = fakeModel();
  await restore(model, { prompt, strength });
  const told = expected.map((value) => expect.closeTo(value, 6));
  expect(Array.from(model.calls[0]?.guidance.told ?? [])).toEqual(told);
});

// Rain is clear from 0.1.
it.each([
  { probability: 0.5, strength: 0.03, told: 0.06, why: 'what it would be if it were there' },
  { probability: 0.25, strength: 0.02, told: 0.08, why: 'the same of the least probability' },
  { probability: 0.001, strength: 0.02, told: 0.08, why: 'no more of what is less likely' },
  { probability: 0.001, strength: 0.001, told: 0.05, why: 'half of clear at least' },
  { probability: 0.5, strength: 0.08, told: 0.1, why: 'clear at most' },
  { probability: 0.5, strength: 0.3, told: 0.3, why: 'what it was estimated at if that is more' },
])('asked for, probability $probability, strength $strength: told $told, $why', async (given) => {
  const { probability, strength, told } = given;
  const model = fakeModel();
  const rain = { probability, strength, verdict: 'perhaps' as const };
  model.inspect = async () => ({ degradations: { rain }, embedding: new Float32Array(512).fill(512 ** -0.5) });
  await restore(model, { prompt: 'remove the rain' });
  expect(model.calls[0]?.guidance.told?.[1]).toBeCloseTo(told, 6);
});
