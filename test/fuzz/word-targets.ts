/**
 * What people write: prompts, options, configurations, command lines.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describeRequest, readRequest } from '../../src/degradations/grammar.ts';
import { KNOWN_DEGRADATIONS } from '../../src/degradations/index.ts';
import { catalogue } from '../../src/errors.ts';
import { parseExperiment } from '../../src/evaluate/experiments/config.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import { Clearword } from '../../src/index.ts';
import { ClipTokenizer } from '../../src/models/clip-tokenizer.ts';
import { encodeTexts } from '../../src/models/text-encoder.ts';
import { checkOptions } from '../../src/options.ts';
import { restoreCallSchema } from '../../src/restore/options.ts';
import { parseFields, restorationFields } from '../../src/server/fields.ts';
import { serverSettingsSchema } from '../../src/server/settings.ts';
import { parseTrainConfig } from '../../src/train/config.ts';
import { fakeModel } from '../support/fake-model.ts';
import { patternPicture } from '../support/pictures.ts';
import { runCli } from '../support/run-cli.ts';
import { bytesOf, expectTrue, outcomeOf, type Target, textOf } from './target.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Longest prompt that options take. */
const LONGEST_PROMPT = 2000;

/** A request about degradations that exist, none of them both removed and kept, and pieces for every encoder of texts. */
export function prompts(): Target {
  const merges = gunzipSync(readFileSync(at('../../weights/clip-vocabulary/bpe_simple_vocab_16e6.txt.gz'))).toString(
    'utf8',
  );
  const clip = new ClipTokenizer(merges);
  const encoder = { buckets: 4096, width: 96, layers: 2, heads: 4, words: 48, pieces: 12 };
  const names: readonly string[] = KNOWN_DEGRADATIONS;
  return {
    samples: [
      'remove the rain, keep the fog',
      "please don't denoise",
      'everything but the haze',
      'dehaze and brighten',
      'two dogs on a beach',
      'nicht entrauschen',
      '去噪',
      '',
    ].map(bytesOf),
    words: [
      'remove ',
      'keep ',
      'not ',
      'only ',
      'except ',
      'noise',
      'rain',
      'fog',
      ', ',
      ' and ',
      "n't ",
      'without ',
      '\u0000',
      '\ud83d\ude00',
      '\u0301',
      '\u202e',
      'İ',
      '<|endoftext|>',
    ],
    run: (input) => {
      // As UTF-8, and as 16-bit units, among which halves of pairs are.
      const text = (input.length % 2 === 0 ? textOf(input) : Buffer.from(input).toString('utf16le')).slice(
        0,
        LONGEST_PROMPT,
      );
      const request = readRequest(text, names);
      const { kind, remove = [], keep = [] } = request;
      for (const name of [...remove, ...keep]) expectTrue(names.includes(name), `a degradation, received ${name}`);
      expectTrue(!remove.some((name) => keep.includes(name)), 'nothing both removed and kept');
      expectTrue(typeof describeRequest(request, names) === 'string', 'words for the request');
      expectTrue(encodeTexts([text], encoder).pieces.length === encoder.words * encoder.pieces, 'all pieces');
      expectTrue(clip.encode(text, 77).length <= 77, 'at most 77 tokens');
      return `${kind} ${remove.length} ${keep.length}`;
    },
  };
}

