/**
 * A model on this machine: the real package with a real model, small enough to be written by the test.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, truncate } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp, { type Sharp } from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { PROGRAM } from '../../test/support/program.ts';
import { runCli } from '../../test/support/run-cli.ts';
import { writeTinyCaptioner } from '../../test/support/tiny-captioner.ts';
import { writeTinyModel } from '../../test/support/tiny-model.ts';
import { DEFAULT_PROMPT } from './captioner.ts';
import { LocalCaptioner, type LocalOptions } from './local.ts';
import { openCaptioner } from './open.ts';

const root = await temporaryFolder();
const model = join(root, 'models', 'tiny');
const photos = join(root, 'photos');

/** Grey from `low` at the left to 40 more at the right. */
function photo(low: number): Sharp {
  const [width, height] = [48, 32];
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => low + (40 * (Math.floor(i / 3) % width)) / width,
  );
  return sharp(data, { raw: { width, height, channels: 3 } });
}
const pictures = { dark: 20, bright: 190 } as const;
const imageOf = async (name: keyof typeof pictures) => ({ jpeg: await photo(pictures[name]).jpeg().toBuffer() });

beforeAll(async () => {
  vi.stubEnv('CLEARWORD_CACHE', join(root, 'cache'));
  await writeTinyCaptioner(model);
  await mkdir(photos);
  for (const [name, low] of Object.entries(pictures))
    await photo(low)
      .png()
      .toFile(join(photos, `${name}.png`));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv('CLEARWORD_CACHE', join(root, 'cache'));
});

/** What a model says of the two photos. */
async function captions(options: LocalOptions): Promise<string[]> {
  const captioner = await LocalCaptioner.open(options);
  try {
    // Asked at once: it takes one after the other.
    return await Promise.all([captioner.caption(await imageOf('dark')), captioner.caption(await imageOf('bright'))]);
  } finally {
    await captioner.dispose();
  }
}

