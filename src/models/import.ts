/**
 * Published weights into this program's files, and into each other's naming.
 *
 * @module
 */
import { writeFileAtomic } from '../atomic-file.ts';
import { ClearwordError } from '../errors.ts';
import { flatten, type LayoutEntry } from '../graph/parameters.ts';
import { type DownloadProgress, fetchFile } from '../hub/download.ts';
import type { ModelCard } from './card.ts';
import { NAMINGS, type NamingName, withoutWrappers } from './checkpoint-names.ts';
import { allEncoderEntries, nameEncoderWeights, namingOf, takeEncoderWeights } from './encoder-weights.ts';
import { encodersOnCard } from './load-encoders.ts';
import { modelLayout } from './loaded-model.ts';
import { expectModelName, type StoredPrecision, storeTensor, writeModel } from './model-file.ts';
import type { NamedTensors } from './named-tensor.ts';
import type { Preset } from './preset-schema.ts';
import { writeSafetensors } from './safetensors.ts';
import { expectFiniteTensor, problemsText } from './tensor-problems.ts';
import { readWeights } from './weights-file.ts';

export interface ImportOptions {
  /** Which network, or whose encoders, the weights are of. */
  readonly preset: Preset;
  readonly precision: StoredPrecision;
  /** Names of encoder weights in the result. */
  readonly naming: NamingName;
  /** For the card of a network: name, terms of use, and where the weights of its encoders are (a path as seen from here). */
  readonly name?: string | undefined;
  readonly licence?: string | undefined;
  readonly encoders?: string | undefined;
  readonly onDownload?: ((source: string, progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What was written. */
export interface Imported {
  /** Naming of the encoder weights that came; of a network undefined. */
  readonly naming?: NamingName;
  readonly tensors: number;
  readonly parameters: number;
  /** Parts that the naming asked for has no names for. */
  readonly leftOut: readonly string[];
  /** What the card of a network says of its encoders. */
  readonly encoders?: ModelCard['encoders'];
}

/** A tensor that every restoration network has, and no encoder. */
const STEM = 'init_conv.weight';

/**
 * Writes `out` (.safetensors): of a restoration network a model with its card, of CLIP or DA-CLIP the encoders' weights.
 *
 * @param source path, hub name or address of the published file
 * @throws ClearwordError INVALID_OPTION, MODEL_NOT_FOUND, DOWNLOAD_FAILED, MODEL_INVALID listing missing, unexpected and
 *   misshapen tensors, OUTPUT_UNWRITABLE, CANCELLED
 */
export async function importWeights(source: string, out: string, options: ImportOptions): Promise<Imported> {
  // Before hundreds of megabytes are downloaded.
  expectModelName(out);
  const { onDownload, signal } = options;
  const path = await fetchFile(source, { onProgress: (progress) => onDownload?.(source, progress), signal });
  const tensors = withoutWrappers(await readWeights(path));
  const take = tensors.has(STEM) ? importNetwork : importEncoders;
  return take(tensors, source, out, options);
}

/** The authors' names of the network are ours. */
async function importNetwork(
  tensors: NamedTensors,
  source: string,
  out: string,
  { preset, precision, name, licence, encoders, onDownload, signal }: ImportOptions,
): Promise<Imported> {
  const layout = modelLayout(preset);
  const known = new Set(layout.entries.map((entry) => entry.name));
  const problems = problemsText({
    missing: layout.entries.flatMap(({ name: wanted }) => (tensors.has(wanted) ? [] : [wanted])),
    unexpected: [...tensors.keys()].filter((key) => !known.has(key)),
    misshapen: layout.entries.flatMap((entry) => misshapen(entry, tensors)),
  });
  if (problems !== undefined) {
    const message = `weights ${source}: read as the network ${preset.name}; ${problems}`;
    throw new ClearwordError('MODEL_INVALID', message, {
      fix: 'Choose the preset that the weights belong to with --preset.',
    });
  }
  const values = new Map(
    layout.entries.map((entry) => [entry.name, tensors.get(entry.name)?.data ?? new Float32Array()]),
  );
  for (const [key, data] of values) expectFiniteTensor(key, data, `weights ${source}`);
  const text = {
    name: name ?? preset.name,
    preset,
    licence: licence ?? 'not stated',
    training: { importedFrom: source },
    quality: {},
    ...(encoders !== undefined &&
      preset.external && {
        encoders: await encodersOnCard(preset.external, encoders, {
          folder: '.',
          model: out,
          onDownload: (progress) => onDownload?.(encoders, progress),
          signal,
        }),
      }),
  };
  const card = await writeModel(out, layout, flatten(layout, values), text, precision);
  const { size, entries } = layout;
  return { tensors: entries.length, parameters: size, leftOut: [], ...(card.encoders && { encoders: card.encoders }) };
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
    const message = `weights ${source}: expected a preset with encoders from outside, received ${preset.name}`;
    throw new ClearwordError('INVALID_OPTION', message);
  }
  const all = allEncoderEntries(external);
  const given = namingOf(tensors, all);
  const present = (name: string) => NAMINGS[given](name)?.names.some((theirs) => tensors.has(theirs)) ?? false;
  const groups = GROUPS.filter((prefix) => all.some(({ name }) => name.startsWith(prefix) && present(name)));
  const entries = all.filter(({ name }) => groups.some((prefix) => name.startsWith(prefix)));
  if (entries.length === 0) {
    const some = [...tensors.keys()].slice(0, 5).join(', ') || 'none';
    const message = `weights ${source}: expected weights of a restoration network, CLIP or DA-CLIP, received tensors such as ${some}`;
    throw new ClearwordError('MODEL_INVALID', message, { fix: 'Check which file the publisher means.' });
  }
  const { values } = takeEncoderWeights(tensors, entries, external, `weights ${source}`);
  const named = [...nameEncoderWeights(values, entries, naming)];
  const stored = new Map(named.map(([name, { shape, data }]) => [name, storeTensor(name, data, shape, precision)]));
  const metadata = { format: 'pt', naming, importedFrom: source };
  await writeFileAtomic(out, Buffer.concat(writeSafetensors({ tensors: stored, metadata })), { overwrite: true });
  const nameless = entries.filter(({ name }) => NAMINGS[naming](name) === undefined);
  return {
    naming: given,
    tensors: named.length,
    parameters: named.reduce((sum, [, { data }]) => sum + data.length, 0),
    leftOut: groups.filter((prefix) => nameless.some(({ name }) => name.startsWith(prefix))),
  };
}
