import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseTrainConfig } from '../src/train/config.ts';
import { graphOptions } from '../src/train/start.ts';

const folder = fileURLToPath(new URL('../configs', import.meta.url));
// configs/experiments are those of `clearword experiment`, with a test beside their schema.
const files = ['', 'bundled/', 'optimisers/', 'plain/'].flatMap((part) =>
  readdirSync(join(folder, part))
    .filter((name) => name.endsWith('.json'))
    .map((name) => part + name),
);

it('has the configuration of the bundled model', () => {
  expect(files).toContain('lite.json');
});

describe.each(files)('configs/%s', (name) => {
  const config = parseTrainConfig(JSON.parse(readFileSync(join(folder, name), 'utf8')), name);

  it('fits its preset', () => {
    expect(graphOptions(config).preset.name).toBe(config.preset);
  });

  it('finds its data below data/, wherever the repository lies', () => {
    const { photos, rainLayers, hazePairs, pairs, captions } = config.data.roots;
    const { weights, cache } = config.encoders ?? {};
    const lists = [
      ...photos,
      ...[rainLayers ?? []].flat(),
      ...Object.values(pairs),
      ...captions,
      ...(config.validation?.photos ?? []),
    ];
    const roots = [...lists, hazePairs, weights, cache];
    for (const root of roots) if (root !== undefined) expect(root).toMatch(/^data\/[\w./-]+$/);
  });
});