/** The error of opening a model. */
const failure = (options: LocalOptions): Promise<unknown> =>
  LocalCaptioner.open(options).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a model in a folder', () => {
  it('says what it sees', async () => {
    expect(await captions({ model })).toEqual(['a dark photo', 'a bright photo']);
  });

  it('may have a processor that takes the picture before the words', async () => {
    const llava = join(root, 'llava');
    await writeTinyCaptioner(llava, { family: 'llava' });
    expect(await captions({ model: llava })).toEqual(['a dark photo', 'a bright photo']);
  });

  it('answers the question that is asked, with no more tokens than it may', async () => {
    expect(DEFAULT_PROMPT).not.toMatch(/ word| everything/);
    expect(await captions({ model, prompt: 'What is it, in one word?' })).toEqual(['dark', 'bright']);
    const many = { model, prompt: 'Say everything.', maxTokens: 3 };
    expect(await captions(many)).toEqual(['photo photo photo', 'photo photo photo']);
  });

  it('is found by a path that could be a name on the hub', async () => {
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(root);
    expect(await captions({ model: 'models/tiny' })).toEqual(['a dark photo', 'a bright photo']);
    expect(await captions({ model: './models/tiny/' })).toEqual(['a dark photo', 'a bright photo']);
  });

  it('is read in the precision that is asked for', async () => {
    const single = join(root, 'single');
    await writeTinyCaptioner(single, { suffix: '' });
    expect(await captions({ model: single, precision: 'fp32' })).toEqual(['a dark photo', 'a bright photo']);
    expect(await failure({ model: single, precision: 'q4' })).toMatchObject({
      code: 'CAPTION_FAILED',
      message: expect.stringMatching(/^model \S+single: expected the file \S+single\/onnx\/\w+_q4\.onnx, found none$/),
      fix: 'Complete the folder. Networks are read from onnx/*_q4.onnx; --precision chooses others.',
    });
  });

  it.each(['config.json', 'preprocessor_config.json', 'tokenizer.json', 'onnx/decoder_model_merged_quantized.onnx'])(
    'without its %s names it',
    async (name) => {
      const broken = join(root, 'without', name);
      await cp(model, broken, { recursive: true });
      await rm(join(broken, name));
      expect(await failure({ model: broken })).toMatchObject({
        code: 'CAPTION_FAILED',
        message: `model ${broken}: expected the file ${join(broken, name)}, found none`,
      });
    },
  );

  it('with a torn network says which', async () => {
    const torn = join(root, 'torn');
    await cp(model, torn, { recursive: true });
    await truncate(join(torn, 'onnx', 'embed_tokens_quantized.onnx'), 1000);
    expect(await failure({ model: torn })).toMatchObject({
      code: 'CAPTION_FAILED',
      message: expect.stringMatching(/expected to load it, but .*torn\/onnx\/embed_tokens_quantized\.onnx.*failed/),
    });
  });

  it('that is none, and no name on the hub either, is said to be neither', async () => {
    for (const name of ['tiny', './none/here', join(root, 'none'), join(model, 'config.json'), 'C:\\models\\tiny'])
      expect(await failure({ model: name })).toMatchObject({
        code: 'CAPTION_FAILED',
        message: `model ${name}: expected a folder, or a name on the hub such as owner/name, found neither`,
      });
  });

  it('stops between two tokens when it is cancelled', async () => {
    const captioner = await LocalCaptioner.open({ model, prompt: 'Say everything.', maxTokens: 1e6 });
    const controller = new AbortController();
    const image = await imageOf('dark');
    const endless = captioner.caption(image, controller.signal);
    setTimeout(() => controller.abort(), 200);
    await expect(endless).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(captioner.caption(image, controller.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    await captioner.dispose();
  });

  it('that is cancelled leaves the others in the queue alone', async () => {
    const captioner = await LocalCaptioner.open({ model });
    const image = await imageOf('bright');
    const cancelled = captioner.caption(image, AbortSignal.abort());
    const next = captioner.caption(image);
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await next).toBe('a bright photo');
    await captioner.dispose();
  });

  it('fails with the reason when a picture is none', async () => {
    const captioner = await LocalCaptioner.open({ model });
    await expect(captioner.caption({ jpeg: Uint8Array.of(1, 2, 3) })).rejects.toMatchObject({
      code: 'CAPTION_FAILED',
      message: expect.stringMatching(/^model \S+: expected a caption, but .+image/),
    });
    expect(await captioner.caption(await imageOf('dark'))).toBe('a dark photo');
    await captioner.dispose();
  });
});

