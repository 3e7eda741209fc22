import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { readImage } from '../../src/image/image-file.ts';
import { readXmpProperties } from '../../src/image/xmp.ts';
import { fakeModel } from '../support/fake-model.ts';
import { largestDifference, patternPicture, temporaryFolder } from '../support/pictures.ts';
import { runCli } from '../support/run-cli.ts';

const root = await temporaryFolder();
const picture = patternPicture(60, 40);
const png = await encodeImage(picture, { format: 'png' });
const jpeg = await encodeImage(picture, { format: 'jpeg' });
let folder = '';
let count = 0;

beforeEach(async () => {
  folder = join(root, String(count++));
  await mkdir(folder);
});

const path = (...names: string[]) => join(folder, ...names);
async function put(name: string, data: string | Uint8Array = png): Promise<string> {
  await mkdir(join(path(name), '..'), { recursive: true });
  await writeFile(path(name), data);
  return path(name);
}
const names = async (...below: string[]) => (await readdir(path(...below))).sort();

describe('where results go', () => {
  it('beside the input, in its format', async () => {
    const { code, stdout, stderr } = await runCli(['restore', await put('photo.JPG', jpeg)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`${path('photo.JPG')} -> ${path('photo.restored.JPG')}`);
    expect(stdout).toContain('removed: noise 22');
    expect((await sharp(path('photo.restored.JPG')).metadata()).format).toBe('jpeg');
  });

  it('says of what it removes how strong it is, and of what it did not find that it did not', async () => {
    const { stdout } = await runCli(['restore', await put('photo.png'), '--prompt', 'remove the noise and the rain']);
    expect(stdout).toContain('removed: noise 22, rain (asked for, not found)\n');
  });

  it('into the file that -o names, in the format that it asks for', async () => {
    const { code } = await runCli(['restore', await put('photo.png'), '-o', path('new', 'clear.tif')]);
    expect(code).toBe(0);
    const { picture: restored, source } = await readImage(path('new', 'clear.tif'));
    expect(source.format).toBe('tiff');
    expect(largestDifference(restored.data, picture.data)).toBe(0);
  });

  it('into a folder, with the folders below the one that was given', async () => {
    await put('in/b.png');
    await put('in/deep/a.jpg', jpeg);
    await put('in/notes.txt', 'no picture');
    const { code, stderr } = await runCli(['restore', path('in'), '--output', path('out')]);
    expect(code).toBe(0);
    expect(stderr).toBe('note: 1 other file left out: .txt\n2 restored, 0 unchanged, 0 skipped, 0 failed\n');
    expect(await names('out')).toEqual(['b.png', 'deep']);
    expect(await names('out', 'deep')).toEqual(['a.jpg']);
  });

  it('of patterns, files and folders in any mixture, each once', async () => {
    const [a, b] = [await put('x/a10.png'), await put('x/a2.png')];
    await put('x/y/c.png');
    const { code, json } = await runCli(['restore', b, path('x', '*.png'), path('x', '**', 'c.png'), a, '--json']);
    expect(code).toBe(0);
    expect(json().map(({ input }) => input)).toEqual([b, a, path('x', 'y', 'c.png')]);
  });

  it('never onto an input, even when -o is its own folder', async () => {
    await put('a.png');
    expect((await runCli(['restore', path('a.png'), '-o', folder])).code).toBe(0);
    expect(await names()).toEqual(['a.png', 'a.restored.png']);
    expect(await readFile(path('a.png'))).toEqual(png);
  });

  it('wrong use: several inputs for one file, two inputs for one result, no format', async () => {
    const inputs = [await put('x/a.png'), await put('y/a.png')];
    for (const [output, message] of [
      [path('one.png'), 'expected a folder for --output'],
      [path('out/'), 'would both be written to'],
      [path('result.gif'), 'expected a folder, or a name that ends in'],
    ] as const) {
      const { code, stderr, loads } = await runCli(['restore', ...inputs, '-o', output]);
      expect(code).toBe(2);
      expect(stderr).toContain(message);
      expect(loads).toEqual([]);
    }
  });
});

describe('what exists already', () => {
  it('is kept unless --overwrite', async () => {
    const input = await put('photo.png');
    await put('photo.restored.png', 'precious');
    const kept = await runCli(['restore', input]);
    expect(kept.code).toBe(1);
    expect(kept.stderr).toContain('error OUTPUT_EXISTS');
    expect(await readFile(path('photo.restored.png'), 'utf8')).toBe('precious');
    expect((await runCli(['restore', input, '--overwrite'])).code).toBe(0);
    expect((await readImage(path('photo.restored.png'))).picture.width).toBe(60);
  });

  it('is left out with --skip-existing: a second run does only what is missing', async () => {
    for (const name of ['a.png', 'b.png', 'c.png']) await put(`in/${name}`);
    const command = ['restore', path('in'), '--skip-existing', '--json'];
    expect((await runCli(command)).json().map(({ status }) => status)).toEqual(['restored', 'restored', 'restored']);
    const before = (await stat(path('in', 'a.restored.png'))).mtimeMs;
    await put('in/d.png');
    const second = await runCli(command);
    expect(second.json().map(({ status }) => status)).toEqual(['skipped', 'skipped', 'skipped', 'restored']);
    expect((await stat(path('in', 'a.restored.png'))).mtimeMs).toBe(before);
    const third = await runCli(command);
    expect(third.code).toBe(0);
    expect(third.loads).toEqual([]);
  });

  it('results in a folder below the input folder are no inputs', async () => {
    await put('a.png');
    for (const overwrite of [[], ['--overwrite']]) {
      const { json } = await runCli(['restore', folder, '-o', path('out'), '--json', ...overwrite]);
      expect(json().map(({ input }) => input)).toEqual([path('a.png')]);
    }
  });
});

describe('what can go wrong', () => {
  it('a bad file is reported and the rest goes on', async () => {
    await put('in/a.png');
    await put('in/b.png', png.subarray(0, 300));
    await put('in/c.jpg', 'no picture at all');
    await put('in/d.png');
    const { code, stdout, stderr, json } = await runCli(['restore', path('in'), path('gone.png'), '--json']);
    expect(code).toBe(1);
    expect(json().map(({ status, error }) => [status, (error as { code?: string } | undefined)?.code])).toEqual([
      ['failed', 'INPUT_NOT_FOUND'],
      ['restored', undefined],
      ['failed', 'IMAGE_DAMAGED'],
      ['failed', 'NOT_AN_IMAGE'],
      ['restored', undefined],
    ]);
    expect(stderr).toContain(`error IMAGE_DAMAGED: expected a complete picture for ${path('in', 'b.png')}`);
    expect(stderr).toMatch(/\nfix: /);
    expect(stderr).toContain('2 restored, 0 unchanged, 0 skipped, 3 failed');
    expect(stdout).not.toContain('stack');
    expect(await names('in')).toEqual(['a.png', 'a.restored.png', 'b.png', 'c.jpg', 'd.png', 'd.restored.png']);
  });

  it('steps that the model does not have: wrong use, before the first picture', async () => {
    const { code, stderr } = await runCli(['restore', await put('a.png'), '--steps', '500']);
    expect(code).toBe(2);
    expect(stderr).toContain('expected an integer in 1..100 for steps, received 500');
  });

  it('a target that cannot be written, and a result that is too large for its format', async () => {
    await put('file', '');
    const input = await put('a.png');
    expect((await runCli(['restore', input, '-o', path('file', 'x.png')])).stderr).toContain('error OUTPUT_UNWRITABLE');
    const wide = await put('wide.png', await encodeImage(patternPicture(17000, 1), { format: 'png' }));
    const model = fakeModel();
    const { code, stderr } = await runCli(['restore', wide, '-o', path('wide.webp')], { model });
    expect(code).toBe(1);
    expect(stderr).toContain('expected sides of at most 16383 pixels');
    expect(model.calls).toEqual([]);
  });

  it('--debug adds the stack', async () => {
    const plain = await runCli(['restore', path('gone.png')]);
    const debug = await runCli(['restore', path('gone.png'), '--debug']);
    expect(plain.stderr).not.toContain('    at ');
    expect(debug.stderr).toContain('    at ');
  });
});

describe('options', () => {
  it('reach the model and the record', async () => {
    const input = await put('a.png');
    const options = [
      '--prompt',
      'remove the haze',
      '--steps',
      '3',
      '--sampler',
      'posterior',
      '--seed',
      '42',
      '--tile',
      '64',
    ];
    const { code, json, loads } = await runCli([
      'restore',
      input,
      ...options,
      '--device',
      'cpu',
      '--model',
      'm.safetensors',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(loads).toMatchObject([{ device: 'cpu', model: 'm.safetensors' }]);
    const [report] = json();
    expect(report).toMatchObject({
      status: 'restored',
      width: 60,
      height: 40,
      findings: { degradations: { noise: { probability: 0.97, strength: 0.4 } } },
      prompt: { understood: true, remove: ['haze'], keep: ['noise', 'rain'] },
      decision: { removing: ['haze'], perhaps: [] },
      provenance: { prompt: 'remove the haze', steps: 3, sampler: 'posterior', seed: 42, tile: '64x48', model: 'fake' },
    });
    const { source } = await readImage(path('a.restored.png'));
    expect(readXmpProperties(source.metadata.xmp ?? '')).toMatchObject({
      prompt: 'remove the haze',
      seed: '42',
      modelHash: 'f'.repeat(64),
    });
  });

  it('--samples, --compare and --save-states write companions, the result last', async () => {
    const model = fakeModel({ radius: 0, stateShare: 0.5 });
    const { json } = await runCli(
      ['restore', await put('a.jpg', jpeg), '--samples', '2', '--compare', '--save-states', '--json'],
      { model },
    );
    expect(await names()).toEqual([
      'a.jpg',
      'a.restored.compare.jpg',
      'a.restored.jpg',
      'a.restored.sample-1.jpg',
      'a.restored.sample-2.jpg',
      'a.restored.states.png',
      'a.restored.uncertainty.png',
    ]);
    expect(json()[0]?.companions).toMatchObject({
      samples: [path('a.restored.sample-1.jpg'), path('a.restored.sample-2.jpg')],
      uncertainty: { path: path('a.restored.uncertainty.png'), scale: expect.any(Number) },
      states: { times: [100, 0] },
    });
    // None of them is taken for a picture to be restored.
    const again = await runCli(['restore', folder, '--skip-existing', '--json'], { model });
    expect(again.json().map(({ input, status }) => [input, status])).toEqual([[path('a.jpg'), 'skipped']]);
  });

  it('--strip leaves no metadata', async () => {
    await runCli(['restore', await put('a.png'), '--strip']);
    const { exif, icc, xmp } = await sharp(path('a.restored.png')).metadata();
    expect([exif, icc, xmp]).toEqual([undefined, undefined, undefined]);
  });

  it('a terminal gets a progress bar with the time left, a pipe none', async () => {
    const input = await put('a.png');
    expect((await runCli(['restore', input])).stderr).toBe('');
    expect((await runCli(['restore', input, '--overwrite'], { tty: true })).stderr).toContain('left');
  });
});

describe('Ctrl-C', () => {
  it('stops between tiles, leaves no partial file and keeps finished ones', async () => {
    const controller = new AbortController();
    const model = fakeModel({
      predict: ({ mu }) => mu,
      onPredict: () => {
        if (model.calls.length === 2) controller.abort();
      },
    });
    for (const name of ['a.png', 'b.png', 'c.png']) await put(name);
    const { code, stderr } = await runCli(['restore', folder], { model, signal: controller.signal });
    expect(code).toBe(130);
    expect(stderr).toContain('error CANCELLED');
    expect(stderr).toContain('stopped: 1 of 3 restored');
    expect(await names()).toEqual(['a.png', 'a.restored.png', 'b.png', 'c.png']);
    expect(model.disposed).toBe(true);
  });

  it.skipIf(process.platform === 'win32')('as a signal to the program', async () => {
    await put('large.png', await encodeImage(patternPicture(1000, 800), { format: 'png' }));
    await cp(path('large.png'), path('second.png'));
    const program = new URL('../support/slow-cli.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--import', 'tsx', program, 'restore', folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let tiles = 0;
    child.stderr.on('data', (data: Buffer) => {
      tiles += data.toString().split('tile').length - 1;
      if (tiles >= 3 && !child.killed) child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(code).toBe(130);
    expect(tiles).toBeLessThan(20);
    expect(await names()).toEqual(['large.png', 'second.png']);
  });
});

it('a model that the options turn out not to fit is disposed of', async () => {
  const model = fakeModel();
  const { code, stderr } = await runCli(['restore', await put('a.png'), '--steps', '101'], { model });
  expect({ code, written: await names() }).toEqual({ code: 2, written: ['a.png'] });
  expect(stderr).toContain('expected an integer in 1..100 for steps, received 101');
  expect(model.disposed).toBe(true);
});
