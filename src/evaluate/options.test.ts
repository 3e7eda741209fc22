/** What may be asked of a measurement. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { evaluationOptions, meterOptions, metersFor, metricsOf } from './options.ts';

const schema = z.object({ ...meterOptions, ...evaluationOptions });
const takes = (options: object) => schema.safeParse(options).success;

it.each<[string, unknown, unknown]>([
  ['sigma', -1, 0],
  ['sigma', 255.5, 255],
  ['limit', 0, 1],
  ['limit', 1.5, 2],
  ['captions', '', 'c'],
  ['lpipsWeights', '', 'w'],
  ['fidWeights', '', 'w'],
  ['niqeModel', '', 'm'],
  ['lpips', 'resnet', 'squeeze'],
  ['crop', '8', '16'],
  ['task', 'desnow', 'any'],
  ['prompts', 'some', 'captions'],
])('%s: not %j, but %j', (name, refused, taken) => {
  expect(takes({ [name]: refused })).toBe(false);
  expect(takes({ [name]: taken })).toBe(true);
});

it('measures everything, and downloads nothing, where nobody says otherwise', () => {
  expect(schema.parse({})).toMatchObject({
    ...{ metrics: 'psnr,ssim,niqe,lpips,fid', lpips: 'alex', download: false },
    ...{ task: 'any', crop: 'none', prompts: 'empty' },
  });
});

it('reads a list of metrics, with blanks or without, and names the one that it does not know', () => {
  expect(metricsOf('psnr, lpips ,fid')).toEqual(['psnr', 'lpips', 'fid']);
  expect(() => metricsOf('psnr,vmaf,vif')).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('received "vmaf"') }),
  );
  expect(() => metricsOf('')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});

it('opens what was asked for, and nothing else', async () => {
  const plain = await metersFor({ metrics: 'psnr,ssim', lpips: 'alex', download: false }, {});
  expect(plain).toEqual({ unavailable: {}, close: expect.any(Function) });
  const model = await metersFor({ metrics: 'niqe', lpips: 'alex', download: false, niqeModel: '/none.json' }, {});
  expect(model.unavailable).toEqual({ niqe: expect.stringContaining('/none.json') });
  await Promise.all([plain.close(), model.close()]);
});
