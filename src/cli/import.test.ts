import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { runCli } from '../../test/support/run-cli.ts';
import { writeTinyEncoders } from '../../test/support/tiny-encoders.ts';
import { modelLayout } from '../models/loaded-model.ts';
import { readModel } from '../models/model-file.ts';
import { presets } from '../models/presets.ts';
import { storeFloat32, writeSafetensors } from '../models/safetensors.ts';
import { readWeights } from '../models/weights-file.ts';

const folder = await temporaryFolder();
const tiny = presets['tiny-paper'];
if (!tiny) throw new Error('no preset tiny-paper');
const layout = modelLayout(tiny);

/** A network's weights as another program keeps them: with a wrapper's prefix. */
async function writeNetwork(path: string, leaveOut?: string, first?: number): Promise<void> {
  const tensors = layout.entries
    .filter(({ name }) => name !== leaveOut)
    .map(({ name, shape, size }, p) => {
      const data = Float32Array.from({ length: size }, (_, k) => Math.sin(k + p));
      if (p === 0 && first !== undefined) data[0] = first;
      return [`module.${name}`, storeFloat32(data, shape)] as const;
    });
  await writeFile(path, Buffer.concat(writeSafetensors({ tensors: new Map(tensors), metadata: {} })));
}

describe('clearword import', () => {
  it('makes a model of a checkpoint of the network', async () => {
    const [weights, output] = [join(folder, 'net.safetensors'), join(folder, 'model.safetensors')];
    await writeNetwork(weights);
    const encoders = join(folder, 'enc', 'daclip.safetensors');
    await mkdir(join(folder, 'enc'));
    await writeTinyEncoders(encoders, 'daclip');
    const args = [
      'import',
      weights,
      '-o',
      output,
      '--preset',
      'tiny-paper',
      '--encoders',
      // As seen from the current folder, as every path on the command line; the card has it as seen from the model.
      relative('.', encoders),
      '--licence',
      'MIT',
    ];
    const { code, stdout, stderr } = await runCli(args);
    expect(stderr).toBe('');
    expect(stdout).toContain(`a model, ${layout.entries.length} tensors, ${layout.size} parameters`);
    expect(code).toBe(0);
    const { card, weights: read } = await readModel(output);
    expect(card).toMatchObject({ name: 'tiny-paper', licence: 'MIT', encoders: { source: 'enc/daclip.safetensors' } });
    expect(card.encoders?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect([...read.tensors.keys()]).toEqual(layout.entries.map(({ name }) => name));
    // And back: the names of the file are those that PyTorch's network has.
    const back = await readWeights(output);
    expect(back.get('init_conv.weight')).toEqual((await readWeights(weights)).get('module.init_conv.weight'));
  });

  it('turns one naming of encoders into another, and back to the same bytes', async () => {
    const path = (name: string) => join(folder, `${name}.safetensors`);
    await writeTinyEncoders(path('hf'), 'huggingface');
    for (const [from, to, naming] of [
      ['hf', 'openclip', 'openclip'],
      ['openclip', 'again', 'huggingface'],
    ] as const) {
      const { code, stderr } = await runCli([
        'import',
        path(from),
        '-o',
        path(to),
        '--preset',
        'tiny-paper',
        '--naming',
        naming,
      ]);
      expect(stderr).toBe('');
      expect(code).toBe(0);
    }
    const [first, again] = [await readWeights(path('hf')), await readWeights(path('again'))];
    expect([...again.keys()].sort()).toEqual([...first.keys()].sort());
    for (const [name, { data }] of first) expect(again.get(name)?.data, name).toEqual(data);
    expect([...(await readWeights(path('openclip'))).keys()]).toContain(
      'visual.transformer.resblocks.0.attn.in_proj_weight',
    );
  });

  it('says what the new file does not have: a hash of encoders that are not there, parts without a name', async () => {
    const weights = join(folder, 'whole.safetensors');
    await writeNetwork(weights);
    const options = ['-o', join(folder, 'o.safetensors'), '--preset', 'tiny-paper'];
    const network = await runCli(['import', weights, ...options, '--encoders', join(folder, 'typo.pt')]);
    expect(network.code).toBe(0);
    expect(network.stderr).toContain('the weights of the encoders were not found at typo.pt');

    await writeTinyEncoders(join(folder, 'daclip.safetensors'), 'daclip');
    const part = await runCli(['import', join(folder, 'daclip.safetensors'), ...options, '--naming', 'openclip']);
    expect(part.stderr).toContain('the naming openclip has no names for it: visual_control.');
    const written = [...(await readWeights(join(folder, 'o.safetensors'))).values()];
    const parameters = written.reduce((sum, { data }) => sum + data.length, 0);
    expect(part.stdout).toContain(`${written.length} tensors, ${parameters} parameters`);
  });

  it.each([
    ['not a number', Number.NaN, 'float32', 'expected finite values for tensor FIRST, received NaN'],
    ['beyond float16', 70_000, 'float16', 'tensor FIRST: expected values that float16 holds, received 70000'],
  ])('writes no model with a value that is %s', async (_, value, precision, message) => {
    const weights = join(folder, 'bad.safetensors');
    await writeNetwork(weights, undefined, value);
    const output = join(folder, 'never.safetensors');
    const options = ['-o', output, '--preset', 'tiny-paper', '--precision', precision];
    const { code, stderr } = await runCli(['import', weights, ...options]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message.replace('FIRST', layout.entries[0]?.name ?? ''));
    expect(existsSync(output)).toBe(false);
  });

  it('checks the name of the result before it looks for the weights', async () => {
    const { code, stderr } = await runCli(['import', join(folder, 'nowhere.pt'), '-o', join(folder, 'x.pt')]);
    expect(code).toBe(2);
    expect(stderr).toContain('expected a name that ends in .safetensors');
  });

  it('lists what a checkpoint lacks', async () => {
    const weights = join(folder, 'less.safetensors');
    await writeNetwork(weights, 'final_conv.bias');
    const { code, stderr } = await runCli([
      'import',
      weights,
      '-o',
      join(folder, 'x.safetensors'),
      '--preset',
      'tiny-paper',
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain('tensors missing final_conv.bias');
  });

  it('refuses what is no weights of these networks, and pickles that would run something', async () => {
    const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/pytorch/${name}.pt`, import.meta.url));
    const other = await runCli(['import', fixture('small'), '-o', join(folder, 'y.safetensors')]);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('expected weights of a restoration network, CLIP or DA-CLIP');
    const attack = await runCli(['import', fixture('attack-zip'), '-o', join(folder, 'y.safetensors')]);
    expect(attack.code).toBe(1);
    expect(attack.stderr).toContain('posix.system; it was not executed');
  });
});
