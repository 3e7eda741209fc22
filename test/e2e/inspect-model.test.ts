/**
 * `clearword inspect-model` on networks whose facts are known.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as f from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { emitModel } from '../../src/graph/onnx/emit.ts';
import type { Probe } from '../../src/models/plain/probe.ts';
import { BYTES, differenceOf, HALF, ROUNDING, withModel } from '../support/onnx-door.ts';
import { type Form, pictureNetwork } from '../support/picture-network.ts';
import { patternPicture, temporaryFolders } from '../support/pictures.ts';
import { recurrentNetwork } from '../support/recurrent-network.ts';
import { runCli } from '../support/run-cli.ts';

const newFolder = await temporaryFolders();

async function networkFile(network: Form | Uint8Array): Promise<string> {
  const path = join(await newFolder(), 'blur.onnx');
  await writeFile(path, network instanceof Uint8Array ? network : pictureNetwork(network));
  return path;
}

/** Nearly 1: networks that leave a clean picture nearly as it is. */
const MILD = [1, 0.99, 0.98];
/** Networks of one size are tried faster. */
const SQUARE = { width: 64, height: 64 } as const;

/** Each block of 4 x 4 pixels becomes its mean. */
function blockMeans(fixed?: { readonly width: number; readonly height: number }): Uint8Array {
  const graph = new Graph();
  const { width, height } = fixed ?? { width: 64, height: 64 };
  const weight = graph.constant(new Float32Array(3 * 16 * 16).fill(1 / 16), [48, 1, 4, 4], 'float32');
  const means = f.conv(graph.input('picture', [1, 3, height, width]), weight, undefined, { stride: 4, group: 3 });
  graph.output('restored', f.depthToSpace(means, 4));
  return emitModel(graph, undefined, { freeSides: fixed === undefined });
}

async function inspected(path: string, ...more: string[]): Promise<Record<string, unknown>> {
  const { code, stderr, json } = await runCli(['inspect-model', path, '--json', '--threads', '1', ...more]);
  expect([code, stderr]).toEqual([0, '']);
  const [report] = json();
  if (report === undefined) throw new Error('expected a report');
  return report;
}

