/**
 * The package as users get it: packed, installed in an empty folder, and used from there.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { readRaster } from '../../src/data/picture-store.ts';
import { psnr } from '../../src/metrics/psnr.ts';
import { readModel } from '../../src/models/model-file.ts';
import { VERSION } from '../../src/version.ts';
import { launchChromium, MISSING } from '../support/chromium.ts';
import { temporaryFolder } from '../support/pictures.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Of which the model may be 16 MB, and the runtime of the page is 6. */
const MOST_BYTES = 24e6;
/** Packing builds, installing unpacks 300 MB of runtime: slow disks need more than the usual limit. */
const SLOW = 600_000;

const execute = promisify(execFile);
const empty = await temporaryFolder();

/** CUDA's libraries would be downloaded on some machines; an option of the project does not reach other folders. */
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  // npm is a script on Windows, which only a shell can start.
  const { stdout } = await execute(command, args, {
    cwd,
    env,
    shell: process.platform === 'win32',
    maxBuffer: 2 ** 26,
  });
  return stdout;
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

let packed: Packed;

beforeAll(async () => {
  // What was built before is what others are tested with at this moment.
  if (process.env.CLEARWORD_PROGRAM === undefined) await run('npm', ['run', 'build'], REPOSITORY);
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', empty];
  const [first] = JSON.parse(await run('npm', pack, REPOSITORY)) as Packed[];
  if (first === undefined) throw new Error('npm pack reported nothing');
  packed = first;
  await writeFile(join(empty, 'package.json'), '{ "private": true, "type": "module" }');
  const install = ['install', `./${packed.filename}`, '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', install, empty);
  for (const name of ['photo.jpg', 'original.jpg'])
    await copyFile(join(REPOSITORY, 'examples', name), join(empty, name));
}, SLOW);

/** The sample photo restored has to be closer to the original than the spoiled one is. */
async function expectRestored(name: string): Promise<void> {
  const [spoiled, original, restored] = await Promise.all(
    ['photo.jpg', 'original.jpg', name].map((file) => readRaster(join(empty, file))),
  );
  if (!spoiled || !original || !restored) throw new Error('expected three pictures');
  expect(psnr(restored, original)).toBeGreaterThan(psnr(spoiled, original) + 2);
}

it('is no larger than the model and the runtime explain', () => {
  expect(packed.size).toBeLessThanOrEqual(MOST_BYTES);
});

it('has the program, its types, the model and the papers that belong to them', () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      'dist/cli/main.js',
      'dist/index.js',
      'dist/index.d.ts',
      // Started by their paths, so that no import shows that they are missing.
      'dist/data/loader-worker.js',
      'dist/runtime/session-worker.js',
      'weights/lite.safetensors',
      'weights/lite.json',
      // Read when they are asked for by name.
      'weights/metrics/niqe.json',
      'configs/experiments/steps.json',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'docs/errors.md',
      'docs/model-card.md',
      'package.json',
    ]),
  );
});

it('has nothing else', () => {
  const known = [
    /^dist\/.+\.(js|d\.ts)$/,
    // The model, and what other models and metrics need at hand, each in a folder with its licence or origin.
    /^weights\/lite\.(safetensors|json)$/,
    /^weights\/[\w-]+\/[\w.-]+$/,
    /^configs\/([\w-]+\/)?[\w-]+\.json$/,
    // The other side of `"engine": "pytorch"`.
    /^python\/clearword_torch\/\w+\.py$/,
    // Captions that an experiment needs.
    /^configs\/experiments\/captions-degraded\.tsv$/,
    /^docs\/[\w-]+\.md$/,
    // The page that `clearword serve` shows.
    /^web\/dist\/(assets\/)?[\w.-]+\.(html|js|css|svg|jpg|webp|png|webmanifest|wasm\.br)$/,
    /^[A-Z]+(\.md)?$/,
    /^package\.json$/,
  ];
  const paths = packed.files.map(({ path }) => path);
  expect(paths.filter((path) => !known.some((pattern) => pattern.test(path)))).toEqual([]);
  expect(paths.filter((path) => /\.(test|cases)\./.test(path))).toEqual([]);
});

it(
  'restores a photo from the command line',
  async () => {
    const program = join(empty, 'node_modules', '.bin', 'clearword');
    expect(await run(program, ['--version'], empty)).toBe(`${VERSION}\n`);
    const printed = await run(program, ['restore', 'photo.jpg', '-o', 'from-command-line.png', '--json'], empty);
    expect(JSON.parse(printed)).toMatchObject({ status: 'restored', width: 510, height: 340 });
    await expectRestored('from-command-line.png');
  },
  SLOW,
);

