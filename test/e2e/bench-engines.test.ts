import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/pictures.ts';
import { PYTHON, required } from '../support/required.ts';

/** Starting PyTorch takes its time where the cores are busy, ms. */
const TIMEOUT = 400_000;
const { missing, note } = required('pytorch');
const BENCH = fileURLToPath(new URL('../../bench/engines.ts', import.meta.url));

it.skipIf(missing)(
  `bench/engines.ts takes more steps than an engine keeps batches${note}`,
  async () => {
    const config = join(await temporaryFolder(), 'tiny.json');
    const data = { roots: { photos: ['photos'] } };
    await writeFile(config, JSON.stringify({ preset: 'tiny', device: 'cpu', steps: 1, data }));
    const numbers = ['--batch', '2', '--patch', '32', '--steps', '8', '--rounds', '1', '--threads', '1'];
    const engines = ['--python', PYTHON, '--precision', 'float32', '--config', config];
    const args = ['--import', import.meta.resolve('tsx'), BENCH, ...numbers, ...engines];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toMatch(/\| ONNX Runtime on cpu.*\|\s+\d/);
    expect(stdout).toMatch(/\| PyTorch .* on cpu, float32 \|\s+\d/);
  },
  TIMEOUT,
);
