/**
 * Published weights into this program's files, and into each other's naming.
 *
 * @module
 */
import { dirname } from 'node:path';
import { writeFileAtomic } from '../data/atomic-file.ts';
import { ClearwordError } from '../errors.ts';
import { flatten, type LayoutEntry } from '../graph/parameters.ts';
import { NAMINGS, type NamingName, withoutWrappers } from './checkpoint-names.ts';
import { allEncoderEntries, listed, nameEncoderWeights, namingOf, takeEncoderWeights } from './encoder-weights.ts';
import { encodersOnCard } from './load-encoders.ts';
import { modelLayout } from './loaded-model.ts';
import { writeModel } from './model-file.ts';
import type { Preset } from './preset-schema.ts';
import { storeFloat16, storeFloat32, writeSafetensors } from './safetensors.ts';
import type { NamedTensors } from './weights-file.ts';

export interface ImportOptions {
  /** Which network, or whose encoders, the weights are of. */
  readonly preset: Preset;
  readonly precision: 'float16' | 'float32';
  /** Names of encoder weights in the result. */
  readonly naming: NamingName;
  /** For the card of a network: name, terms of use, and where the weights of its encoders are. */
  readonly name?: string | undefined;
  readonly licence?: string | undefined;
  readonly encoders?: string | undefined;
}

export interface Imported {
  readonly kind: 'network' | 'encoders';
  /** Naming of the encoder weights that came. */
  readonly naming?: NamingName;
  readonly tensors: number;
  readonly parameters: number;
}

/** A tensor that every restoration network has, and no encoder. */
const STEM = 'init_conv.weight';

/**
 * Writes `out` (.safetensors): of a restoration network a model with its card, of CLIP or DA-CLIP the encoders' weights.
 *
 * @param file tensors of the published file
 * @throws ClearwordError MODEL_INVALID listing missing, unexpected and misshapen tensors, OUTPUT_UNWRITABLE
 */
export async function importWeights(
  file: NamedTensors,
  source: string,
  out: string,
  options: ImportOptions,
): Promise<Imported> {
  if (!out.endsWith('.safetensors')) {
    throw new ClearwordError('INVALID_OPTION', `output: expected a name that ends in .safetensors, received ${out}`);
  }
  const tensors = withoutWrappers(file);
  return tensors.has(STEM)
    ? importNetwork(tensors, source, out, options)
    : importEncoders(tensors, source, out, options);
}

/** The authors' names of the network are ours. */
async function importNetwork(
  tensors: NamedTensors,
  source: string,
  out: string,
  { preset, precision, name, licence, encoders }: ImportOptions,
): Promise<Imported> {
  const layout = modelLayout(preset);
  const known = new Set(layout.entries.map((entry) => entry.name));
  const problems = [
    ...listed(
      'missing',
      layout.entries.filter((entry) => !tensors.has(entry.name)).map((entry) => entry.name),
    ),
    ...listed(
      'unexpected',
      [...tensors.keys()].filter((key) => !known.has(key)),
    ),
    ...listed(
      'misshapen',
      layout.entries.flatMap((entry) => misshapen(entry, tensors)),
    ),
  ];
  if (problems.length > 0) {
    throw new ClearwordError(
      'MODEL_INVALID',
      `${source}: read as the network ${preset.name}; tensors ${problems.join('; ')}`,
      {
        fix: 'Choose the preset that the weights belong to with --preset.',
      },
    );
  }
  const values = new Map(
    layout.entries.map((entry) => [entry.name, tensors.get(entry.name)?.data ?? new Float32Array()]),
  );
  const text = {
    name: name ?? preset.name,
    preset,
    licence: licence ?? 'not stated',
    training: { importedFrom: source },
    quality: {},
    // As seen from the model, where the card will lie.
    ...(encoders !== undefined &&
      preset.external && {
        encoders: await encodersOnCard(preset.external, encoders, { folder: dirname(out), model: out }),
      }),
  };
  await writeModel(out, layout, flatten(layout, values), text, precision);
  return { kind: 'network', tensors: layout.entries.length, parameters: layout.size };
}

function misshapen({ name, shape }: LayoutEntry, tensors: NamedTensors): string[] {
  const tensor = tensors.get(name);
  if (!tensor || String(tensor.shape) === String(shape)) return [];
  return [`${name} (expected [${shape}], received [${tensor.shape}])`];
}

const GROUPS = ['clip.text.', 'clip.visual.', 'visual_control.', 'logit_scale'];

/** CLIP without a controller, or a text tower alone, is taken too: what there is of a part has to be there whole. */
async function importEncoders(
  tensors: NamedTensors,
  source: string,
  out: string,
  { preset, precision, naming }: ImportOptions,
): Promise<Imported> {
  const { external } = preset;
  if (!external) {
    const message = `${source}: expected a preset with encoders from outside, received ${preset.name}`;
    throw new ClearwordError('INVALID_OPTION', message);
  }
  const all = allEncoderEntries(external);
  const given = namingOf(tensors, all);
  const present = (name: string) => NAMINGS[given](name)?.names.some((theirs) => tensors.has(theirs)) ?? false;
  const groups = GROUPS.filter((prefix) => all.some(({ name }) => name.startsWith(prefix) && present(name)));
  const entries = all.filter(({ name }) => groups.some((prefix) => name.startsWith(prefix)));
  if (entries.length === 0) {
    const message = `${source}: expected weights of a restoration network, CLIP or DA-CLIP, received tensors such as ${[...tensors.keys()].slice(0, 5).join(', ') || 'none'}`;
    throw new ClearwordError('MODEL_INVALID', message);
  }
  const { values } = takeEncoderWeights(tensors, entries, external, source);
  const store = precision === 'float16' ? storeFloat16 : storeFloat32;
  const named = nameEncoderWeights(values, entries, naming);
  const stored = new Map([...named].map(([name, { shape, data }]) => [name, store(data, shape)]));
  const metadata = { format: 'pt', naming, importedFrom: source };
  await writeFileAtomic(out, Buffer.concat(writeSafetensors({ tensors: stored, metadata })), { overwrite: true });
  const parameters = entries.reduce((sum, { size }) => sum + size, 0);
  return { kind: 'encoders', naming: given, tensors: named.size, parameters };
}
