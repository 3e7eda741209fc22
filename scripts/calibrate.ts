/**
 * Writes onto a model's card how sure its controller has to be, measured on pictures held back for it:
 *
 *   npx tsx scripts/calibrate.ts MODEL --config configs/calibration/life.json [--clean FOLDER] [--every 2] [--samples 6000]
 *
 * The configuration names held-back photos and what may happen to them; of the folder of clean photos every second one (or
 * whichever --every says) is used, the others are left for tests.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { writeFileAtomic } from '../src/atomic-file.ts';
import { dataConfigSchema } from '../src/data/config.ts';
import { listPictures } from '../src/data/dataset.ts';
import { judgeModel } from '../src/evaluate/calibration/judge-model.ts';
import { calibrate } from '../src/evaluate/calibration/thresholds.ts';
import { cardPath, parseCard } from '../src/models/card.ts';
import { loadModel } from '../src/models/load.ts';
import { inspecting } from '../src/restore/conditioning.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: 'string', default: 'configs/calibration/life.json' },
    clean: { type: 'string' },
    every: { type: 'string', default: '2' },
    samples: { type: 'string', default: '6000' },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error('expected MODEL; see the head of scripts/calibrate.ts');

const data = dataConfigSchema.parse(JSON.parse(await readFile(values.config, 'utf8')));
const folder = values.clean === undefined ? [] : await listPictures(values.clean, '--clean');
const clean = folder.filter((_, i) => i % Number(values.every) === 0);
const { calibration: _, ...card } = parseCard(await readFile(cardPath(path), 'utf8'), cardPath(path));
const write = (value: object) =>
  writeFileAtomic(cardPath(path), Buffer.from(`${JSON.stringify(value, null, 2)}\n`), { overwrite: true });
// What is measured is what the network says by itself.
await write(card);
const model = inspecting(await loadModel({ path }));
try {
  const judgements = await judgeModel(model, { data, samples: Number(values.samples), clean });
  const calibration = Object.fromEntries(
    [...judgements].map(([name, all]) => [name, calibrate(all, name, judgements.size)]),
  );
  await write({ ...card, calibration });
  for (const [name, all] of judgements) {
    const there = all.filter(({ present }) => present).length;
    process.stdout.write(
      `${name}: ${JSON.stringify(calibration[name])} (${there} of ${all.length} pictures have it)\n`,
    );
  }
} finally {
  await model.dispose();
}
