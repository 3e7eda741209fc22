import { mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { claimOutput } from '../../src/cli/claims.ts';
import { joined, latin1 } from '../../src/image/file-parts.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import { readImage } from '../../src/image/image-file.ts';
import { fakeModel } from '../support/fake-model.ts';
import { largestDifference, patternPicture, temporaryFolders } from '../support/pictures.ts';
import { runCli } from '../support/run-cli.ts';

const newFolder = await temporaryFolders();
const picture = patternPicture(60, 40);
const png = await encodeImage(picture, { format: 'png' });
const jpeg = await encodeImage(picture, { format: 'jpeg' });
let folder = '';

beforeEach(async () => {
  folder = await newFolder();
});

const path = (...names: string[]) => join(folder, ...names);
async function put(name: string, data: string | Uint8Array = png): Promise<string> {
  await writeFile(path(name), data);
  return path(name);
}

describe('--format, --quality and --lossless', () => {
  it('choose the format of results beside photos and in folders', async () => {
    await put('a.png');
    await put('b.jpg', jpeg);
    expect((await runCli(['restore', folder, '-o', path('out'), '--format', 'webp', '--lossless'])).code).toBe(0);
    expect((await readdir(path('out'))).sort()).toEqual(['a.webp', 'b.webp']);
    const { picture: back, source } = await readImage(path('out', 'a.webp'));
    expect(source.format).toBe('webp');
    expect(largestDifference(back.data, picture.data)).toBe(0);
    const sizes: number[] = [];
    for (const quality of ['95', '10']) {
      const argv = ['restore', path('a.png'), '--format', 'jpeg', '--quality', quality, '--overwrite'];
      expect((await runCli(argv)).code).toBe(0);
      const file = await readFile(path('a.restored.jpg'));
      expect((await sharp(file).metadata()).format).toBe('jpeg');
      sizes.push(file.length);
    }
    expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) - 300);
  });

  it('are refused where they mean nothing', async () => {
    const input = await put('a.png');
    for (const [options, message] of [
      [['-o', path('a.jpg'), '--format', 'png'], 'expected a name that ends in .png for --output with --format png'],
      [['--format', 'gif'], 'expected one of jpeg, png, webp, tiff, avif for --format, received "gif"'],
      [['--quality', '101'], 'expected at most 100 for --quality, received 101'],
      [['--format', 'jpeg', '--lossless'], 'for a lossless result, received jpeg'],
    ] as const) {
      const { stderr, code } = await runCli(['restore', input, ...options]);
      expect(stderr).toContain(message);
      expect(code, message).toBe(2);
    }
  });

  it('--threads reaches the model, of inspect too', async () => {
    const input = await put('a.png');
    for (const command of ['restore', 'inspect']) {
      expect((await runCli([command, input, '--threads', '3'])).loads).toMatchObject([{ threads: 3 }]);
    }
  });
});

describe('standard input and output', () => {
  it('take a picture and give one, and nothing else', async () => {
    const { code, bytes, stdout, stderr } = await runCli(['restore', '-'], { stdin: jpeg });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('- -> -');
    expect((await readImage(bytes)).source).toMatchObject({ format: 'jpeg', width: 60, height: 40 });
    const webp = await runCli(['restore', await put('a.png'), '-o', '-', '--format', 'webp']);
    expect((await readImage(webp.bytes)).source.format).toBe('webp');
    expect((await runCli(['restore', '-', '-o', path('new.tif')], { stdin: png })).code).toBe(0);
    expect((await readImage(path('new.tif'))).picture.data).toEqual(picture.data);
    expect((await runCli(['inspect', '-'], { stdin: png })).stdout).toMatch(/^-\n {2}noise/);
  });

  it('say what is wrong', async () => {
    expect((await runCli(['restore', '-'])).stderr).toContain('expected a picture on standard input, received nothing');
    for (const option of [['--json'], ['--samples', '2'], ['--compare'], ['--save-states']]) {
      const { code, stderr } = await runCli(['restore', '-', ...option], { stdin: png });
      expect(stderr).toContain(`expected a file for --output with ${option[0]}, received -`);
      expect(code).toBe(2);
    }
  });
});

