/**
 * The script that trains on a machine without anything, with a pretended program in the place of Clearword.
 */
import { spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/pictures.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/pack/train-here.mjs', import.meta.url));

/** Runs the script with a program that does this, in a folder `run`; `resume` says whether it goes on. */
async function trainHere(program: string, seconds: number, before?: string) {
  const pack = await temporaryFolder();
  const [out, dist] = [join(pack, 'out'), join(pack, 'app/dist')];
  for (const folder of ['cli', 'train']) await mkdir(join(dist, folder), { recursive: true });
  await mkdir(join(pack, 'data'));
  await copyFile(SCRIPT, join(pack, 'train-here.mjs'));
  await writeFile(join(pack, 'config.json'), '{"data": {}}');
  await writeFile(join(pack, 'app/package.json'), '{"type": "module"}');
  const main = `import { writeFileSync } from 'node:fs';
const resume = process.argv.includes('--resume');
const save = (step) => writeFileSync(\`run/step-0000000\${step}.safetensors\`, 'state ' + step);
${program}`;
  await writeFile(join(dist, 'cli/main.js'), main);
  await writeFile(
    join(dist, 'train/checkpoint.js'),
    'export const readCheckpoint = async () => ({ milliseconds: 0 });',
  );
  const exporting = `import { copyFileSync } from 'node:fs';
export const exportCheckpoint = async (from, to) => copyFileSync(from, to);`;
  await writeFile(join(dist, 'train/export.js'), exporting);
  const args = [join(pack, 'train-here.mjs'), `${seconds}`, out, join(pack, 'data')];
  const began = `${Math.floor(Date.now() / 1000)}`;
  const env = { ...process.env, CLEARWORD_PYTHON: 'true', CLEARWORD_BEGAN: began, LOADER: '0' };
  const child = spawn(process.execPath, [...args, ...(before === undefined ? [] : [before])], { env, stdio: 'ignore' });
  const code = await new Promise((done) => child.once('exit', done));
  const text = (name: string) => readFile(join(out, name), 'utf8');
  const files = (await readdir(out)).filter((name) => name.startsWith('step-'));
  return { code, out, files, text, report: await text('report.txt') };
}

describe('train-here.mjs', () => {
  it('does not repeat what fails before a first checkpoint', async () => {
    const { code, files, report } = await trainHere('process.exit(7);', 3600);
    expect({ code, files }).toEqual({ code: 1, files: [] });
    expect(report.match(/training ended with 7/g)).toHaveLength(1);
  });

  it('goes on from a new checkpoint, and from that of an earlier part', async () => {
    const first = await trainHere('save(resume ? 2 : 1); process.exit(resume ? 0 : 7);', 3600);
    expect(first).toMatchObject({ code: 0, files: ['step-00000002.safetensors.000'] });
    expect(first.report.match(/training ended with/g)).toHaveLength(1);
    expect(await first.text('model.safetensors')).toBe('state 2');
    // A part that was lost while it brought a checkpoint leaves pieces of two.
    await writeFile(join(first.out, 'step-00000001.safetensors.000'), 'state 1');
    const second = await trainHere('process.exit(resume ? 0 : 7);', 3600, first.out);
    expect(second).toMatchObject({ code: 0, files: ['step-00000002.safetensors.000'] });
    expect(await second.text('step-00000002.safetensors.000')).toBe('state 2');
  });

  it('interrupts training when the time for its last checkpoint has come, and brings that', async () => {
    const program = `save(1);
setInterval(() => undefined, 1000);
process.on('SIGINT', () => { save(2); process.exit(130); });`;
    const begin = performance.now();
    const { code, files, text, report } = await trainHere(program, 53);
    expect({ code, files }).toEqual({ code: 0, files: ['step-00000002.safetensors.000'] });
    expect(await text('model.safetensors')).toBe('state 2');
    expect(report).toContain('training ended with 130');
    expect((performance.now() - begin) / 1000).toBeLessThan(53);
  });
});
