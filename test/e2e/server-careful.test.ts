/** The careful mode over HTTP: what it leaves alone, how much it changes, and what it says of both. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { readImage } from '../../src/image/image-file.ts';
import { loaderModule } from '../support/loaders.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { expectProblem, type Fields, formOf, testServer } from '../support/server.ts';

const folder = await temporaryFolder();
const picture = patternPicture(60, 40);
const png = await encodeImage(picture, { format: 'png' });
const loader = loaderModule('careful-loader');
const server = await testServer(join(folder, 'store'), { processes: 1 }, undefined, { loader });

const post = (fields: Fields, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/v1/restorations`, { method: 'POST', body: formOf({ image: png, ...fields }), headers });
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());
const pixelsOf = async (response: Response) => (await readImage(await bytesOf(response))).picture.data;

async function viewOf(fields: Fields): Promise<Record<string, unknown>> {
  const response = await post(fields, { accept: 'application/json' });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

describe('the careful mode over HTTP', () => {
  it('gives the file back byte for byte where nothing is to be done, and says so', async () => {
    const response = await post({ prompt: 'keep the noise' });
    expect((await bytesOf(response)).equals(png)).toBe(true);
    expect(response.headers.get('clearword-status')).toBe('unchanged');
    const view = await (await fetch(server.url + response.headers.get('location'))).json();
    expect(view).toMatchObject({
      status: 'done',
      prompt: { understood: true, remove: ['rain', 'haze'], keep: ['noise'] },
      decision: { status: 'unchanged', removing: [], perhaps: ['rain'] },
    });
    const [result] = (view as { results: { href: string; bytes: number }[] }).results;
    expect(result?.bytes).toBe(png.length);
    expect((await bytesOf(await fetch(server.url + result?.href))).equals(png)).toBe(true);
  });

  it('says what was removed, what is only perhaps there, and how the prompt was read', async () => {
    expect(await viewOf({})).toMatchObject({
      prompt: { understood: true, remove: ['noise', 'rain', 'haze'], keep: [] },
      decision: { status: 'restored', removing: ['noise'], perhaps: ['rain'] },
      degradations: { noise: { verdict: 'found' }, rain: { verdict: 'perhaps' }, haze: { verdict: 'absent' } },
    });
    expect(await viewOf({ prompt: 'remove the rain' })).toMatchObject({
      prompt: { understood: true, remove: ['rain'], keep: ['noise', 'haze'] },
      decision: { status: 'restored', removing: ['rain'], perhaps: [] },
    });
    expect(await viewOf({ prompt: 'make it sing' })).toMatchObject({
      prompt: { understood: false },
      decision: { status: 'restored', removing: ['noise'], perhaps: ['rain'] },
    });
    expect((await post({})).headers.get('clearword-status')).toBe('restored');
  });

  it('makes as much of the change as is asked for', async () => {
    const [none, half, all] = await Promise.all(
      ['0', '50', '100'].map(async (amount) => pixelsOf(await post({ amount, prompt: 'remove the noise' }))),
    );
    expect(none).toEqual(picture.data);
    const grey = Math.round(255 * (1 - 0.4));
    expect(new Set(all)).toEqual(new Set([grey]));
    for (const [i, value] of (half ?? []).entries()) {
      expect(Math.abs(value - ((picture.data[i] ?? 0) + grey) / 2)).toBeLessThanOrEqual(1);
    }
  });

  it('tells the network the strengths that are given, and records both', async () => {
    const { provenance } = await viewOf({ strength: 'noise=11', amount: '80' });
    expect(provenance).toMatchObject({ strength: 'noise=11', amount: 80 });
    // Noise in 8-bit levels, of which 55 are the full strength.
    expect(new Set(await pixelsOf(await post({ strength: 'noise=11' })))).toEqual(new Set([Math.round(255 * 0.8)]));
  });

  it('refuses amounts and strengths that mean nothing', async () => {
    const received = /for amount, received/;
    await expectProblem(await post({ amount: '101' }), { code: 'INVALID_OPTION', detail: received });
    await expectProblem(await post({ amount: 'much' }), { code: 'INVALID_OPTION', detail: received });
    await expectProblem(await post({ strength: 'snow=3' }), {
      code: 'INVALID_OPTION',
      detail: /expected names out of noise, rain, haze for strength, received snow/,
    });
  });
});
