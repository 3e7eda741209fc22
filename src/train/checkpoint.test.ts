import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { temporaryFolders } from '../../test/support/pictures.ts';
import { storeFloat32, writeSafetensors } from '../models/safetensors.ts';
import { type Checkpoint, newestCheckpoint, readCheckpoint, saveCheckpoint } from './checkpoint.ts';

/** When set, files take this many bytes and then the disk is full. */
const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const open: typeof real.open = async (...options) => {
    const file = await real.open(...options);
    const write = file.writeFile.bind(file);
    file.writeFile = async (data, settings) => {
      if (disk.room === Number.POSITIVE_INFINITY) return write(data, settings);
      await write((data as Uint8Array).subarray(0, disk.room), settings);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    return file;
  };
  return { ...real, open };
});

const folder = await temporaryFolders();

function checkpoint(step: number, size = 5): Checkpoint {
  const vector = (phase: number) => Float32Array.from({ length: size }, (_, k) => Math.sin(k + phase + step));
  return {
    step,
    milliseconds: 1234.5678,
    config: { preset: 'tiny', note: 'name "quoted", ünïcode' },
    layout: 'a[2,2] b[1]',
    vectors: { parameters: vector(0.1), momentum: vector(0.2), variance: vector(0.3), average: vector(0.4) },
  };
}

const damaged = expect.objectContaining({ code: 'CHECKPOINT_INVALID' });

it('gives back what was saved, bit by bit', async () => {
  const path = await saveCheckpoint(await folder(), checkpoint(7), 2);
  expect(path).toMatch(/step-00000007\.safetensors$/);
  expect(await readCheckpoint(path)).toEqual(checkpoint(7));
});

it('keeps values that JSON would not: zeros with a sign, and what is not finite', async () => {
  const odd = {
    ...checkpoint(1, 3),
    vectors: { ...checkpoint(1, 3).vectors, momentum: Float32Array.of(-0, 1e-45, Number.NaN) },
  };
  const { vectors } = await readCheckpoint(await saveCheckpoint(await folder(), odd, 1));
  expect(vectors.momentum).toEqual(odd.vectors.momentum);
  expect(Object.is(vectors.momentum?.[0], -0)).toBe(true);
});

it.each([{}, { trace: Float32Array.of(1, 2, 3), ache: Float32Array.of(4, 5, 6) }])(
  'keeps whatever an optimiser keeps: %o',
  async (state) => {
    const { parameters, average } = checkpoint(1, 3).vectors;
    const other = { ...checkpoint(1, 3), vectors: { parameters, ...state, average } };
    expect(await readCheckpoint(await saveCheckpoint(await folder(), other, 1))).toEqual(other);
  },
);

it('reads a checkpoint from before there was a choice of optimisers, which does not say what was kept', async () => {
  const { vectors, config, layout, ...times } = checkpoint(7);
  const tensors = new Map(Object.entries(vectors).map(([name, data]) => [name, storeFloat32(data, [data.length])]));
  const sha256 = (...parts: (string | Uint8Array)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');
  const { step, milliseconds } = times;
  const described = [String(step), String(milliseconds), JSON.stringify(config), layout];
  const metadata = {
    format: 'clearword-checkpoint-1',
    step: String(step),
    milliseconds: String(milliseconds),
    config: JSON.stringify(config),
    layout,
    sha256: sha256(...[...tensors.values()].map(({ bytes }) => bytes)),
    description: sha256(JSON.stringify(described)),
  };
  const path = join(await folder(), 'old.safetensors');
  await writeFile(path, Buffer.concat(writeSafetensors({ tensors, metadata })));
  expect(await readCheckpoint(path)).toEqual(checkpoint(7));
});

describe('a folder', () => {
  it('keeps the newest, and other files', async () => {
    const path = await folder();
    await writeFile(join(path, 'log.jsonl'), '{}\n');
    for (const step of [2, 9, 10, 100]) await saveCheckpoint(path, checkpoint(step), 2);
    expect((await readdir(path)).sort()).toEqual([
      'log.jsonl',
      'step-00000010.safetensors',
      'step-00000100.safetensors',
    ]);
    expect(await newestCheckpoint(path)).toBe(join(path, 'step-00000100.safetensors'));
  });

  it('without checkpoints, or that does not exist, has no newest', async () => {
    expect(await newestCheckpoint(await folder())).toBeUndefined();
    expect(await newestCheckpoint(join(await folder(), 'nowhere'))).toBeUndefined();
  });

  it('that cannot be written gives a clear error', async () => {
    const file = join(await folder(), 'file');
    await writeFile(file, '');
    await expect(saveCheckpoint(file, checkpoint(1), 2)).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('a part of the path is not a folder'),
    });
  });

  it('on a disk that fills up loses nothing that was there', async () => {
    const path = await folder();
    for (const step of [1, 2]) await saveCheckpoint(path, checkpoint(step), 2);
    const before = await readdir(path);
    disk.room = 100;
    try {
      // The same step again, too: it must not be replaced by half a file.
      for (const step of [2, 3]) {
        await expect(saveCheckpoint(path, checkpoint(step), 2)).rejects.toMatchObject({
          code: 'OUTPUT_UNWRITABLE',
          message: expect.stringContaining('the disk is full'),
        });
      }
    } finally {
      disk.room = Number.POSITIVE_INFINITY;
    }
    expect(await readdir(path)).toEqual(before);
    expect(await readCheckpoint(join(path, 'step-00000002.safetensors'))).toEqual(checkpoint(2));
  });
});

