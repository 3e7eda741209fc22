/**
 * The recipes of docs/other-models.md, taken from the document itself: PyTorch exports small networks by them, and whole
 * restorations give what PyTorch gives.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RestoreOptions } from '../../src/index.ts';
import { ROUNDING, withModel } from '../support/onnx-door.ts';
import { largestDifference, patternPicture, temporaryFolder } from '../support/pictures.ts';
import { PYTHON, required } from '../support/required.ts';

const { missing, note } = required('pytorch');
const root = await temporaryFolder();

const page = await readFile(new URL('../../docs/other-models.md', import.meta.url), 'utf8');
const exporting = /^## Exporting from PyTorch$(.*?)^## /ms.exec(page)?.[1] ?? '';
const recipes = [...exporting.matchAll(/^```python\n(.*?)^```$/gms)].map(([, code = '']) => code);

/** Another size than the recipes trace with. */
const [width, height] = [53, 38];
const picture = patternPicture(width, height, { bits: 16 });

/** What PyTorch's other exporter needs; Debian has no package of it. */
const newer = spawnSync(PYTHON, ['-c', 'import onnxscript']).status === 0;
const OLD_NOTE = newer ? '' : ` (only compiled: no onnxscript for ${PYTHON})`;

/** Runs each recipe in its folder with a network in place of the reader's, and writes what the network makes of the picture. */
const HARNESS = `
import os, pathlib, sys, numpy, torch

torch.manual_seed(5)
torch.set_num_threads(1)

class Network(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = torch.nn.Conv2d(channels, 8, 3, padding=1)
        self.last = torch.nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, picture, *sigma):
        seen = torch.cat((picture, *sigma), 1)
        return 0.5 * picture + 0.5 * torch.sigmoid(2 * self.last(torch.relu(4 * self.first(seen))))

width, height = int(sys.argv[1]), int(sys.argv[2])
picture = torch.from_numpy(numpy.fromfile("picture", "float32").reshape(1, 3, height, width))
for folder in sorted(pathlib.Path(".").glob("recipe*")):
    code = (folder / "recipe.py").read_text()
    # A network for one size gets the picture continued to that size by reflection.
    more = (0, 64 - width, 0, 64 - height) if "fixed" in code else (0, 0, 0, 0)
    given = torch.nn.functional.pad(picture, more, mode="reflect")
    told = (torch.full((1, 1, height, width), 25 / 255),) if "sigma" in code else ()
    network = Network(3 + len(told))
    os.chdir(folder)
    exec(code, {"network": network})
    os.chdir("..")
    with torch.no_grad():
        result = network(given, *told)[:, :, :height, :width]
        numpy.ascontiguousarray(result.numpy()).tofile(str(folder / "expected"))
`;

interface Case {
  readonly what: string;
  readonly file: string;
  readonly options?: RestoreOptions;
  /** Whether this version of PyTorch has what it takes. */
  readonly there?: boolean;
}

/** In the order of the document. */
const cases: readonly Case[] = [
  { what: 'a network for any size', file: 'network.onnx' },
  { what: 'a network with a noise level', file: 'denoiser.onnx', options: { strength: 'noise=25' } },
  { what: `a network by the other exporter${OLD_NOTE}`, file: 'network.onnx', there: newer },
  { what: 'a network for one size', file: 'fixed.onnx' },
];

it('the document has the recipes that are tried', () => {
  expect(recipes).toHaveLength(cases.length);
  expect(recipes.map((code) => code.includes('torch.export'))).toEqual([false, false, true, false]);
});

describe.skipIf(missing)(`the recipes of docs/other-models.md${note}`, () => {
  beforeAll(async () => {
    const planar = Float32Array.from({ length: 3 * width * height }, (_, i) => {
      const [c, pixel] = [Math.floor(i / (width * height)), i % (width * height)];
      return (picture.data[3 * pixel + c] as number) / 65535;
    });
    await writeFile(join(root, 'picture'), planar);
    for (const [i, { there = true }] of cases.entries()) {
      if (!there) continue;
      await mkdir(join(root, `recipe${i}`));
      await writeFile(join(root, `recipe${i}`, 'recipe.py'), recipes[i] ?? '');
    }
    const python = spawnSync(PYTHON, ['-c', HARNESS, `${width}`, `${height}`], { cwd: root, encoding: 'utf8' });
    if (python.status !== 0) throw new Error(python.stderr);
  });

  it.for(cases.map((given, recipe) => ({ ...given, recipe })))('$what: restores as PyTorch does', async (given) => {
    const { recipe, file, options = {}, there = true } = given;
    if (!there) {
      const read = ['-c', 'import sys; compile(sys.stdin.read(), "recipe", "exec")'];
      expect(spawnSync(PYTHON, read, { input: recipes[recipe], encoding: 'utf8' })).toMatchObject({ status: 0 });
      return;
    }
    const folder = join(root, `recipe${recipe}`);
    const { buffer } = Uint8Array.from(await readFile(join(folder, 'expected')));
    const planar = new Float32Array(buffer);
    const expected = Float64Array.from(planar, (_, i) => {
      const value = planar[(i % 3) * width * height + Math.floor(i / 3)] as number;
      return 65535 * Math.min(1, Math.max(0, value));
    });
    await withModel(
      { model: join(folder, file), ...(file === 'fixed.onnx' ? {} : { descriptor: 'multiple=1' }) },
      async (clearword) => {
        const input = { data: picture.data, width, height, channels: 3 } as const;
        const restored = (await clearword.restore(input, options)).pixels().data;
        expect(largestDifference(restored, expected)).toBeLessThan(ROUNDING);
        // It does something.
        expect(largestDifference(expected, picture.data)).toBeGreaterThan(2570);
      },
    );
  });
});
