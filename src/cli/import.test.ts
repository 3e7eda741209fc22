import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
async function writeNetwork(path: string, leaveOut?: string): Promise<void> {
  const tensors = layout.entries
    .filter(({ name }) => name !== leaveOut)
    .map(({ name, shape, size }, p) => {
      const data = Float32Array.from({ length: size }, (_, k) => Math.sin(k + p));
      return [`module.${name}`, storeFloat32(data, shape)] as const;
    });
  await writeFile(path, Buffer.concat(writeSafetensors({ tensors: new Map(tensors), metadata: {} })));
}

describe('clearword import', () => {
  it('makes a model of a checkpoint of the network', async () => {
    const [weights, output] = [join(folder, 'net.safetensors'), join(folder, 'model.safetensors')];
    await writeNetwork(weights);
    const args = [
      'import',
      weights,
      '-o',
      output,
      '--preset',
      'tiny-paper',
      '--encoders',
      'enc.safetensors',
      '--licence',
      'MIT',
    ];
    const { code, stdout } = await runCli(args);
    expect(stdout).toContain(`a model, ${layout.entries.length} tensors, ${layout.size} parameters`);
    expect(code).toBe(0);
    const { card, weights: read } = await readModel(output);
    expect(card).toMatchObject({ name: 'tiny-paper', licence: 'MIT', encoders: { source: 'enc.safetensors' } });
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
