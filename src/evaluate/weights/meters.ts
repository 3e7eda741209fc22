/**
 * Everything that measures pictures, as far as its weights are there; for the rest, why it is not.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ClearwordError } from '../../errors.ts';
import type { DownloadProgress } from '../../hub/download.ts';
import type { LpipsNetwork } from '../../metrics/lpips.ts';
import { FEATURES } from '../../metrics/niqe/natural-scene.ts';
import type { NaturalSceneModel } from '../../metrics/niqe/niqe.ts';
import { Engine } from '../../runtime/engine.ts';
import { FID_INCEPTION, LPIPS_BACKBONES, type PublishedFile, weightsPath } from './published.ts';
import { InceptionFeatures, LpipsScorer } from './scorers.ts';

export const METRICS = ['psnr', 'ssim', 'niqe', 'lpips', 'fid'] as const;
export type Metric = (typeof METRICS)[number];

export interface MeterOptions {
  readonly metrics: readonly Metric[];
  readonly lpips: LpipsNetwork;
  /** Weights of LPIPS's backbone and of FID's Inception network; default: the cache. */
  readonly lpipsWeights?: string | undefined;
  readonly fidWeights?: string | undefined;
  /** Model of NIQE; default: the bundled one. */
  readonly niqeModel?: string | undefined;
  /** Download published weights that are not in the cache. */
  readonly download: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onDownload?: ((url: string, progress: DownloadProgress) => void) | undefined;
}

export interface Meters {
  readonly lpips?: LpipsScorer;
  readonly inception?: InceptionFeatures;
  readonly niqe?: NaturalSceneModel;
  /** Why a metric that was asked for is missing. */
  readonly unavailable: Partial<Record<Metric, string>>;
  close(): Promise<void>;
}

const BUNDLED_NIQE = fileURLToPath(new URL('../../../weights/metrics/niqe.json', import.meta.url));

const niqeSchema = z.object({
  format: z.literal('clearword-niqe-1'),
  mean: z.array(z.number()).length(FEATURES),
  covariance: z.array(z.number()).length(FEATURES ** 2),
});

async function readNiqeModel(path: string): Promise<NaturalSceneModel> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ClearwordError('MODEL_NOT_FOUND', `NIQE model ${path}: expected a readable file, found none`, { cause });
  });
  try {
    return niqeSchema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `NIQE model ${path}: expected what scripts/fit-niqe.ts writes, received something else`;
    throw new ClearwordError('MODEL_INVALID', message, { cause });
  }
}

/** Loads what is asked for. A metric that cannot be had is named in `unavailable`; CANCELLED is thrown. */
export async function openMeters(options: MeterOptions): Promise<Meters> {
  const { metrics, lpips: network } = options;
  const unavailable: Partial<Record<Metric, string>> = {};
  // The CPU: a second engine on a GPU would compete with the model's.
  let engine: Engine | undefined;
  const useEngine = () => {
    engine ??= new Engine();
    return engine;
  };
  const attempt = async <T>(metric: Metric, open: () => Promise<T>): Promise<T | undefined> => {
    if (!metrics.includes(metric)) return undefined;
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof ClearwordError) || error.code === 'CANCELLED') throw error;
      unavailable[metric] = error.message;
      return undefined;
    }
  };
  const pathOf = (file: PublishedFile, given: string | undefined, option: string) =>
    weightsPath(file, {
      given,
      option,
      download: options.download,
      signal: options.signal,
      onProgress: (progress) => options.onDownload?.(file.url, progress),
    });
  try {
    const niqe = await attempt('niqe', () => readNiqeModel(options.niqeModel ?? BUNDLED_NIQE));
    const lpips = await attempt('lpips', async () => {
      const path = await pathOf(LPIPS_BACKBONES[network], options.lpipsWeights, '--lpips-weights');
      return LpipsScorer.open(useEngine(), network, path);
    });
    const inception = await attempt('fid', async () => {
      const path = await pathOf(FID_INCEPTION, options.fidWeights, '--fid-weights');
      return InceptionFeatures.open(useEngine(), path);
    });
    return {
      ...(niqe && { niqe }),
      ...(lpips && { lpips }),
      ...(inception && { inception }),
      unavailable,
      close: async () => engine?.close(),
    };
  } catch (error) {
    await engine?.close();
    throw error;
  }
}
