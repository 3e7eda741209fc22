/**
 * A plain network's averaged parameters as an ONNX file, with its descriptor inside.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { writeFileAtomic } from '../atomic-file.ts';
import { ClearwordError } from '../errors.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { unflatten } from '../graph/parameters.ts';
import type { Descriptor } from '../models/plain/descriptor.ts';
import type { PlainNetwork } from '../models/plain/networks.ts';
import { isPlainPreset, plainPresets } from '../models/plain/presets.ts';
import { DESCRIPTOR_PROPERTY } from '../models/plain/understand.ts';
import { readCheckpoint } from './checkpoint.ts';
import { parseTrainConfig } from './config.ts';
import type { ExportOptions } from './export.ts';
import { graphOptions } from './start.ts';
import { trainingLayout } from './training-graph.ts';

/** Sides that the graph is built for; a network of free sizes is the same for both. */
const SIDES = [32, 48] as const;

/** Noise level that a network is told unless somebody says another: a clearly noisy photograph, of 8-bit values. */
const NOISE_LEVEL = 25;

export interface ExportedNetwork {
  readonly name: string;
  readonly parameters: number;
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
}

/**
 * The network as an ONNX model for pictures of any size: input `picture` [1,3,height,width], where it is told it `noise`
 * [1,1,height,width], output `restored` or what is to be removed.
 */
function plainModel(
  network: PlainNetwork,
  parameters: ReadonlyMap<string, Float32Array>,
  descriptor: Descriptor,
): Uint8Array {
  const metadata = { [DESCRIPTOR_PROPERTY]: JSON.stringify(descriptor) };
  const [model, other] = SIDES.map((side) => {
    const graph = new Graph();
    const picture = graph.input('picture', [1, 3, side, side]);
    const noise = network.takesNoiseLevel ? graph.input('noise', [1, 1, side, side]) : undefined;
    graph.output(network.residual === 'none' ? 'restored' : network.residual, network.build(picture, noise));
    return emitModel(graph, parameters, { freeSides: true, metadata });
  }) as [Uint8Array, Uint8Array];
  if (Buffer.compare(model, other) === 0) return model;
  throw new ClearwordError('INTERNAL', 'expected a network that does not depend on the size, received one that does');
}

/**
 * Writes `out` (.onnx).
 *
 * @throws ClearwordError CHECKPOINT_INVALID, INVALID_OPTION, OUTPUT_UNWRITABLE
 */
export async function exportOnnx(
  path: string,
  out: string,
  { name, licence, data }: Omit<ExportOptions, 'precision'>,
): Promise<ExportedNetwork> {
  if (!out.endsWith('.onnx')) {
    throw new ClearwordError('INVALID_OPTION', `output: expected a name that ends in .onnx, received ${out}`);
  }
  const checkpoint = await readCheckpoint(path);
  const options = graphOptions(parseTrainConfig(checkpoint.config, `configuration in ${path}`));
  const { preset } = options;
  if (!isPlainPreset(preset)) {
    const message = `onnx: expected a checkpoint of ${Object.keys(plainPresets).join(' or ')}, received one of preset ${preset.name}`;
    throw new ClearwordError('INVALID_OPTION', message, {
      fix: 'Leave --onnx out: a diffusion model is more than a network from a picture to a picture.',
    });
  }
  const { plain } = preset;
  const layout = trainingLayout(options);
  const model = plainModel(plain, unflatten(layout, checkpoint.vectors.average), {
    name: name ?? preset.name,
    ...(licence !== undefined && { licence }),
    source: `trained with Clearword, preset ${preset.name}, ${checkpoint.step} steps${data === undefined ? '' : `, on ${data}`}`,
    layout: 'nchw',
    channels: 'rgb',
    range: '0..1',
    residual: plain.residual,
    multiple: plain.multiple,
    halo: plain.reach,
    ...(plain.takesNoiseLevel && { noiseLevel: NOISE_LEVEL, noiseScale: 1 / 255 }),
  });
  await writeFileAtomic(out, model, { overwrite: true });
  return {
    name: name ?? preset.name,
    parameters: layout.size,
    sha256: createHash('sha256').update(model).digest('hex'),
  };
}
