/** What configurations of experiments may say, and what they mean where they say nothing. */
import { describe, expect, it } from 'vitest';
import { limitedTo, parseExperiment } from './config.ts';

const set = { kind: 'clean', name: 'n', clean: 'c' };
const composites = { clean: 'c', layers: 'l', haze: 'h' };
/** The shortest configuration of each kind. */
const KINDS = {
  comparison: { title: 't', sets: [set], runs: [{ name: 'r' }] },
  steps: { title: 't', sets: [set], steps: [1] },
  prompts: { title: 't', composites },
  photographs: { title: 't', sets: [{ set }] },
  controller: { title: 't', composites },
} as const;
type Kind = keyof typeof KINDS;

const parse = (kind: Kind, changes: object = {}) => parseExperiment({ kind, ...KINDS[kind], ...changes }, 'given');
const takes = (kind: Kind, changes: object): boolean => {
  try {
    parse(kind, changes);
    return true;
  } catch {
    return false;
  }
};

const inRun = (value: object) => ({ runs: [{ name: 'r', ...value }] });
const inSet = (value: object) => ({ sets: [{ ...set, ...value }] });
const inComposites = (value: object) => ({ composites: { ...composites, ...value } });
const inReliability = (value: object) => ({ reliability: { config: 'c', ...value } });
const layers = { kind: 'rain-layers', name: 'n', clean: 'c', layers: 'l' };
const haze = { kind: 'haze-pairs', name: 'n', folder: 'f' };
const noise = { kind: 'noise', name: 'n', clean: 'c' };
const files = { kind: 'data', name: 'n', folder: 'f' };
const jpeg = { kind: 'jpeg', name: 'n', clean: 'c', quality: 50 };

describe('limits', () => {
  it.each<[Kind, object, object]>([
    ['comparison', { title: '' }, { title: 'x' }],
    ['comparison', { data: '' }, { data: 'x' }],
    ['comparison', { seed: -1 }, { seed: 0 }],
    ['comparison', { sets: [] }, { sets: [set] }],
    ['comparison', { runs: [] }, { runs: [{ name: 'r' }] }],
    ['comparison', { count: 15 }, { count: 16 }],
    ['comparison', { training: { config: '' } }, { training: { config: 'c' } }],
    ['comparison', inRun({ name: '' }), inRun({ name: 'r' })],
    ['comparison', inRun({ model: '' }), inRun({ model: 'm' })],
    ['comparison', inRun({ outputs: { n: '' } }), inRun({ outputs: { n: 'o' } })],
    ['comparison', inRun({ published: 'here' }), inRun({ published: 'https://a.b' })],
    ['comparison', inRun({ how: '' }), inRun({ how: 'h' })],
    ['comparison', inRun({ captions: '' }), inRun({ captions: 'c' })],
    ['comparison', inRun({ steps: 0 }), inRun({ steps: 1 })],
    ['comparison', inRun({ sampler: 'none' }), inRun({ sampler: 'mars-sde-1' })],
    ['comparison', inRun({ speed: 1 }), inRun({ ensemble: true })],
    ['comparison', inRun({ train: {} }), { ...inRun({ train: {} }), training: { config: 'c' } }],
    ['steps', { sets: [] }, { sets: [set] }],
    ['steps', { steps: [] }, { steps: [1] }],
    ['steps', { steps: [2, 0] }, { steps: [2, 1] }],
    ['steps', { samplers: [] }, { samplers: ['ode'] }],
    ['prompts', { sigma: 0 }, { sigma: 0.5 }],
    ['prompts', inComposites({ clean: '' }), inComposites({ clean: 'x' })],
    ['prompts', inComposites({ layers: '' }), inComposites({ layers: 'x' })],
    ['prompts', inComposites({ haze: '' }), inComposites({ haze: 'x' })],
    ['prompts', inComposites({ heldBack: 0 }), inComposites({ heldBack: 1 })],
    ['prompts', inComposites({ pictures: 0 }), inComposites({ pictures: 1 })],
    ['prompts', inComposites({ centre: 63 }), inComposites({ centre: 64 })],
    ['photographs', { sets: [] }, { sets: [{ set }] }],
    ['photographs', { sets: [{ set, prompt: '' }] }, { sets: [{ set, prompt: 'p' }] }],
    ['photographs', { tolerance: 0 }, { tolerance: 0.1 }],
    ['photographs', inReliability({ config: '' }), inReliability({ config: 'c' })],
    ['photographs', inReliability({ samples: 0 }), inReliability({ samples: 1 })],
    ['controller', { sigmas: [] }, { sigmas: [1] }],
    ['controller', { sigmas: [0] }, { sigmas: [0.5] }],
    ['comparison', inSet({ name: '' }), inSet({ name: 'x' })],
    ['comparison', inSet({ clean: '' }), inSet({ clean: 'x' })],
    ['comparison', inSet({ half: 'third' }), inSet({ half: 'odd' })],
    ['comparison', inSet({ limit: 0 }), inSet({ limit: 1 })],
    ['comparison', inSet({ centre: 15 }), inSet({ centre: 16 })],
    ['comparison', inSet({ ...noise, sigma: 0 }), inSet({ ...noise, sigma: 0.5 })],
    ['comparison', inSet({ ...noise, sigma: 255.5 }), inSet({ ...noise, sigma: 255 })],
    ['comparison', { sets: [{ ...layers, heldBack: 0 }] }, { sets: [{ ...layers, heldBack: 1 }] }],
    ['comparison', { sets: [{ ...haze, heldBack: 0 }] }, { sets: [{ ...haze, heldBack: 1 }] }],
    ['comparison', { sets: [{ ...files, sigma: 255.5 }] }, { sets: [{ ...files, sigma: 255 }] }],
    ['comparison', { sets: [{ ...jpeg, quality: 0 }] }, { sets: [{ ...jpeg, quality: 1 }] }],
    ['comparison', { sets: [{ ...jpeg, quality: 101 }] }, { sets: [{ ...jpeg, quality: 100 }] }],
    ['comparison', { sets: [{ ...jpeg, sigma: 255.5 }] }, { sets: [{ ...jpeg, sigma: 255 }] }],
  ])('%s: not %j, but %j', (kind, refused, taken) => {
    expect(takes(kind, refused)).toBe(false);
    expect(takes(kind, taken)).toBe(true);
  });

  it('are named with their places, and what is of no kind at all with the top', () => {
    expect(() => parse('steps', { steps: [3, 0] })).toThrow(/^given: steps\.1: /);
    expect(() => parseExperiment('text', 'given')).toThrow(/^given: \(top\): /);
    expect(() => parse('comparison', inRun({ train: {} }))).toThrow(/^given: training: expected the training/);
  });
});