describe('inspect-model', () => {
  it('does not doubt the range of a network whose pixels are bytes', async () => {
    const { descriptor } = await inspected(await networkFile({ type: 'uint8' }));
    expect(descriptor).toMatchObject({ range: '0..255', residual: 'none' });
  });

  it('finds multiple and halo of a network for any size, and writes what it found', async () => {
    const path = await networkFile({});
    const report = await inspected(path);
    expect(report).toMatchObject({
      inputs: [{ name: 'picture', type: 'float32', shape: [1, 3, null, null] }],
      outputs: [{ name: 'result', type: 'float32', shape: [1, 3, null, null] }],
      probe: { finite: true, multiple: 1, halo: 1, seam: 0, shift: { by: 1, difference: 0 } },
      descriptor: { name: 'blur', layout: 'nchw', channels: 'rgb', multiple: 1, halo: 1 },
      written: path.replace('.onnx', '.json'),
    });
    expect(report.guessed).toEqual(expect.arrayContaining(['range', 'multiple', 'halo', 'residual', 'channels']));
    expect(JSON.parse(await readFile(path.replace('.onnx', '.json'), 'utf8'))).toEqual(report.descriptor);
    // What was written is read the next time, and not replaced.
    const again = await inspected(path);
    expect(again).toMatchObject({ guessed: [], descriptor: report.descriptor });
    expect(again.written).toBeUndefined();
    expect(again.notWritten).toBe(`${report.written} exists; --overwrite replaces it`);
    expect(await inspected(path, '--overwrite')).toMatchObject({ written: report.written });
  });

  it('knows a fixed size, and how far the network looks within it', async () => {
    const path = await networkFile({ fixed: { width: 96, height: 64 } });
    const report = await inspected(path, '-o', '-');
    expect(report).toMatchObject({
      inputs: [{ name: 'picture', shape: [1, 3, 64, 96] }],
      understood: { tiling: { fixed: { width: 96, height: 64 } } },
      probe: { finite: true, halo: 1, seam: 0, shift: { by: 1, difference: 0 } },
      descriptor: { halo: 1 },
      notWritten: 'the output is -',
    });
    expect(report.probe).not.toHaveProperty('multiple');
    // Its size is its multiple.
    expect(report.descriptor).not.toHaveProperty('multiple');
    expect(report.guessed).not.toContain('multiple');
    const text = await runCli(['inspect-model', path, '--threads', '1', '-o', '-']);
    expect(text.stdout).toContain('tiles of 96 x 64');
    expect(text.stdout).toContain('sizes: not probed');
    expect(text.stdout).toContain('not written: the output is -\n');
    expect(text.stdout).toContain('moved pictures: by 1 pixel, the middle of the result differs by 0.0 grey levels\n');
  });

  it('proposes no wider halo than tiles of one size have room for', async () => {
    const path = await networkFile(recurrentNetwork(9, { width: 64, height: 64 }));
    expect(await inspected(path)).toMatchObject({ probe: { halo: 32 }, descriptor: { halo: 16 } });
    const { data, width, height } = patternPicture(100, 70);
    await withModel({ model: path }, async (clearword) => {
      expect((await clearword.restore({ data, width, height, channels: 3 })).width).toBe(width);
    });
  });

  it('knows a noise map, and tells it what it is told', async () => {
    const path = await networkFile({ noise: 'map' });
    const report = await inspected(path, '--descriptor', 'noiseLevel=25');
    expect(report).toMatchObject({
      inputs: [{ name: 'picture' }, { name: 'sigma', shape: [1, 1, null, null] }],
      understood: { noise: { form: 'map', name: 'sigma', level: 25, scale: 1 / 255 } },
      probe: { finite: true, multiple: 1, halo: 1 },
      descriptor: { noiseLevel: 25, noiseScale: 1 / 255, multiple: 1 },
    });
    expect(report.guessed).toContain('noiseScale');
    expect(report.guessed).not.toContain('noiseLevel');
    // A flat grey is multiplied by 1, 0.8 and 0.6, and 25 / 255 / 4 is added, in whichever range comes closest.
    const { difference, range } = report.probe as { difference: { flat: number }; range: string };
    if (range === '0..1') {
      const added = 25 / 255 / 4;
      const expected = (added + Math.abs(added - 0.1) + Math.abs(added - 0.2)) / 3;
      expect(difference.flat).toBeCloseTo(expected, 2);
    }
    expect((await runCli(['inspect-model', path, '--threads', '1', '-o', '-'])).stdout).toContain(
      'noise level 25 as a map',
    );
  });

  it('knows a fixed size and a noise map at once', async () => {
    const report = await inspected(await networkFile({ noise: 'map', fixed: { width: 64, height: 64 } }), '-o', '-');
    expect(report).toMatchObject({
      inputs: [{ name: 'picture' }, { name: 'sigma', shape: [1, 1, 64, 64] }],
      understood: { noise: { form: 'map' }, tiling: { fixed: { width: 64, height: 64 } } },
      probe: { finite: true, halo: 1 },
    });
  });

  it.each([
    ['float16', { type: 'float16', fixed: SQUARE }, {}, { multiple: 64 }, HALF],
    ['channels last', { layout: 'nhwc' }, {}, {}, 0],
    ['luma', { channels: 1, fixed: SQUARE }, {}, { channels: 1, multiple: 64 }, 0],
    ['what it takes away', { residual: 'removed' }, { residual: 'removed' }, {}, 0],
    ['what it adds', { residual: 'added', fixed: SQUARE }, { residual: 'added' }, { multiple: 64 }, 0],
    [
      'bytes in, floats out',
      { type: 'uint8', outputType: 'float32', fixed: SQUARE },
      { outputRange: '0..255' },
      { high: 255, multiple: 64 },
      BYTES / 2,
    ],
  ] as const)(
    'writes a descriptor that leads to the right pixels: %s',
    async (_, form, found, expectation, tolerance) => {
      const path = await networkFile({ ...form, gain: MILD });
      expect(await inspected(path)).toMatchObject({ probe: { identityLike: true, ...found }, descriptor: found });
      await withModel({ model: path }, async (clearword) => {
        const size = { width: 45, height: 35 };
        const difference = await differenceOf(clearword, { multiple: 1, ...expectation, gain: MILD }, size);
        expect(difference).toBeLessThan(tolerance + ROUNDING);
      });
    },
  );

  it('moves pictures: what depends on the place does so by a multiple', async () => {
    const free = await inspected(await networkFile(blockMeans()), '-o', '-');
    expect(free).toMatchObject({ probe: { multiple: 4, shift: { by: 4 } }, descriptor: { multiple: 4 } });
    expect((free.probe as Probe).shift?.difference).toBeLessThan(0.01);
    const path = await networkFile(blockMeans({ width: 64, height: 48 }));
    const text = await runCli(['inspect-model', path, '--threads', '1', '-o', '-']);
    const moved =
      /moved pictures: by 1 pixel, the middle of the result differs by (.*) grey levels: tiles do not show the same/;
    expect(Number(moved.exec(text.stdout)?.[1])).toBeGreaterThan(5);
    const told = await inspected(path, '-o', '-', '--descriptor', 'multiple=4');
    expect((told.probe as Probe).shift).toEqual({ by: 4, difference: expect.closeTo(0, 2) });
  });

  it('writes nothing where numbers are not finite, and says why', async () => {
    const path = await networkFile({ scale: Number.POSITIVE_INFINITY, fixed: SQUARE });
    const { code, stdout } = await runCli(['inspect-model', path, '--threads', '1']);
    expect(code).toBe(1);
    expect(stdout).toContain('numbers: not finite\n');
    expect(stdout).toContain('not written: the network gave numbers that are not finite');
    await expect(readFile(path.replace('.onnx', '.json'))).rejects.toThrow('ENOENT');
    const elsewhere = `${path}.txt`;
    expect((await runCli(['inspect-model', path, '--threads', '1', '-o', elsewhere])).code).toBe(1);
    await expect(readFile(elsewhere)).rejects.toThrow('ENOENT');
  });

  it('says what is wrong with a file that cannot be used', async () => {
    const path = await networkFile({});
    await writeFile(path, pictureNetwork({}).subarray(0, 300));
    const broken = await runCli(['inspect-model', path]);
    expect(broken.code).not.toBe(0);
    expect(broken.stderr).toContain('MODEL_INVALID');
    const none = await runCli(['inspect-model', join(path, 'none.onnx')]);
    expect(none.stderr).toContain('MODEL_NOT_FOUND');
  });
});
