/**
 * Checkpoints: everything that a run needs to go on as if it had not stopped.
 *
 * One safetensors file per checkpoint, written atomically, with a hash of its data. Random numbers need no state of their
 * own: every draw is a function of the seed and the step, and both are here.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../atomic-file.ts';
import { ClearwordError } from '../errors.ts';
import { loadFloats, readSafetensors, storeFloat32, writeSafetensors } from '../models/safetensors.ts';
import type { Vectors } from './optimisers/index.ts';

export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  /** Time trained so far, over all parts of the run. */
  readonly milliseconds: number;
  /** The configuration, as it was parsed. */
  readonly config: unknown;
  /** Describes the parameters' order, so that a checkpoint is not read into another network. */
  readonly layout: string;
  /** Flat vectors [P]: the parameters, their average, and whatever the run's optimiser keeps. */
  readonly vectors: Vectors;
}

const PATTERN = /^step-(\d+)\.safetensors$/;
const fileName = (step: number) => `step-${String(step).padStart(8, '0')}.safetensors`;

function hashOf(parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** What a checkpoint's header says beside its tensors. */
const DESCRIBED = ['step', 'milliseconds', 'config', 'layout', 'state'] as const;

/** What the optimiser kept in checkpoints that do not say it: there was one optimiser. */
const FIRST_STATE = 'momentum,variance';

/** Names of the vectors, in the order in which they are written and hashed. */
const namesOf = (state: string) => ['parameters', ...state.split(',').filter((name) => name !== ''), 'average'];

function hashOfDescription(metadata: Readonly<Record<string, string>>): string {
  const named = DESCRIBED.filter((name) => name !== 'state' || metadata.state !== undefined);
  return hashOf([JSON.stringify(named.map((name) => metadata[name] ?? null))]);
}

/** Checkpoints of a run's folder, newest first. */
async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .filter((name) => PATTERN.test(name))
    .sort()
    .reverse();
}

/** Saves a checkpoint and removes all but the newest `keep`. */
export async function saveCheckpoint(folder: string, checkpoint: Checkpoint, keep: number): Promise<string> {
  const { parameters, average, ...state } = checkpoint.vectors;
  const vectors = Object.entries({ parameters, ...state, average });
  const tensors = new Map(vectors.map(([name, data]) => [name, storeFloat32(data, [data.length])]));
  const described = {
    step: String(checkpoint.step),
    milliseconds: String(checkpoint.milliseconds),
    config: JSON.stringify(checkpoint.config),
    layout: checkpoint.layout,
    state: Object.keys(state).join(','),
  } satisfies Record<(typeof DESCRIBED)[number], string>;
  const metadata = {
    format: 'clearword-checkpoint-1',
    ...described,
    sha256: hashOf([...tensors.values()].map(({ bytes }) => bytes)),
    description: hashOfDescription(described),
  };
  const path = join(folder, fileName(checkpoint.step));
  await writeFileAtomic(path, Buffer.concat(writeSafetensors({ tensors, metadata })), { overwrite: true });
  for (const name of (await listCheckpoints(folder)).slice(keep)) await rm(join(folder, name), { force: true });
  return path;
}

/**
 * Reads a checkpoint file.
 *
 * @throws ClearwordError CHECKPOINT_INVALID if it is truncated, damaged or no checkpoint
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ClearwordError('INPUT_NOT_FOUND', `checkpoint ${path}: expected a readable file`, { cause });
  }
  const { tensors, metadata } = readSafetensors(bytes, `checkpoint ${path}`, 'CHECKPOINT_INVALID');
  const fail = (expected: string, received: string): never => {
    throw new ClearwordError('CHECKPOINT_INVALID', `checkpoint ${path}: expected ${expected}, received ${received}`);
  };
  if (metadata.format !== 'clearword-checkpoint-1')
    fail('a Clearword checkpoint', metadata.format ?? 'another safetensors file');
  const stored = namesOf(metadata.state ?? FIRST_STATE).map((name) => ({
    name,
    ...(tensors.get(name) ?? fail(`the vector ${name}`, 'none')),
  }));
  if (hashOf(stored.map(({ bytes: data }) => data)) !== metadata.sha256)
    fail('data with the hash of its header', 'other data (the file is damaged)');
  // Early checkpoints of this format have no hash of their description.
  const { description = hashOfDescription(metadata) } = metadata;
  if (hashOfDescription(metadata) !== description)
    fail('a header with its own hash', 'another header (the file is damaged)');
  if (stored.some(({ dtype, shape }) => dtype !== 'F32' || String(shape) !== String(stored[0]?.shape)))
    fail('float32 vectors of one length', 'other tensors');
  const vectors = Object.fromEntries(stored.map((tensor) => [tensor.name, loadFloats(tensor)]));
  // Both are there: `stored` has them, or has failed.
  return { ...describedBy(metadata, fail), vectors: vectors as unknown as Vectors };
}

function describedBy(
  metadata: Readonly<Record<string, string>>,
  fail: (expected: string, received: string) => never,
): Omit<Checkpoint, 'vectors'> {
  const [step, milliseconds] = [Number(metadata.step), Number(metadata.milliseconds)];
  if (!Number.isSafeInteger(step) || step < 0) fail('a number of steps', `${metadata.step}`);
  if (!(milliseconds >= 0)) fail('a time in milliseconds', `${metadata.milliseconds}`);
  try {
    return { step, milliseconds, config: JSON.parse(metadata.config ?? ''), layout: metadata.layout ?? '' };
  } catch {
    return fail('the configuration as JSON', `${metadata.config}`);
  }
}

/** The newest checkpoint of a run's folder, or undefined if it has none. */
export async function newestCheckpoint(folder: string): Promise<string | undefined> {
  const [name] = await listCheckpoints(folder);
  return name === undefined ? undefined : join(folder, name);
}