describe('errors', () => {
  it('with --json are objects of one form, for wrong use too', async () => {
    const form = { code: expect.any(String), message: expect.any(String), fix: expect.any(String) };
    for (const argv of [
      ['restore', '--json'],
      ['restore', path('gone.png'), '--json'],
      ['restore', await put('a.png'), '--steps', 'x', '--json'],
      ['inspect', path('gone.png'), '--json'],
      ['polish', '--json'],
    ]) {
      const { json, code } = await runCli(argv);
      expect(json(), argv.join(' ')).toMatchObject([{ error: form }]);
      expect(code).not.toBe(0);
    }
  });

  it('say what was likely meant', async () => {
    const input = await put('photo.png');
    for (const [argv, fix] of [
      [[input], `Did you mean \`clearword restore ${input}\`?`],
      [['photo.jpg', '--seed', '1'], 'Did you mean `clearword restore photo.jpg --seed 1`?'],
      [['restore', '-dash.jpg'], 'Write ./-dash.jpg for a file whose name begins with a dash.'],
      [
        ['restore', input, path('clear.png')],
        `Results are named with -o: clearword restore ${input} -o ${path('clear.png')}`,
      ],
    ] as const) {
      const { stderr, code } = await runCli(argv);
      expect(stderr).toContain(`fix: ${fix}\n`);
      expect(code).toBe(2);
    }
    expect((await runCli(['restore', input, await put('second.png')])).code).toBe(0);
  });

  it('show control characters in names as escapes', async () => {
    const input = await put('a\u001b[31m\nb.png');
    const { stdout, stderr } = await runCli(['restore', input]);
    expect(stdout).toContain('a\\u001b[31m\\nb.png -> ');
    expect(stderr).toBe('');
    expect((await runCli(['restore', input])).stderr).toContain('a\\u001b[31m\\nb.restored.png');
    expect((await runCli(['inspect', input])).stdout).toContain('a\\u001b[31m\\nb.png\n');
  });

  it('about forty results that exist take one line, and one object each', async () => {
    for (let i = 0; i < 40; i++) await put(`${i}.png`);
    const argv = ['restore', folder, '-o', path('out')];
    expect((await runCli(argv)).code).toBe(0);
    await put('new.png');
    const { code, stderr, json } = await runCli([...argv, '--json']);
    expect(code).toBe(1);
    expect(stderr.split('\n').filter((line) => line.startsWith('error'))).toEqual([
      `error OUTPUT_EXISTS: expected new names for the results, but 40 of 41 exist, ${path('out', '0.png')} the first`,
    ]);
    expect(json().filter(({ status }) => status === 'failed')).toHaveLength(40);
    expect(stderr).toContain('1 restored, 0 unchanged, 0 skipped, 40 failed');
  });
});

describe('what is said of files', () => {
  it('folders: what was left out', async () => {
    for (const name of ['a.png', 'b.gif', 'c.GIF', 'd.bmp', 'e', '.hidden']) await put(name);
    for (const command of ['restore', 'inspect']) {
      expect((await runCli([command, folder])).stderr).toContain(
        'note: 4 other files left out: .bmp, .gif, without extension\n',
      );
    }
  });

  it('a JPEG that ends early, and metadata that the format cannot hold', async () => {
    const early = await put('early.jpg', jpeg.subarray(0, -2));
    const { code, stderr, json } = await runCli(['restore', early, '--json']);
    expect(code).toBe(0);
    expect(stderr).toContain(`warning: ${early}: the file ends early`);
    expect(json()).toMatchObject([{ status: 'restored', warnings: [expect.stringContaining('the file ends early')] }]);
    for (const command of ['restore', 'inspect']) {
      expect(
        (await runCli([command, early, '--strict', '-o', path('x.png')].slice(0, command === 'inspect' ? 3 : 5)))
          .stderr,
      ).toContain('error IMAGE_DAMAGED');
    }
    const comment = joined([Uint8Array.of(0xff, 0xfe, 0, 9), latin1('comment')]);
    const said = await put('said.jpg', joined([jpeg.subarray(0, 20), comment, jpeg.subarray(20)]));
    const result = await runCli(['restore', said, '-o', path('said.png')]);
    expect(result.stderr).toContain(`warning: ${said}: a png file cannot hold comments of the input`);
    expect((await runCli(['restore', said, '-o', path('same.jpg')])).stderr).toBe('');
  });

  it.skipIf(process.platform === 'win32')('a link as the output is followed', async () => {
    const input = await put('a.png');
    await mkdir(path('elsewhere'));
    await symlink(join('elsewhere', 'real.png'), path('link.png'));
    expect((await runCli(['restore', input, '-o', path('link.png')])).code).toBe(0);
    expect((await runCli(['restore', input, '-o', path('link.png')])).stderr).toContain('OUTPUT_EXISTS');
    expect((await runCli(['restore', input, '-o', path('link.png'), '--overwrite'])).code).toBe(0);
    expect(await readlink(path('link.png'))).toBe(join('elsewhere', 'real.png'));
    expect((await readImage(path('elsewhere', 'real.png'))).picture.data).toEqual(picture.data);
    expect(await readdir(path('elsewhere'))).toEqual(['real.png']);
  });
});

describe('two runs into one folder with --skip-existing', () => {
  it('share the work: every picture is restored once', async () => {
    for (let i = 0; i < 6; i++) await put(`${i}.png`);
    const argv = ['restore', folder, '-o', path('out'), '--skip-existing'];
    const slow = () =>
      fakeModel({
        predict: ({ mu }) => mu,
        onPredict: () => new Promise((resolve) => setTimeout(resolve, 30)),
      });
    const models = [slow(), slow()];
    const runs = await Promise.all(models.map((model) => runCli(argv, { model })));
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(models.map(({ inspected }) => inspected.length).reduce((a, b) => a + b)).toBe(6);
    expect(Math.min(...models.map(({ inspected }) => inspected.length))).toBeGreaterThan(0);
    expect((await readdir(path('out'))).sort()).toEqual(['0.png', '1.png', '2.png', '3.png', '4.png', '5.png']);
  });

  it('what a run that ended without a result had begun is begun again', async () => {
    await put('a.png');
    const output = path('out', 'a.png');
    const claim = await claimOutput(output);
    expect(await claimOutput(output)).toBeUndefined();
    const [name = ''] = await readdir(path('out'));
    // A process that cannot be alive.
    await writeFile(path('out', name), JSON.stringify({ pid: 2 ** 30, host: hostname() }));
    expect((await runCli(['restore', path('a.png'), '-o', path('out'), '--skip-existing'])).code).toBe(0);
    expect(await readdir(path('out'))).toEqual(['a.png']);
    await claim?.release();
  });
});
