/**
 * The command line in this process, with a stand-in for the model.
 *
 * @module
 */

import { runCommandLine } from '../../src/cli/program.ts';
import { type AnyModel, Clearword, type LoadOptions } from '../../src/index.ts';
import { fakeModel } from './fake-model.ts';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes that were written to standard output as such. */
  readonly bytes: Buffer;
  /** What each model was loaded with. */
  readonly loads: readonly LoadOptions[];
  /** The objects of the JSON lines on standard output. */
  json(): Record<string, unknown>[];
}

export interface CliSettings {
  readonly model?: AnyModel;
  /** Stand-ins for models that are named. */
  readonly models?: Readonly<Record<string, AnyModel>>;
  readonly signal?: AbortSignal;
  readonly tty?: boolean;
  /** What is on standard input. */
  readonly stdin?: Uint8Array;
}

export async function runCli(argv: readonly string[], settings: CliSettings = {}): Promise<CliResult> {
  const {
    model = fakeModel({ predict: ({ mu }) => mu }),
    models = {},
    signal = new AbortController().signal,
    tty = false,
    stdin = new Uint8Array(),
  } = settings;
  const output = { stdout: '', stderr: '' };
  const bytes: Uint8Array[] = [];
  const stream = (name: keyof typeof output) => ({
    isTTY: tty,
    write: (text: string | Uint8Array) => {
      if (typeof text === 'string') output[name] += text;
      else bytes.push(text);
    },
  });
  const loads: LoadOptions[] = [];
  const code = await runCommandLine(argv, {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    readStdin: async () => stdin,
    signal,
    async loadModel(options) {
      loads.push(options);
      return new Clearword(models[options.model ?? ''] ?? model);
    },
  });
  const json = () =>
    output.stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, ...output, bytes: Buffer.concat(bytes), loads, json };
}
