/**
 * The configuration of the paper's systems: none is forgotten, and each says how it is had.
 */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { type ComparisonConfig, parseExperiment, type RunConfig } from './config.ts';

const path = new URL('../../../configs/experiments/systems.json', import.meta.url);
const config = parseExperiment(JSON.parse(await readFile(path, 'utf8')), 'systems.json') as ComparisonConfig;
const [own, ...others] = config.runs;

/** The systems that the paper compares with, and what they are measured on. */
const SYSTEMS: Readonly<Record<string, readonly ('noise' | 'rain-layers' | 'haze-pairs')[]>> = {
  SD: ['noise', 'rain-layers', 'haze-pairs'],
  AirNet: ['noise', 'rain-layers', 'haze-pairs'],
  TKMANet: ['rain-layers', 'haze-pairs'],
  'Universal-IR': ['noise', 'rain-layers', 'haze-pairs'],
  GCANet: ['haze-pairs'],
  GridDehazeNet: ['haze-pairs'],
  DehazeFormer: ['haze-pairs'],
  JORDER: ['rain-layers'],
  PReNet: ['rain-layers'],
  MPRNet: ['noise', 'rain-layers'],
  MAXIM: ['noise', 'rain-layers', 'haze-pairs'],
  'IR-SDE': ['noise', 'rain-layers', 'haze-pairs'],
};

/** "MPRNet, rain" is a run of MPRNet. */
const systemOf = ({ name }: RunConfig): string => name.split(', ')[0] ?? '';
const setsOf = ({ outputs, sets }: RunConfig): readonly string[] =>
  outputs ? Object.keys(outputs) : (sets ?? config.sets.map(({ name }) => name));

it('begins with the bundled model, with which the others are compared', () => {
  expect(own).toMatchObject({ name: 'Clearword lite' });
  expect(own?.model).toBeUndefined();
});

it('names every system of the paper, and no other', () => {
  expect([...new Set(others.map(systemOf))].sort()).toEqual(Object.keys(SYSTEMS).sort());
});

it.each(Object.entries(SYSTEMS))('%s is measured once on each set of what it removes', (name, kinds) => {
  const measured = others.filter((run) => systemOf(run) === name).flatMap(setsOf);
  const expected = config.sets.filter(({ kind }) => kinds.some((of) => of === kind)).map((set) => set.name);
  expect([...measured].sort()).toEqual(expected.sort());
});

it.each(others.map((run) => [run.name, run] as const))('%s says where, which files and how', (name, run) => {
  expect(run.published).toMatch(/^https:\/\/github\.com\/[\w.-]+\/[\w.-]+$/);
  const { model, outputs, how = '' } = run;
  // Either a network of its own, or results in a folder for each set, below the data folder.
  expect([model, outputs].filter((value) => value !== undefined)).toHaveLength(1);
  if (model !== undefined) {
    expect(model).toMatch(/^data\/systems\/[a-z-]+\.onnx$/);
    expect(how).toMatch(/^ONNX: .*(\.pth|weights)/);
    expect(others.filter((other) => other.model === model)).toHaveLength(1);
  } else {
    const folder = systemOf({ ...run, name }).toLowerCase();
    expect(how).toMatch(/^Results: .*run /i);
    for (const [set, place] of Object.entries(outputs ?? {})) {
      const slug = set.toLowerCase().replace(/[^a-z0-9]+/g, '-');
      expect(place).toBe(`systems/${folder}/${slug}`);
    }
  }
});
