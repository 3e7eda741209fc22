/**
 * Fits NIQE's model of undistorted photos to a folder of them.
 *
 *   npx tsx scripts/fit-niqe.ts PHOTOS --source "what they are, on which terms" [--out weights/metrics/niqe.json]
 */
import { parseArgs } from 'node:util';
import { writeFileAtomic } from '../src/atomic-file.ts';
import { listPictures } from '../src/data/dataset.ts';
import { readRaster } from '../src/data/picture-store.ts';
import { fitNaturalScenes } from '../src/metrics/niqe/niqe.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { source: { type: 'string' }, out: { type: 'string', default: 'weights/metrics/niqe.json' } },
});
const [folder] = positionals;
if (folder === undefined || values.source === undefined) throw new Error('expected a folder of photos and --source');
const files = await listPictures(folder, 'photos');
const photos = await Promise.all(files.map(readRaster));
const { mean, covariance, patches } = fitNaturalScenes(photos);
// Seven digits: the measure itself has three.
const rounded = (list: readonly number[]) => list.map((value) => Number(value.toPrecision(7)));
const model = {
  format: 'clearword-niqe-1',
  source: values.source,
  photos: photos.length,
  patches,
  mean: rounded(mean),
  covariance: rounded(covariance),
};
await writeFileAtomic(values.out, `${JSON.stringify(model)}\n`, { overwrite: true });
console.log(`${values.out}: ${photos.length} photos, ${patches} patches`);
