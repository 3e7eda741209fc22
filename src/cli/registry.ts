/**
 * The commands. A new one is a file that exports a `CommandDefinition`, and a line here.
 *
 * Names and summaries are here, so that `clearword --help` loads no command, and a command loads no other.
 *
 * @module
 */
import type { CommandDefinition } from './command.ts';

export interface RegistryEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CommandDefinition>;
}

export const commands: readonly RegistryEntry[] = [
  {
    name: 'restore',
    summary: 'restore photos, as a sentence says',
    load: async () => (await import('./restore.ts')).restore,
  },
  {
    name: 'inspect',
    summary: 'say which degradations a photo has',
    load: async () => (await import('./inspect.ts')).inspect,
  },
  {
    name: 'inspect-model',
    summary: 'say what an ONNX network is, try it, and describe it',
    load: async () => (await import('./inspect-model.ts')).inspectModel,
  },
  {
    name: 'doctor',
    summary: 'list devices and versions, and test them',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'train',
    summary: 'train a model, or go on with a run',
    load: async () => (await import('./train.ts')).train,
  },
  {
    name: 'samples',
    summary: 'show what a training configuration makes of its data',
    load: async () => (await import('./samples.ts')).samples,
  },
  {
    name: 'plot',
    summary: 'draw the curves of a training run',
    load: async () => (await import('./plot.ts')).plot,
  },
  {
    name: 'export',
    summary: 'make a model out of a checkpoint',
    load: async () => (await import('./export.ts')).exportModel,
  },
  {
    name: 'evaluate',
    summary: "score a model, or any system's results, on a test set",
    load: async () => (await import('./evaluate.ts')).evaluate,
  },
  {
    name: 'experiment',
    summary: 'run one of the measurements of the documentation',
    load: async () => (await import('./experiment.ts')).experiment,
  },
  {
    name: 'tokenize',
    summary: "show the tokens that CLIP's text encoder reads",
    load: async () => (await import('./tokenize.ts')).tokenize,
  },
  {
    name: 'import',
    summary: 'make a model out of published weights',
    load: async () => (await import('./import.ts')).importModel,
  },
  {
    name: 'caption',
    summary: 'describe photos in words, for training and prompts',
    load: async () => (await import('./caption.ts')).caption,
  },
  {
    name: 'serve',
    summary: 'restore photos over HTTP',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    name: 'worker',
    summary: 'do the jobs of a queue, on any machine',
    load: async () => (await import('./worker.ts')).worker,
  },
  {
    name: 'batch',
    summary: 'restore a folder or bucket of photos through a queue',
    load: async () => (await import('./batch.ts')).batch,
  },
];
