/** What is kept of pictures whose degradations are known, with an inspector whose answers are known too. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fakeModel } from '../../../test/support/fake-model.ts';
import { patternPicture, temporaryFolder } from '../../../test/support/pictures.ts';
import { type DataConfig, dataConfigSchema } from '../../data/config.ts';
import { readRaster } from '../../data/picture-store.ts';
import { resizeRaster } from '../../image/area-average.ts';
import { encodeImage } from '../../image/image-encode.ts';
import type { Raster } from '../../image/raster.ts';
import { judge } from '../../models/calibration.ts';
import type { PictureViews } from '../../models/model.ts';
import { judgeModel, judgePictures } from './judge-model.ts';

const SIDE = 16;
const root = await temporaryFolder();
const photo = join(root, 'photo.png');
beforeAll(async () => writeFile(photo, await encodeImage(patternPicture(24, 20), { format: 'png' })));

/** Samples that all have white noise of this standard deviation, of 255. */
const noisy = (sigma: number, seed = 1): DataConfig => {
  const tasks = { clean: 0, noise: 1, rain: 0, haze: 0, composite: 0 };
  return dataConfigSchema.parse({
    roots: { photos: [root] },
    tasks,
    patch: SIDE,
    noise: { sigma: [sigma, sigma] },
    seed,
  });
};

/** Says 0.1 of the first picture, with strength 0.01, 0.2 and 0.02 of the second and so on, and keeps what it saw. Nothing of rain. */
function counting() {
  const seen: Raster[] = [];
  return {
    seen,
    degradations: ['noise', 'rain'],
    async inspect(picture: Raster) {
      seen.push(picture);
      return { degradations: { noise: judge({ probability: seen.length / 10, strength: seen.length / 100 }) } };
    },
  };
}

describe('judgePictures', () => {
  it('has what was said and what is true of each sample, then of each clean photo', async () => {
    const inspector = counting();
    const fractions: number[] = [];
    const pictures = { data: noisy(22), samples: 3, clean: [photo, photo] };
    const judgements = await judgePictures(inspector, pictures, { onProgress: (fraction) => fractions.push(fraction) });
    expect([...judgements.keys()]).toEqual(['noise', 'rain']);
    expect(judgements.get('noise')).toEqual([
      { probability: 0.1, strength: 0.01, present: true, unclear: false },
      { probability: 0.2, strength: 0.02, present: true, unclear: false },
      { probability: 0.3, strength: 0.03, present: true, unclear: false },
      { probability: 0.4, strength: 0.04, present: false },
      { probability: 0.5, strength: 0.05, present: false },
    ]);
    // Of which the inspector says nothing, and nothing was drawn.
    expect(judgements.get('rain')).toEqual([
      ...Array(3).fill({ probability: 0, strength: 0, present: false, unclear: false }),
      ...Array(2).fill({ probability: 0, strength: 0, present: false }),
    ]);
    expect(fractions).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    const sizes = inspector.seen.map(({ width, height }) => [width, height]);
    expect(sizes).toEqual([...Array(3).fill([SIDE, SIDE]), [24, 20], [24, 20]]);
    expect(inspector.seen[4]).toEqual(await readRaster(photo));
  });

  it.each([
    // Noise counts as present from a standard deviation of 1.5; without any there is nothing that could be unclear.
    { sigma: 0, present: false, unclear: false },
    { sigma: 1, present: false, unclear: true },
    { sigma: 2, present: true, unclear: false },
  ])('noise of sigma $sigma: present $present, unclear $unclear', async ({ sigma, ...truth }) => {
    const judgements = await judgePictures(counting(), { data: noisy(sigma), samples: 1, clean: [] });
    expect(judgements.get('noise')).toEqual([{ probability: 0.1, strength: 0.01, ...truth }]);
  });

  it('draws another sample each time, the same ones for the same seed, and others for another', async () => {
    const drawn = async (seed: number) => {
      const inspector = counting();
      await judgePictures(inspector, { data: noisy(22, seed), samples: 2, clean: [] });
      return inspector.seen;
    };
    const [first, second] = await drawn(1);
    expect(second).not.toEqual(first);
    expect(await drawn(1)).toEqual([first, second]);
    expect((await drawn(2))[0]).not.toEqual(first);
  });

  it('ends when it is cancelled', async () => {
    const inspector = counting();
    const stop = new AbortController();
    const judged = judgePictures(
      inspector,
      { data: noisy(22), samples: 3, clean: [] },
      { signal: stop.signal, onProgress: () => stop.abort() },
    );
    await expect(judged).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(inspector.seen).toHaveLength(1);
  });
});

describe('judgeModel', () => {
  /** What the model was shown of the clean photo. */
  async function shown(viewSide?: number): Promise<PictureViews[]> {
    const views: PictureViews[] = [];
    const model = fakeModel();
    const { inspect } = model;
    model.inspect = (given) => {
      views.push(given);
      return inspect(given);
    };
    const pictures = { data: noisy(22), samples: 0, clean: [photo] };
    const judgements = await judgeModel({ ...model, viewSide }, pictures);
    expect([...judgements].map(([name, all]) => [name, all.map(({ probability }) => probability)])).toEqual([
      ['noise', [0.97]],
      ['rain', [0.02]],
      ['haze', [0.01]],
    ]);
    return views;
  }

  it('shows pictures as batches of training do: close, and squeezed into the square of models that look at it', async () => {
    const close = await readRaster(photo);
    expect(await shown()).toEqual([{ close, whole: undefined }]);
    expect(await shown(8)).toEqual([{ close, whole: resizeRaster(close, 8, 8) }]);
  });
});