describe('a file that is no whole checkpoint', () => {
  it('is missing', async () => {
    const path = join(await folder(), 'missing.safetensors');
    await expect(readCheckpoint(path)).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      message: expect.stringContaining(path),
    });
  });

  it('is cut short, at any length', async () => {
    const at = await folder();
    const bytes = await readFile(await saveCheckpoint(at, checkpoint(3), 2));
    const cut = join(at, 'cut');
    for (let length = 0; length < bytes.length; length += 7) {
      await writeFile(cut, bytes.subarray(0, length));
      await expect(readCheckpoint(cut), `${length} bytes`).rejects.toThrow(damaged);
    }
    await writeFile(cut, bytes.subarray(0, -1));
    await expect(readCheckpoint(cut)).rejects.toThrow(
      /expected 80 bytes of data .* received 79 \(the file is cut short\)/,
    );
  });

  it('has one bit turned: it is refused, or nothing in it has changed', async () => {
    const at = await folder();
    const bytes = await readFile(await saveCheckpoint(at, checkpoint(3), 2));
    const flipped = join(at, 'flipped');
    let refused = 0;
    for (let place = 0; place < bytes.length; place++) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] as number) ^ (1 << (place % 7));
      await writeFile(flipped, changed);
      const result = await readCheckpoint(flipped).catch((error: unknown) => error);
      if (!(result instanceof Error)) {
        expect(result, `byte ${place}`).toEqual(checkpoint(3));
        continue;
      }
      expect(result, `byte ${place}`).toMatchObject({ code: 'CHECKPOINT_INVALID' });
      refused++;
    }
    // What may change unnoticed is the name of the description's hash and the spaces that pad the header.
    expect(refused).toBeGreaterThan(bytes.length - 24);
  });

  it('says where the damage is', async () => {
    const at = await folder();
    const path = await saveCheckpoint(at, checkpoint(3), 2);
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    await writeFile(path, bytes);
    await expect(readCheckpoint(path)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: `checkpoint ${path}: expected data with the hash of its header, received other data (the file is damaged)`,
      fix: expect.stringContaining('the checkpoint before it'),
    });
  });

  const write = async (metadata: Record<string, string>, ...names: string[]) => {
    const path = join(await folder(), 'foreign.safetensors');
    const tensors = new Map(names.map((name) => [name, storeFloat32(Float32Array.of(1), [1])]));
    await writeFile(path, Buffer.concat(writeSafetensors({ tensors, metadata })));
    return path;
  };

  it('is another safetensors file, or one of a later format', async () => {
    await expect(readCheckpoint(await write({}, 'conv.weight'))).rejects.toThrow(
      /expected a Clearword checkpoint, received another safetensors file/,
    );
    await expect(readCheckpoint(await write({ format: 'clearword-checkpoint-2' }))).rejects.toThrow(
      /expected a Clearword checkpoint, received clearword-checkpoint-2/,
    );
  });

  it('lacks a vector', async () => {
    const path = await write({ format: 'clearword-checkpoint-1' }, 'parameters', 'momentum', 'average');
    await expect(readCheckpoint(path)).rejects.toThrow(/expected the vector variance, received none/);
  });
});
