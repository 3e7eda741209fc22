/**
 * `clearword inspect-model`: what an ONNX network is, what was understood of it, and how it behaves.
 *
 * @module
 */

import { z } from 'zod';
import { writeFileAtomic } from '../atomic-file.ts';
import { ClearwordError } from '../errors.ts';
import { parseSource } from '../hub/source.ts';
import { openOnnxModel } from '../models/load.ts';
import type { Descriptor } from '../models/plain/descriptor.ts';
import type { OnnxValue } from '../models/plain/file/onnx-file.ts';
import { descriptorPath, type OnnxModelFile, readOnnxModel } from '../models/plain/load-onnx.ts';
import { type Probe, probeModel } from '../models/plain/probe.ts';
import { widestHalo } from '../restore/plain-options.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { descriptorOption, deviceOption, jsonOption, threadsOption } from './common-options.ts';
import { progressDisplay, showDownload } from './progress.ts';
import { visible } from './report.ts';

const options = z.strictObject({
  descriptor: descriptorOption,
  output: z.string().min(1).optional().meta({
    short: 'o',
    placeholder: 'file',
    description: 'where to write the descriptor; default: x.json beside x.onnx, - for nowhere',
  }),
  overwrite: z.boolean().default(false).meta({ description: 'replace a descriptor that exists' }),
  probe: z
    .enum(['yes', 'no'])
    .default('yes')
    .meta({ placeholder: 'word', description: 'whether to try the network on pictures: yes or no' }),
  device: deviceOption,
  threads: threadsOption,
  json: jsonOption,
});

type Options = z.output<typeof options>;

export const inspectModel = defineCommand({
  name: 'inspect-model',
  argument: { name: 'model', description: 'an ONNX network: a path, hub:owner/name/file or an https address' },
  options,
  details: `Prints inputs and outputs, what was understood and what was guessed; tries the network on a flat, a rising and a
textured picture (finite numbers? a clean picture left as it is? which sizes? how far does it look? does a moved picture give a
moved result?), and writes what follows into a descriptor, which restore, evaluate, serve, worker and batch then read. Check it:
only a person knows the range for sure. Nothing is written where numbers are not finite.

Exit codes: 0 usable, 1 not usable, 2 wrong use.

Examples:
  clearword inspect-model scunet.onnx
  clearword inspect-model ffdnet.onnx --descriptor noiseLevel=25 -o -`,
  run,
});

async function run(args: readonly string[], given: Options, context: CommandContext): Promise<number> {
  const source = args[0] ?? '';
  const { stdout, stderr, signal } = context;
  const display = await progressDisplay(stderr);
  const onDownload = (progress: Parameters<typeof showDownload>[2]) => showDownload(display, 'the model', progress);
  const reading = { descriptor: given.descriptor, onDownload, signal };
  try {
    const model = await readOnnxModel(source, reading);
    const probe = given.probe === 'yes' ? await tried(source, model, given, context) : undefined;
    const descriptor = proposed(model, probe);
    const written = await writeDescriptor(source, descriptor, given, probe);
    display.stop();
    const report = reportOf(model, probe, descriptor, written);
    stdout.write(given.json ? `${JSON.stringify(report)}\n` : textOf(source, model, probe, descriptor, written));
    return probe?.finite === false ? EXIT.failed : EXIT.done;
  } finally {
    display.stop();
  }
}

async function tried(
  source: string,
  file: OnnxModelFile,
  { device, threads }: Options,
  { signal }: CommandContext,
): Promise<Probe> {
  const model = await openOnnxModel(file, { device, threads });
  try {
    return await probeModel(model, signal);
  } catch (cause) {
    if (!(cause instanceof ClearwordError) || cause.code !== 'RUNTIME_FAILED') throw cause;
    throw new ClearwordError(
      'RUNTIME_FAILED',
      `${source}: expected a network that takes pictures of 192 x 192 pixels, received: ${cause.message}`,
      {
        fix: 'If it takes other sizes, give the multiple of its sides: --descriptor multiple=128.',
        cause,
      },
    );
  } finally {
    await model.dispose();
  }
}

/** Halo that is proposed where a network looks at the whole picture: more would cost much and gain little. */
const WIDEST_HALO = 64;

/** What was said, and what the probe showed of the rest. */
function proposed({ reading, descriptor: stated }: OnnxModelFile, probe: Probe | undefined): Descriptor {
  const { name, layout, channels, range, outputRange, residual, noise, tiling, tile } = reading;
  const multiple = stated.multiple ?? probe?.multiple ?? tiling.multiple;
  // More than tiles have room for would be refused.
  const widest = Math.min(WIDEST_HALO, widestHalo(tile, { ...tiling, multiple }));
  const chosen = probe?.identityLike ? probe : { range, outputRange, residual };
  return {
    name,
    layout,
    channels,
    range: chosen.range,
    // Otherwise it is the input's, and follows where somebody corrects that.
    ...((chosen.outputRange !== chosen.range || reading.guessed.includes('outputRange')) && {
      outputRange: chosen.outputRange,
    }),
    residual: chosen.residual,
    ...(tiling.fixed === undefined && { multiple }),
    halo: stated.halo ?? Math.min(widest, probe?.halo ?? tiling.halo),
    ...(noise && { noiseLevel: noise.level, noiseScale: noise.scale }),
    ...stated,
  };
}

