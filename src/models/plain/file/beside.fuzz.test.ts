import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  expectRefusal,
  FLOAT,
  IDENTITY,
  message,
  model,
  node,
  PICTURE,
  RESULT,
  tensor,
  text,
  whole,
} from '../../../../test/support/onnx-bytes.ts';
import { temporaryFolders } from '../../../../test/support/pictures.ts';
import { checkedOnnxFile } from '../guard/onnx-guard.ts';
import { readOnnxModel } from '../load-onnx.ts';

const newFolder = await temporaryFolders();

/** A network of whose weights the facts say where they lie. */
const scaled = (...facts: readonly (readonly [string, string])[]) => {
  const places = facts.map(([key, of]) => message(13, text(1, key), text(2, of)));
  return model(
    PICTURE,
    RESULT,
    node('Mul', ['x', 'w'], 'y'),
    tensor(5, 'w', [1, 3, 1, 1], FLOAT, ...places, whole(14, 1)),
  );
};

describe('whatever lies beside a file', () => {
  async function reads(path: string): Promise<boolean> {
    try {
      await readOnnxModel(path);
      return true;
    } catch (error) {
      expectRefusal(error);
      return false;
    }
  }

  it('its descriptor is read or refused', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'x.onnx'), model(PICTURE, RESULT, IDENTITY));
    const keys = fc.constantFrom(
      ...['name', 'range', 'outputRange', 'channels', 'layout', 'mean', 'std', 'residual', 'multiple', 'halo', 'tile'],
      ...[
        'noiseLevel',
        'noiseScale',
        'input',
        'noiseInput',
        'output',
        'licence',
        'source',
        'normalisedOutput',
        '__proto__',
      ],
    );
    const values = fc.oneof(
      fc.constantFrom(
        '0..1',
        '-1..1',
        'rgb',
        'y',
        'nchw',
        'nhwc',
        'x',
        'y',
        'added',
        '\u001b[2J',
        true,
        0,
        1,
        64,
        -1,
        1e300,
      ),
      fc.jsonValue(),
    );
    const texts = fc.oneof(
      { weight: 4, arbitrary: fc.dictionary(keys, values, { maxKeys: 3 }).map((value) => JSON.stringify(value)) },
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.nat(100_000).map((depth) => '['.repeat(depth)),
      fc.constant(`"${'a'.repeat(200_000)}"`),
    );
    let read = 0;
    await fc.assert(
      fc.asyncProperty(texts, async (descriptor) => {
        await writeFile(join(folder, 'x.json'), descriptor);
        if (await reads(join(folder, 'x.onnx'))) read++;
      }),
      { numRuns: 200 },
    );
    // About 33 of them, give or take 5: none would say nothing.
    expect(read).toBeGreaterThan(5);
  });

  it('its weights are read, from its own folder alone, or refused', async () => {
    const outer = await newFolder();
    const folder = join(outer, 'models');
    await mkdir(join(folder, 'data'), { recursive: true });
    await writeFile(join(outer, 'secret.bin'), new Uint8Array(64).fill(255));
    await writeFile(join(folder, 'w.bin'), new Uint8Array(16));
    await writeFile(join(folder, 'data', 'w.bin'), new Uint8Array(16));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const locations = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('w.bin', 'data/w.bin', './w.bin') },
      fc.constantFrom(
        'w.bin',
        'data/w.bin',
        './w.bin',
        'data//w.bin',
        '../models/w.bin',
        '../secret.bin',
        'pipe',
        'data',
      ),
      fc
        .array(fc.constantFrom('..', '.', 'data', 'w.bin', 'secret.bin', '', '\0'), { maxLength: 5 })
        .map((all) => all.join('/')),
      fc.string({ unit: 'binary' }),
      fc.constant('a/'.repeat(5000)),
    );
    const numbers = fc.oneof(
      fc.constantFrom('0', '4', '8', '12', '-1', '1e3', '', '0x4', '99999999999999'),
      fc.string(),
    );
    const keys = fc.constantFrom('location', 'offset', 'length', 'checksum', '__proto__');
    const facts = fc.tuple(
      locations.map((value) => ['location', value] as const),
      fc.oneof(fc.constant([]), fc.array(fc.tuple(fc.constantFrom('offset', 'length'), numbers), { maxLength: 2 })),
      fc.oneof({ weight: 6, arbitrary: fc.constant([]) }, fc.array(fc.tuple(keys, fc.string()), { maxLength: 20 })),
    );
    let read = 0;
    await fc.assert(
      fc.asyncProperty(facts, async ([location, places, rest]) => {
        await writeFile(join(folder, 'x.onnx'), scaled(location, ...places, ...rest));
        if (!(await reads(join(folder, 'x.onnx')))) return;
        read++;
        const { bytes: whole } = await readOnnxModel(join(folder, 'x.onnx'));
        const [w] = checkedOnnxFile(whole, 'x').graph.initialisers;
        expect([...(w?.raw ?? [255])]).toEqual(new Array(12).fill(0));
      }),
      { numRuns: 500 },
    );
    expect(read).toBeGreaterThan(20);
  });
});