describe('defaults', () => {
  it('are those that the published configurations rely on', () => {
    expect(parse('comparison')).toMatchObject({
      ...{ seed: 2026, data: 'data', metrics: 'psnr,ssim,niqe,lpips,fid', curves: false, notes: [], paper: [] },
      runs: [{ ensemble: false, prompts: 'empty', prompt: '' }],
      sets: [{ crop: 'none' }],
    });
    expect(parse('prompts')).toMatchObject({ sigma: 25, composites: { heldBack: 20, pictures: 6, centre: 256 } });
    expect(parse('controller')).toMatchObject({ sigmas: [10, 15, 25, 50] });
    expect(parse('photographs', inReliability({}))).toMatchObject({
      ...{ tolerance: 0.3, reliability: { samples: 200 } },
      sets: [{ has: [], may: [], truth: true }],
    });
    expect(parse('steps')).toHaveProperty('samplers.length', 6);
    expect(parse('comparison', { sets: [layers, haze, files] })).toMatchObject({
      sets: [{ heldBack: 20 }, { heldBack: 20 }, { task: 'any' }],
    });
  });
});

describe('a quick run', () => {
  const sets = (limits: readonly (number | undefined)[]) => limits.map((limit) => ({ ...set, limit }));

  it('takes at most so many pictures of each set, and fewer where fewer are asked for', () => {
    const given = sets([undefined, 2, 3, 4]);
    const expected = sets([3, 2, 3, 3]);
    expect(limitedTo(parse('comparison', { sets: given }), 3)).toMatchObject({ sets: expected });
    expect(limitedTo(parse('steps', { sets: given }), 3)).toMatchObject({ sets: expected });
    const photographs = parse('photographs', { sets: given.map((one) => ({ set: one })), ...inReliability({}) });
    expect(limitedTo(photographs, 3)).toMatchObject({
      sets: expected.map((one) => ({ set: one })),
      reliability: { samples: 3 },
    });
    expect(limitedTo(parse('photographs'), 3)).not.toHaveProperty('reliability');
    for (const kind of ['prompts', 'controller'] as const) {
      expect(limitedTo(parse(kind), 3)).toMatchObject({ composites: { pictures: 3 } });
      expect(limitedTo(parse(kind), 7)).toMatchObject({ composites: { pictures: 6 } });
    }
  });

  it('says so after the notes of the configuration', () => {
    const { notes } = limitedTo(parse('controller', { notes: ['first'] }), 3);
    expect(notes).toEqual(['first', expect.stringContaining('at most 3 pictures')]);
  });
});
