/**
 * Makes docs/results/contest.md and contest.html: several models on the sample photo, cut into pieces, by `clearword evaluate`.
 *
 *   npx tsx scripts/publish-contest.ts MODEL MODEL ... [--output docs/results]
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { VERSION } from '../src/version.ts';

/** Side of a piece: the photo has three across and two down. */
const SIDE = 170;
const PIECES = { across: 3, down: 2 } as const;

const root = fileURLToPath(new URL('..', import.meta.url));
const main = join(root, 'src/cli/main.ts');

/** Cuts a photo into pieces that lose nothing. */
async function cut(photo: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (let y = 0; y < PIECES.down; y++) {
    for (let x = 0; x < PIECES.across; x++) {
      const area = { left: x * SIDE, top: y * SIDE, width: SIDE, height: SIDE };
      await sharp(photo)
        .extract(area)
        .png()
        .toFile(join(folder, `${y * PIECES.across + x + 1}.png`));
    }
  }
}

/** The tables that the command prints, as Markdown. */
const tablesOf = (text: string): string => `\`\`\`text\n${text.trimEnd()}\n\`\`\``;

const { values, positionals: models } = parseArgs({
  allowPositionals: true,
  options: { output: { type: 'string', default: join(root, 'docs/results') } },
});
const folder = mkdtempSync(join(tmpdir(), 'contest-'));
try {
  await cut(join(root, 'examples/photo.jpg'), join(folder, 'pieces'));
  await cut(join(root, 'examples/original.jpg'), join(folder, 'clean'));
  const named = models.flatMap((model) => ['--model', model]);
  const where = ['--input', join(folder, 'pieces'), '--target', join(folder, 'clean'), '-o', join(folder, 'scores')];
  const run = ['--import', import.meta.resolve('tsx'), main, 'evaluate', ...named, ...where];
  const text = execFileSync(process.execPath, run, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  copyFileSync(join(folder, 'scores', 'report.html'), join(values.output, 'contest.html'));
  const shown = models.map((model) => `--model ${model.endsWith('.onnx') ? basename(model) : relative(root, model)}`);
  const page = [
    '# Several models in one report',
    `\`\`\`sh\nclearword evaluate ${shown.join(' ')} --input pieces --target clean -o scores\n\`\`\``,
    `Clearword ${VERSION}. [The report](contest.html) is one HTML file; save it to open it.`,
    [
      `- The pictures are \`examples/photo.jpg\` (rain, and noise of sigma 15) and \`examples/original.jpg\`, cut into ${PIECES.across * PIECES.down} pieces of ${SIDE} x ${SIDE}.`,
      '- `lite` is the bundled model. `denoiser` and `derainer` are plain networks that this program trained and exported as ONNX files',
      '  (`configs/plain`, [training.md](../training.md#plain-networks)), each in less than a minute of processor time (500 and 400 steps of',
      '  four patches of 32 x 32): each learned to remove one thing. The denoiser gets its noise level, 25, from its descriptor.',
      '- The page shows what such a report is, not what networks of their kind can do. Times were taken while other programs ran.',
      '- `npx tsx scripts/publish-contest.ts weights/lite.safetensors denoiser.onnx derainer.onnx` makes this page.',
    ].join('\n'),
    tablesOf(text.replaceAll(folder, '').replace(/^report: .*\n/m, '')),
  ];
  writeFileSync(join(values.output, 'contest.md'), `${page.join('\n\n')}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