it(
  'restores a photo from a ten-line script',
  async () => {
    const script = `import { readFile, writeFile } from 'node:fs/promises';
import { Clearword } from 'clearword';

const clearword = await Clearword.load();
const photo = await readFile('photo.jpg');
const { degradations } = await clearword.inspect(photo);
const result = await clearword.restore(photo, { prompt: 'remove the rain and the noise' });
await writeFile('from-script.png', await result.toBuffer({ format: 'png' }));
await clearword.dispose();
console.log(JSON.stringify({ width: result.width, found: Object.keys(degradations) }));
`;
    expect(script.trim().split('\n')).toHaveLength(10);
    await writeFile(join(empty, 'script.js'), script);
    const printed = await run(process.execPath, ['script.js'], empty);
    const { card } = await readModel(join(REPOSITORY, 'weights', 'lite.safetensors'));
    expect(JSON.parse(printed)).toEqual({ width: 510, found: card.preset.degradations });
    await expectRestored('from-script.png');
  },
  SLOW,
);

/** The packages that the service asks for, from the repository instead of a registry. */
async function installService(): Promise<void> {
  const { peerDependencies } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')) as {
    peerDependencies: Record<string, string>;
  };
  for (const name of Object.keys(peerDependencies)) {
    const link = join(empty, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(REPOSITORY, 'node_modules', name), link, 'junction').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Starts the installed `clearword serve`, and ends it after `use`. */
async function withServer(use: (url: string) => Promise<void>): Promise<void> {
  await installService();
  const main = join(empty, 'node_modules', 'clearword', 'dist', 'cli', 'main.js');
  const child = spawn(process.execPath, [main, 'serve', '--port', '0'], {
    cwd: empty,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`clearword serve ended with ${code}`)));
      createInterface({ input: child.stdout }).on('line', (text) => {
        const { msg, url: listening } = JSON.parse(text) as { msg: string; url?: string };
        if (msg === 'listening' && listening !== undefined) resolve(listening);
      });
    });
    await use(url);
  } finally {
    child.removeAllListeners('exit');
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

it(
  'serves the page with the model that it loads',
  () =>
    withServer(async (url) => {
      const html = await (await fetch(url)).text();
      const script = /src="\.\/(assets\/[\w.-]+\.js)"/.exec(html)?.[1] ?? '';
      expect((await fetch(`${url}/${script}`)).status).toBe(200);
      const card = (await (await fetch(`${url}/weights/lite.json`)).json()) as { sha256: string };
      const weights = Buffer.from(await (await fetch(`${url}/weights/lite.safetensors`)).arrayBuffer());
      expect(createHash('sha256').update(weights).digest('hex')).toBe(card.sha256);
    }),
  SLOW,
);

it.skipIf(MISSING !== '')(
  `restores in the browser from what it serves${MISSING}`,
  () =>
    withServer(async (url) => {
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        page.setDefaultTimeout(SLOW / 2);
        const sent: string[] = [];
        page.on('request', (request) => {
          if (request.method() !== 'GET') sent.push(request.url());
        });
        await page.goto(url);
        await page.getByRole('button', { name: /Rain and noise/ }).click();
        await page.getByText('Looking for').waitFor({ state: 'detached' });
        await page.getByRole('button', { name: /^Restore/ }).click();
        await page.getByRole('slider', { name: 'Line between before and after' }).waitFor();
        const downloading = page.waitForEvent('download');
        await page.getByRole('button', { name: 'Download' }).click();
        await (await downloading).saveAs(join(empty, 'from-browser.jpg'));
        // In the browser: the server was there, and was not used.
        expect(sent).toEqual([]);
        await expectRestored('from-browser.jpg');
      } finally {
        await browser.close();
      }
    }),
  SLOW,
);

it(
  'tells TypeScript its types',
  async () => {
    const right = "const { findings } = await (await Clearword.load()).restore('photo.jpg', { steps: 1 });";
    const wrong = "await (await Clearword.load()).restore('photo.jpg', { step: 1 });";
    const compiler = join(REPOSITORY, 'node_modules', '.bin', 'tsc');
    const types = ['--typeRoots', join(REPOSITORY, 'node_modules', '@types'), '--types', 'node'];
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', ...types];
    const compile = async (body: string): Promise<string> => {
      await writeFile(join(empty, 'use.ts'), `import { Clearword } from 'clearword';\n${body}\nexport {};\n`);
      return run(compiler, [...options, 'use.ts'], empty);
    };
    await compile(right);
    await expect(compile(wrong)).rejects.toMatchObject({ stdout: expect.stringContaining("'step' does not exist") });
  },
  SLOW,
);
