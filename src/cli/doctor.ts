/**
 * `clearword doctor`: what this machine can do, and whether it does it right.
 *
 * @module
 */
import { fork } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type DeviceReport, tryDevice } from '../runtime/device.ts';
import { onnxRuntime } from '../runtime/onnx-runtime.ts';
import { DEVICES, type Device } from '../runtime/protocol.ts';
import { VERSION } from '../version.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { jsonOption, modelOption } from './common-options.ts';
import { type ErrorReport, exitCodeOf, reportOf } from './report.ts';

const options = z.strictObject({ model: modelOption, json: jsonOption });

export const doctor = defineCommand({
  name: 'doctor',
  options,
  details: `Tries every device with a small computation whose answer is known, then loads the model and restores a test
picture on the CPU. A device that is not usable is no failure: without a GPU everything works on the CPU.

Exit codes: 0 the CPU and the model work, 1 they do not, 2 wrong use.`,
  run,
});

/** What the doctor finds; with --json as it is. */
export interface Diagnosis {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: {
    readonly platform: string;
    readonly cpu: string;
    readonly threads: number;
    readonly memoryGb: number;
  };
  readonly devices: readonly DeviceReport[];
  readonly model: ModelReport;
}

interface ModelReport {
  readonly usable: boolean;
  readonly name?: string;
  readonly hash?: string;
  /** Seconds to load the model and restore a picture of 64 x 64 pixels. */
  readonly seconds?: number;
  readonly error?: ErrorReport;
}

async function run(_: readonly string[], given: z.output<typeof options>, context: CommandContext): Promise<number> {
  const devices: DeviceReport[] = [];
  // One after the other: two runtimes that start at once compete for the same libraries.
  for (const device of DEVICES) devices.push(await (device === 'cpu' ? tryDevice(device) : tryApart(device)));
  const diagnosis: Diagnosis = {
    versions: await versions(),
    machine: {
      platform: `${process.platform} ${process.arch}`,
      cpu: cpus()[0]?.model ?? 'unknown',
      threads: availableParallelism(),
      memoryGb: Math.round(totalmem() / 2 ** 27) / 8,
    },
    devices,
    model: await tryModel(given.model, context),
  };
  context.stdout.write(given.json ? `${JSON.stringify(diagnosis)}\n` : asText(diagnosis));
  const cpuWorks = devices.some(({ device, usable }) => device === 'cpu' && usable);
  return cpuWorks && diagnosis.model.usable ? EXIT.done : EXIT.failed;
}

/**
 * Tries a device in a process of its own: the libraries of graphics cards print warnings of their own about drivers that are
 * not there, and some end the process that asks.
 */
async function tryApart(device: Device): Promise<DeviceReport> {
  const fromSource = import.meta.url.endsWith('.ts');
  const main = fileURLToPath(new URL(`./device-main${fromSource ? '.ts' : '.js'}`, import.meta.url));
  const flags = fromSource ? ['--import', import.meta.resolve('tsx')] : [];
  return new Promise((resolve) => {
    const child = fork(main, [device], {
      execArgv: flags,
      // What it finds has a value that JSON has no word for.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.once('message', (report) => resolve(report as DeviceReport));
    const ended = (how: string) => {
      resolve({ device, usable: false, reason: `the process that tried it ${how}`, error: Number.NaN });
    };
    child.once('error', (error) => ended(`did not start: ${error.message}`));
    child.once('exit', (code, signal) => ended(`ended with ${signal ?? code}`));
  });
}

async function versions(): Promise<Record<string, string>> {
  const [{ env }, { default: sharp }] = await Promise.all([onnxRuntime(), import('sharp')]);
  return {
    clearword: VERSION,
    node: process.versions.node,
    onnxruntime: env.versions.node ?? env.versions.common,
    sharp: sharp.versions.sharp,
    libvips: sharp.versions.vips,
  };
}

/** Loads the model and restores grey with a known pattern on it: every value has to be finite and within 0..255. */
async function tryModel(model: string | undefined, { loadModel, signal }: CommandContext): Promise<ModelReport> {
  const started = performance.now();
  try {
    const clearword = await loadModel({ device: 'cpu', ...(model !== undefined && { model }), signal });
    try {
      const [width, height] = [64, 64];
      const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => 96 + ((i * 37) % 64));
      await clearword.restore({ data, width, height, channels: 3 }, { signal });
      const { name, hash } = clearword.model;
      return { usable: true, name, hash, seconds: Math.round(performance.now() - started) / 1000 };
    } finally {
      await clearword.dispose();
    }
  } catch (error) {
    // Ctrl-C is no finding.
    if (exitCodeOf(error) === EXIT.interrupted) throw error;
    return { usable: false, error: reportOf(error) };
  }
}

function asText({ versions, machine, devices, model }: Diagnosis): string {
  const lines = Object.entries(versions).map(([name, version]) => `${name.padEnd(12)}${version}`);
  lines.push(`${'machine'.padEnd(12)}${machine.platform}, ${machine.cpu}, ${machine.memoryGb} GB`);
  lines.push(`${'threads'.padEnd(12)}${machine.threads}`, '', 'devices');
  for (const { device, usable, reason, error } of devices) {
    const verdict = usable ? `works (self-test off by ${error.toExponential(0)})` : `not usable: ${reason.trim()}`;
    lines.push(`  ${device.padEnd(8)}${verdict}`);
  }
  lines.push('', 'model');
  if (model.usable)
    lines.push(`  ${model.name} ${model.hash?.slice(0, 12)}  works (${model.seconds} s to load and restore)`);
  else lines.push(`  not usable: ${model.error?.code}: ${model.error?.message}`, `  fix: ${model.error?.fix}`);
  return `${lines.join('\n')}\n`;
}
