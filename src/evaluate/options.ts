/**
 * The options of measuring, declared once for the command and for the configurations of experiments.
 *
 * @module
 */
import { z } from 'zod';
import { ClearwordError } from '../errors.ts';
import { LPIPS_NETWORKS } from '../metrics/lpips.ts';
import { restoreOptionsSchema } from '../restore/options.ts';
import { CROPS } from './resize.ts';
import { PROMPT_SOURCES } from './sets/captions.ts';
import { TASKS } from './sets/layout.ts';
import { METRICS, type MeterOptions, type Meters, type Metric, openMeters } from './weights/meters.ts';

/** What to measure and with which weights. */
export const meterOptions = {
  metrics: z
    .string()
    .default(METRICS.join(','))
    .meta({
      placeholder: 'list',
      description: `what to measure, separated by commas: ${METRICS.join(', ')}`,
    }),
  lpips: z.enum(LPIPS_NETWORKS).default('alex').meta({ placeholder: 'name', description: 'network of LPIPS' }),
  lpipsWeights: z.string().min(1).optional().meta({
    placeholder: 'source',
    description:
      "weights of that network, torchvision's or the lpips package's, as .pth, .safetensors or .onnx: a path, an address or a hub name",
  }),
  fidWeights: z.string().min(1).optional().meta({
    placeholder: 'source',
    description: "weights of FID's Inception network, as pytorch-fid has them, in the same forms",
  }),
  niqeModel: z.string().min(1).optional().meta({
    placeholder: 'path',
    description: 'model of undistorted photos for NIQE; default: the bundled one',
  }),
  download: z.boolean().default(false).meta({
    description:
      'download published weights that are not in the cache yet (95 MB for FID; LPIPS: alex 245, squeeze 5, vgg 553 MB), once',
  }),
};

/** What is measured, and how it is restored. */
export const evaluationOptions = {
  task: z.enum(TASKS).default('any').meta({
    placeholder: 'name',
    description:
      'degradation to be removed; decides which folders of --data are used, and the instructions of --prompts',
  }),
  sigma: z.number().min(0).max(255).optional().meta({
    placeholder: 'n',
    description: 'add Gaussian noise of this standard deviation (8-bit units) to clean pictures, with --task denoise',
  }),
  crop: z.enum(CROPS).default('none').meta({
    placeholder: 'kind',
    description: "part to measure: 16: whole multiples of 16 pixels; 480x320: the centre, as the authors' script",
  }),
  limit: z.int().min(1).optional().meta({ placeholder: 'n', description: 'only the first pictures of the set' }),
  prompts: z.enum(PROMPT_SOURCES).default('empty').meta({
    placeholder: 'source',
    description: 'prompts that the model gets',
  }),
  prompt: restoreOptionsSchema.shape.prompt.meta({
    placeholder: 'text',
    description: 'the words of --prompts constant',
  }),
  captions: z.string().min(1).optional().meta({
    placeholder: 'path',
    description: 'table of file names and captions, separated by tabs',
  }),
  steps: restoreOptionsSchema.shape.steps,
  sampler: restoreOptionsSchema.shape.sampler,
  seed: restoreOptionsSchema.shape.seed.meta({
    placeholder: 'n',
    description: "seed of the restorer's noise, of added noise and of shuffled captions",
  }),
  tile: restoreOptionsSchema.shape.tile,
  ensemble: restoreOptionsSchema.shape.ensemble,
};

type MeterSettings = z.output<z.ZodObject<typeof meterOptions>>;

/** The metrics of a list such as "psnr,lpips". Errors: INVALID_OPTION. */
export function metricsOf(list: string): Metric[] {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(METRICS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected names among ${METRICS.join(', ')} for --metrics, received ${JSON.stringify(unknown)}`,
    );
  }
  return names as Metric[];
}

export interface MeterHooks {
  readonly signal?: AbortSignal | undefined;
  /** Of a download. */
  readonly onDownload?: MeterOptions['onDownload'];
}

/** Opens what the options ask for. */
export function metersFor(settings: MeterSettings, hooks: MeterHooks): Promise<Meters> {
  const { metrics, lpips, lpipsWeights, fidWeights, niqeModel, download } = settings;
  return openMeters({ metrics: metricsOf(metrics), lpips, lpipsWeights, fidWeights, niqeModel, download, ...hooks });
}