describe('a model of the hub', () => {
  let hub: Server;
  let asked: string[] = [];

  /** `owner/tiny` is the model; `owner/slow` never answers. */
  beforeAll(async () => {
    hub = createServer(async (request, response) => {
      asked.push(request.url ?? '');
      const [, name, file] = /^\/owner\/(\w+)\/resolve\/main\/(.+)$/.exec(request.url ?? '') ?? [];
      if (name === 'slow') return;
      const bytes = name === 'tiny' ? await readFile(join(model, file ?? '')).catch(() => undefined) : undefined;
      if (bytes === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => hub.once('listening', resolve));
  });
  afterAll(() => {
    hub.closeAllConnections();
    hub.close();
  });
  const useHub = () => {
    asked = [];
    vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(hub.address() as AddressInfo).port}`);
  };

  it('is asked for nothing while work is offline, but found once it is in the cache', async () => {
    useHub();
    vi.stubEnv('CLEARWORD_OFFLINE', '1');
    expect(await failure({ model: 'owner/tiny' })).toMatchObject({
      code: 'CAPTION_FAILED',
      message: `model owner/tiny: expected its files in the cache ${join(root, 'cache/captions/owner/tiny')}, because work is offline`,
      fix: 'Go online once, or give the folder of a model.',
    });
    expect(asked).toEqual([]);

    vi.stubEnv('CLEARWORD_OFFLINE', '');
    expect(await captions({ model: 'owner/tiny' })).toEqual(['a dark photo', 'a bright photo']);
    const network = 'onnx/vision_encoder_quantized.onnx';
    expect(asked).toContain(`/owner/tiny/resolve/main/${network}`);
    const kept = await readFile(join(root, 'cache/captions/owner/tiny', network));
    expect(kept.equals(await readFile(join(model, network)))).toBe(true);

    asked = [];
    vi.stubEnv('CLEARWORD_OFFLINE', '1');
    expect(await captions({ model: 'owner/tiny' })).toEqual(['a dark photo', 'a bright photo']);
    expect(asked).toEqual([]);
  });

  it('that is not there, or not in this precision, is named', async () => {
    useHub();
    const address = new URL('owner/none/resolve/main/preprocessor_config.json', process.env.HF_ENDPOINT).href;
    expect(await failure({ model: 'owner/none' })).toMatchObject({
      code: 'CAPTION_FAILED',
      message: `model owner/none: expected to download it, but the hub has no ${address}`,
    });
    expect(await failure({ model: 'owner/tiny', precision: 'fp16' })).toMatchObject({
      code: 'CAPTION_FAILED',
      message: expect.stringMatching(/no http\S+_fp16\.onnx$/),
      fix: 'Check the name of the model. Networks are read from onnx/*_fp16.onnx; --precision chooses others.',
    });
  });

  it('is no longer waited for when loading is cancelled', async () => {
    useHub();
    const controller = new AbortController();
    const loading = failure({ model: 'owner/slow', signal: controller.signal });
    await vi.waitUntil(() => asked.length > 0);
    controller.abort();
    expect(await loading).toMatchObject({ code: 'CANCELLED' });
  });

  it('comes over an encrypted connection, except from this machine', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://mirror.example');
    expect(await failure({ model: 'owner/tiny' })).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

it('without the package says how to get it', async () => {
  const absent = Object.assign(new Error("Cannot find package '@huggingface/transformers' imported from x.js"), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
  await expect(LocalCaptioner.open({ model }, () => Promise.reject(absent))).rejects.toMatchObject({
    code: 'PACKAGE_MISSING',
    message: 'expected the package @huggingface/transformers for captions by a model on this machine, found none',
    fix: 'Run: npm install @huggingface/transformers',
  });
});

it('an empty variable is none', async () => {
  const captioner = await openCaptioner({}, { CLEARWORD_CAPTION_ENDPOINT: '', CLEARWORD_CAPTION_MODEL: model });
  expect(await captioner.caption(await imageOf('bright'))).toBe('a bright photo');
  await captioner.dispose();
});

describe('on the command line', () => {
  it('clearword caption writes the table', async () => {
    const table = join(root, 'captions.tsv');
    const { code, stderr } = await runCli(['caption', photos, '--model', model, '-o', table, '--concurrency', '2']);
    expect(stderr).toBe('2 captioned, 0 present, 0 failed\n');
    expect(code).toBe(0);
    expect(await readFile(table, 'utf8')).toBe(
      'file\tcaption\nphotos/bright.png\ta bright photo\nphotos/dark.png\ta dark photo\n',
    );
  });

  it('clearword caption says what is wrong with a folder, and ends with 1', async () => {
    const empty = join(root, 'empty');
    await mkdir(empty);
    const { code, stderr } = await runCli(['caption', photos, '--model', empty, '-o', join(root, 'none.tsv')]);
    expect(stderr).toContain(`expected the file ${join(empty, 'preprocessor_config.json')}, found none`);
    expect(code).toBe(1);
  });

  it('clearword restore --prompt auto restores by what the model says, beside the network that restores', async () => {
    const weights = join(root, 'tiny.safetensors');
    await writeTinyModel(weights);
    const inputs = ['dark', 'bright'].map((name) => join(photos, `${name}.png`));
    const options = ['--prompt', 'auto', '--caption-model', model, '--model', weights, '--steps', '1', '--json'];
    // A process of its own: two users of the runtime in different threads have to start, and end, together.
    const args = [...PROGRAM, 'restore', ...inputs, '-o', join(root, 'restored'), ...options];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect(stderr).toBe('2 restored, 0 unchanged, 0 skipped, 0 failed\n');
    const reports = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(reports).toMatchObject([
      { status: 'restored', provenance: { prompt: 'a dark photo' } },
      { status: 'restored', provenance: { prompt: 'a bright photo' } },
    ]);
  });
});
