/**
 * The sets of the experiment `photographs` that have something to remove, for benches that restore a few pictures of each.
 */
import type { Clearword } from '../src/clearword.ts';
import { type PhotographSet, parseExperiment, readJson } from '../src/evaluate/experiments/config.ts';
import type { LoadedCase } from '../src/evaluate/sets/pictures.ts';
import { fromRawPixels, toBytes, toRaster } from '../src/image/picture.ts';
import { psnr } from '../src/metrics/psnr.ts';
import type { RestoreParameters } from '../src/restore/options.ts';

const FILE = 'configs/experiments/photographs.json';

export async function degradedSets(): Promise<readonly PhotographSet[]> {
  const config = parseExperiment(await readJson(FILE), FILE);
  if (config.kind !== 'photographs') throw new Error(`${FILE}: expected photographs, received ${config.kind}`);
  return config.sets.filter(({ has }) => has.length > 0);
}

/** PSNR in dB of the restored picture, as it would be in an 8-bit file. */
export async function restoredPsnr(
  clearword: Clearword,
  { input, target }: LoadedCase,
  parameters: RestoreParameters,
): Promise<number> {
  const result = await clearword.restore(toBytes(input), parameters);
  return psnr(toRaster(fromRawPixels(result.pixels())), target);
}
