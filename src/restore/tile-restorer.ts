/**
 * What restores the tiles of one picture: the one door behind which every kind of model stands.
 *
 * @module
 */
import { readRequest } from '../degradations/grammar.ts';
import { wordsFor } from '../degradations/index.ts';
import { checkFinite } from '../errors.ts';
import type { Picture } from '../image/picture.ts';
import type { Raster } from '../image/raster.ts';
import {
  type AnyModel,
  type Findings,
  isFound,
  isPlain,
  type PlainModel,
  type RestorationModel,
} from '../models/model.ts';
import { condition } from './conditioning.ts';
import { overSymmetries, symmetriesFor } from './ensemble.ts';
import type { RestoreSettings } from './options.ts';
import type { Decision } from './policy.ts';
import { planSampling, sampleTile, type TilePlace } from './tile-sampler.ts';

/** A model that is ready for one picture. */
export interface TileRestorer {
  readonly findings: Findings;
  /** What is done, and why. */
  readonly decision: Decision;
  /** Passes that each tile takes. */
  readonly passes: number;
  /**
   * The tile restored, [3, height, width], not clipped to 0..1.
   *
   * @param onPass called after every pass
   */
  restore(tile: Raster, place: TilePlace, seed: number, onPass: () => void): Promise<Float32Array>;
}

/**
 * Looks at the picture, once for all of its tiles.
 *
 * Errors: INVALID_OPTION, NON_FINITE, RUNTIME_FAILED, CANCELLED.
 */
export function restorerFor(
  model: AnyModel,
  picture: Picture,
  settings: RestoreSettings,
  signal?: AbortSignal,
): Promise<TileRestorer> {
  return isPlain(model) ? plain(model, settings, signal) : guided(model, picture, settings, signal);
}

async function guided(
  model: RestorationModel,
  picture: Picture,
  settings: RestoreSettings,
  signal: AbortSignal | undefined,
): Promise<TileRestorer> {
  const sampling = planSampling(model, settings);
  const conditioning = await condition(model, picture, settings, signal);
  const { findings, decision } = conditioning;
  // What stays is as upright as what goes.
  const there = model.degradations.filter((name) => isFound(findings, name));
  const symmetries = settings.ensemble ? symmetriesFor([...decision.removing, ...there]) : undefined;
  const plan = { ...sampling, conditioning, signal, symmetries };
  return {
    findings,
    decision,
    passes: sampling.steps * (symmetries?.length ?? 1),
    restore: (tile, place, seed, onPass) => sampleTile(plan, tile, place, seed, onPass),
  };
}

/** A plain network finds nothing and is asked for nothing. */
const NO_FINDINGS: Findings = { degradations: {}, embedding: new Float32Array(0) };

async function plain(
  model: PlainModel,
  { ensemble, strengths }: RestoreSettings,
  signal: AbortSignal | undefined,
): Promise<TileRestorer> {
  const noiseLevel = strengths.noise === undefined ? undefined : strengths.noise * wordsFor('noise').strength.full;
  const once = async (tile: Raster, onPass: () => void) => {
    const restored = await model.restoreTile(tile, { noiseLevel, signal });
    checkFinite(restored, `the model ${model.name}`);
    onPass();
    return restored;
  };
  // What it removes is not known.
  const symmetries = ensemble ? symmetriesFor([]) : undefined;
  // There is no noise to be turned with the tile.
  const silence = () => new Float32Array(0);
  return {
    findings: NO_FINDINGS,
    decision: { status: 'restored', removing: [], perhaps: [], request: readRequest('', []), instruction: '' },
    passes: symmetries?.length ?? 1,
    restore: (tile, _place, _seed, onPass) =>
      symmetries ? overSymmetries(symmetries, tile, silence, (turned) => once(turned, onPass)) : once(tile, onPass),
  };
}