/** Where the descriptor was written, or why it was not. */
type Written = { readonly written: string } | { readonly notWritten: string };

async function writeDescriptor(
  source: string,
  descriptor: Descriptor,
  { output, overwrite }: Options,
  probe: Probe | undefined,
): Promise<Written> {
  if (probe?.finite === false) {
    return { notWritten: 'the network gave numbers that are not finite, so that nothing it showed can be believed' };
  }
  if (output === '-') return { notWritten: 'the output is -' };
  if (output === undefined && parseSource(source).kind !== 'path') {
    return {
      notWritten: 'the model is not a file on this machine; -o FILE says where, and --descriptor is read everywhere',
    };
  }
  const path = output ?? descriptorPath(source);
  const text = `${JSON.stringify(descriptor, null, 2)}\n`;
  try {
    await writeFileAtomic(path, new TextEncoder().encode(text), { overwrite });
    return { written: path };
  } catch (error) {
    if (output !== undefined || !(error instanceof ClearwordError) || error.code !== 'OUTPUT_EXISTS') throw error;
    // One that is there was perhaps corrected by hand.
    return { notWritten: `${path} exists; --overwrite replaces it` };
  }
}

const ELEMENTS: Readonly<Record<number, string>> = {
  1: 'float32',
  2: 'uint8',
  7: 'int64',
  10: 'float16',
  11: 'float64',
};

const shownValue = ({ name, elementType, shape }: OnnxValue) => ({
  name,
  type: ELEMENTS[elementType] ?? `type ${elementType}`,
  shape: shape?.map((side) => side ?? null) ?? null,
});

function reportOf(
  { file, reading, hash }: OnnxModelFile,
  probe: Probe | undefined,
  descriptor: Descriptor,
  written: Written,
): object {
  return {
    hash,
    producer: file.producer,
    inputs: inputsOf(file).map(shownValue),
    outputs: file.graph.outputs.map(shownValue),
    understood: reading,
    guessed: reading.guessed,
    ...(probe && { probe }),
    descriptor,
    ...written,
  };
}

function inputsOf({ graph }: OnnxModelFile['file']): readonly OnnxValue[] {
  const constants = new Set(graph.initialisers.map(({ name }) => name));
  return graph.inputs.filter(({ name }) => !constants.has(name));
}

function textOf(
  source: string,
  { file, reading, hash }: OnnxModelFile,
  probe: Probe | undefined,
  descriptor: Descriptor,
  written: Written,
): string {
  const value = (kind: string, of: OnnxValue) => {
    const { name, type, shape } = shownValue(of);
    return `${kind} ${visible(name)}: ${type} [${shape?.map((side) => side ?? '?').join(', ') ?? '?'}]`;
  };
  const { tiling, tile } = reading;
  const size = tiling.fixed
    ? `tiles of ${tiling.fixed.width} x ${tiling.fixed.height}`
    : `tiles of up to ${tile}, sides multiples of ${tiling.multiple}`;
  const lines = [
    `${visible(source)}: SHA-256 ${hash}`,
    ...inputsOf(file).map((input) => value('input', input)),
    ...file.graph.outputs.map((output) => value('output', output)),
    `understood: ${reading.layout}, ${reading.channels}, range ${reading.range}, residual ${reading.residual}, ${size}, halo ${tiling.halo}${reading.noise ? `, noise level ${reading.noise.level} as a ${reading.noise.form}` : ''}`,
    `guessed: ${reading.guessed.join(', ') || 'nothing'}`,
    ...(probe ? probeLines(probe) : []),
    `descriptor: ${JSON.stringify(descriptor)}`,
    'written' in written ? `written: ${visible(written.written)}` : `not written: ${visible(written.notWritten)}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function probeLines(probe: Probe): string[] {
  const { finite, difference, identityLike, range, residual, multiple, halo, seam, shift, seconds } = probe;
  const pixels = (count: number) => (count === 1 ? '1 pixel' : `${count} pixels`);
  const levels = (value: number) => (255 * value).toFixed(1);
  return [
    `numbers: ${finite ? 'finite' : 'not finite'}`,
    `difference from the picture, grey levels: flat ${levels(difference.flat)}, ramp ${levels(difference.ramp)}, texture ${levels(difference.texture)}`,
    identityLike
      ? `leaves clean pictures nearly as they are with range ${range}, residual ${residual}`
      : 'changes clean pictures a lot, so range and residual cannot be checked',
    `sizes: ${multiple === undefined ? 'not probed' : `multiples of ${multiple}`}`,
    `tiles equal the whole from ${halo} pixels on${seam > 1 ? ` except for ${seam.toFixed(1)} grey levels: the network sees further` : ''}`,
    `moved pictures: ${shift === undefined ? 'not probed' : `by ${pixels(shift.by)}, the middle of the result differs by ${shift.difference.toFixed(1)} grey levels${shift.difference > 1 ? ': tiles do not show the same' : ''}`}`,
    `speed: ${seconds.toFixed(2)} s a megapixel`,
  ];
}
