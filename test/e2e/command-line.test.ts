import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commands } from '../../src/cli/registry.ts';
import { allOptions, describeOptions } from '../../src/cli/schema-options.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import { VERSION } from '../../src/index.ts';
import { fakeModel } from '../support/fake-model.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { runCli } from '../support/run-cli.ts';

const folder = await temporaryFolder();
const photo = join(folder, 'photo.png');
await writeFile(photo, await encodeImage(patternPicture(30, 20), { format: 'png' }));

describe('help', () => {
  it('of the program lists every command', async () => {
    const { code, stdout } = await runCli(['--help']);
    expect(code).toBe(0);
    for (const { name, summary } of commands) expect(stdout).toMatch(new RegExp(`${name} +${summary.slice(0, 12)}`));
  });

  it('of a command lists every option, with its range and default', async () => {
    for (const entry of commands) {
      const { code, stdout } = await runCli([entry.name, '--help']);
      expect(code).toBe(0);
      for (const { flags } of describeOptions(allOptions(await entry.load()))) expect(stdout).toContain(flags);
      expect((await runCli(['help', entry.name])).stdout).toBe(stdout);
    }
    expect((await runCli(['restore', '--help'])).stdout).toMatch(/1\.\.64;\s+default 1/);
  });

  it('the version', async () => {
    expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n` });
  });
});

describe('wrong use ends with 2 and says what is wrong', () => {
  for (const [argv, message] of [
    [[], 'Usage: clearword'],
    [['polish'], "unknown command 'polish'"],
    [['restore'], "missing required argument 'inputs'"],
    [['restore', photo, '--promt', 'x'], "unknown option '--promt' (Did you mean --prompt?)"],
    [['restore', photo, '--steps'], "option '--steps <n>' argument missing"],
    [['restore', photo, '--steps', 'many'], 'expected a number for --steps, received "many"'],
    [['restore', photo, '--steps', '1.5'], 'expected an integer for --steps, received 1.5'],
    [['restore', photo, '--steps', '0'], 'expected at least 1 for --steps, received 0'],
    [['restore', photo, '--samples', '1e9'], 'expected at most 64 for --samples, received 1000000000'],
    [['restore', photo, '--sampler', 'magic'], 'expected one of euler-maruyama, ode, posterior'],
    [['restore', photo, '--device', 'tpu'], 'expected one of cpu, webgpu, cuda, auto for --device, received "tpu"'],
    [['restore', photo, '--max-megapixels', '0'], 'for --max-megapixels, received 0'],
    [['restore', photo, '--overwrite', '--skip-existing'], 'expected only one of --overwrite and --skip-existing'],
    [['restore', photo, '--overlap', '500', '--tile', '128'], 'for overlap, received 500'],
    [['inspect', photo, '--seed', '1'], "unknown option '--seed'"],
  ] as const) {
    it(`clearword ${argv.join(' ').replace(photo, 'photo.png')}`, async () => {
      const { code, stderr } = await runCli(argv);
      expect(stderr).toContain(message);
      expect(code).toBe(2);
    });
  }
});

describe('inspect', () => {
  it('prints the findings as text and as JSON', async () => {
    const text = await runCli(['inspect', photo]);
    expect(text.code).toBe(0);
    expect(text.stdout).toBe(
      `${photo}\n  noise  97 %   strength 0.40\n  rain    2 %   strength 0.01\n  haze    1 %   strength 0.00\n`,
    );
    const { json } = await runCli(['inspect', photo, '--json']);
    expect(json()).toEqual([
      {
        input: photo,
        degradations: {
          noise: { probability: 0.97, strength: 0.4, verdict: 'found' },
          rain: { probability: 0.02, strength: 0.01, verdict: 'absent' },
          haze: { probability: 0.01, strength: 0, verdict: 'absent' },
        },
      },
    ]);
  });

  it('reports what is missing or broken and goes on', async () => {
    const broken = join(folder, 'broken.jpg');
    await writeFile(broken, 'no picture');
    const { code, json, stderr } = await runCli(['inspect', join(folder, 'gone.png'), broken, photo, '--json']);
    expect(code).toBe(1);
    expect(json().map((line) => (line.error as { code: string } | undefined)?.code)).toEqual([
      'INPUT_NOT_FOUND',
      'NOT_AN_IMAGE',
      undefined,
    ]);
    expect(stderr).toContain('error NOT_AN_IMAGE');
  });
});

describe('doctor', () => {
  it('lists versions, devices and the model, as text and as JSON', async () => {
    const { code, stdout } = await runCli(['doctor']);
    expect(code).toBe(0);
    for (const part of [
      `clearword   ${VERSION}`,
      'onnxruntime',
      'threads',
      'cpu     works',
      'webgpu',
      'fake ffffffffffff  works',
    ]) {
      expect(stdout).toContain(part);
    }
    const [diagnosis] = (await runCli(['doctor', '--json'])).json();
    expect(diagnosis).toMatchObject({
      machine: { threads: expect.any(Number) },
      model: { usable: true, name: 'fake' },
    });
  });

  it('a model that gives no finite numbers fails, with what to do', async () => {
    const model = fakeModel({ predict: ({ mu }) => mu.map(() => Number.NaN) });
    const { code, stdout } = await runCli(['doctor'], { model });
    expect(code).toBe(1);
    expect(stdout).toMatch(/not usable: NON_FINITE: .+\n {2}fix: /);
  });
});

describe('fuzzed arguments', () => {
  const flags = [
    '--prompt',
    '--steps',
    '--seed',
    '--samples',
    '--tile',
    '--overlap',
    '--sampler',
    '--max-megapixels',
    '--strip',
    '--json',
    '-o',
    '--',
  ];
  // What is a path or a pattern by chance must not lead out of the empty folder that the test works in.
  const value = fc.oneof(
    fc.string({ maxLength: 12 }).filter((text) => !/^\/|^~|\.\./.test(text)),
    fc.integer().map(String),
    fc.double().map(String),
    fc.constantFrom('', 'NaN', '-1', '1e400', '0x10', 'ode'),
  );

  it('never end in another way than with the documented exit codes', async () => {
    const before = process.cwd();
    process.chdir(await temporaryFolder());
    onTestFinished(() => process.chdir(before));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.constantFrom(...flags), value), { maxLength: 6 }), async (argv) => {
        // The input is missing, so that what happens to be valid restores nothing.
        const { code, stderr } = await runCli(['restore', join(folder, 'missing.png'), ...argv]);
        expect([0, 1, 2]).toContain(code);
        if (code === 1) expect(stderr).toContain('error INPUT_NOT_FOUND');
        if (code === 2) expect(stderr).toMatch(/^error INVALID_OPTION: .+\nfix: .+\n$/);
        expect(stderr).not.toContain('INTERNAL');
      }),
      { numRuns: 300 },
    );
  });
});