/** Options of a call, fields of a form and configurations: taken, or refused by the catalogue. */
export function options(): Target {
  const model = fakeModel();
  const clearword = new Clearword(model);
  const fields = restorationFields({ maxSteps: 100, maxSamples: 8, maxTile: 1024 });
  const configs = [
    '../../configs/lite.json',
    '../../configs/life.json',
    ...readdirSync(at('../../configs/experiments'))
      .filter((name) => name.endsWith('.json'))
      .map((name) => `../../configs/experiments/${name}`),
  ];
  const samples = [
    {
      prompt: 'remove the rain',
      steps: 4,
      sampler: 'posterior',
      seed: 7,
      samples: 2,
      tile: 256,
      overlap: 32,
      amount: 50,
    },
    {
      strengths: { noise: 20 },
      maxMegapixels: 4,
      strip: true,
      compare: true,
      saveStates: false,
      ensemble: true,
      strict: true,
    },
    {
      port: 8080,
      host: '0.0.0.0',
      queue: 'redis://a:1',
      formats: 'jpeg,png',
      maxTile: 512,
      apiKeys: 'file',
      allowUrls: true,
    },
  ];
  return {
    samples: [
      ...samples.map((value) => bytesOf(JSON.stringify(value))),
      ...configs.map((path) => readFileSync(at(path))),
    ],
    words: [
      'null',
      '-1',
      '1e309',
      '0.5',
      '{}',
      '[]',
      '""',
      '"steps":',
      '"prompt":',
      '"__proto__":',
      '"constructor":',
      'true',
      '9007199254740993',
      '"sampler":"mars-ode-2"',
      '"seed":',
    ],
    run: async (input) => {
      const text = textOf(input);
      let value: unknown = text;
      try {
        value = JSON.parse(text);
      } catch {
        // Stands for itself: a text where options were expected.
      }
      const ends = [
        await outcomeOf(() => void checkOptions(restoreCallSchema, value)),
        await outcomeOf(() => void clearword.settings(value as never)),
        await outcomeOf(() => void checkOptions(serverSettingsSchema, value)),
        await outcomeOf(() => void parseTrainConfig(value, 'config.json')),
        await outcomeOf(() => void parseExperiment(value, 'experiment.json')),
        await outcomeOf(() => {
          const pairs = typeof value === 'object' && value !== null ? Object.entries(value) : [['prompt', text]];
          parseFields(fields, new Map(pairs.map(([name, field]) => [String(name), String(field)])));
        }),
      ];
      return ends.map((end) => end.split(' ')[0]).join(' ');
    },
  };
}

/** Any arguments: a result written whole, or an error of the catalogue and nothing left behind. */
export async function commands(): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'clearword-fuzz-'));
  const photo = 'photo.png';
  const bytes = await encodeImage(patternPicture(20, 14), { format: 'png' });
  await writeFile(join(folder, photo), bytes);
  const before = process.cwd();
  process.chdir(folder);
  const lines = [
    [photo, '-o', 'out', '--overwrite'],
    [photo, '-o', 'out/a.jpg', '--overwrite', '--quality', '80', '--prompt', 'remove the haze'],
    ['-', '-o', '-', '--format', 'webp'],
    [photo, '--tile', '64', '--overlap', '16', '--seed', '3', '--json', '-o', 'out/b.tif', '--overwrite'],
  ];
  return {
    samples: lines.map((line) => bytesOf(line.join('\n'))),
    words: [
      '\n--',
      '\n-o\n',
      '--steps\n',
      '--samples\n2',
      '--prompt\n',
      '--format\n',
      'avif',
      '--strength\n',
      '--amount\n',
      '=',
      '-',
      '--help',
      '--json',
      '--skip-existing',
      '--strip',
      '--compare',
      '--debug',
    ],
    run: async (input) => {
      // Of one command, so that no server starts; and no path leads out of the folder, in which it runs.
      const args = textOf(input).replaceAll('\0', ' ').slice(0, LONGEST_PROMPT).split('\n');
      if (args.some((arg) => /(^|[^\w.])\/|^-\w*\/|\.\.|~/.test(arg))) return 'left out';
      const { code, stderr } = await runCli(['restore', ...args], { model: fakeModel({ tile: 64 }), stdin: bytes });
      expectTrue([0, 1, 2].includes(code), `the exit status 0, 1 or 2, received ${code}`);
      expectTrue(
        !/INTERNAL|TypeError|RangeError|is not a function|undefined/.test(stderr),
        `words of the catalogue, received ${stderr}`,
      );
      const named = /error ([A-Z_]+)/.exec(stderr)?.[1];
      expectTrue(
        code === 0 || (named !== undefined && Object.hasOwn(catalogue, named)),
        `an error of the catalogue, received ${stderr}`,
      );
      return `${code} ${named ?? ''}`;
    },
    async settled() {
      const left = (await readdir(folder, { recursive: true })).filter((name) => name.includes('.clearword-'));
      expectTrue(left.length === 0, `no unfinished files, found ${left.join(', ')}`);
      for (const name of await readdir(folder)) if (name !== photo) await rm(join(folder, name), { recursive: true });
    },
    async close() {
      process.chdir(before);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
