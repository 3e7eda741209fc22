import { describe, expect, it } from 'vitest';
import { inWords, secondsLeft } from '../web/clock.ts';
import { type Action, EMPTY, type PageState, type Photo, type Restored, reduce } from '../web/state/page.ts';

const photo = (id: string, prompt = ''): Photo => ({
  id,
  name: `${id}.jpg`,
  file: new Blob([id]),
  view: undefined,
  url: undefined,
  width: 4,
  height: 3,
  look: { kind: 'none' },
  prompt,
  strengths: {},
});

const result = (id: string, photoId: string, number: number, prompt = ''): Restored => ({
  id,
  number,
  photoId,
  request: { prompt, steps: undefined, seed: 0, samples: 1, strengths: { noise: 12 } },
  result: {} as Restored['result'],
  url: id,
  uncertaintyUrl: undefined,
  seconds: 1,
  amount: 100,
  kept: true,
});

const having = (...actions: Action[]): PageState => actions.reduce(reduce, EMPTY);
const job = { photoId: 'a', fraction: 0, started: 0, expected: undefined, cancel: () => undefined };
const two: Action = { type: 'photosAdded', photos: [photo('a'), photo('b')] };

describe('photos', () => {
  it('opens the first of those that are added, and keeps those that are there', () => {
    const state = having(two, { type: 'photosAdded', photos: [photo('c'), photo('d')] });
    expect(state.photos.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
    expect(state.openId).toBe('c');
  });

  it('stops nothing by opening another one', () => {
    const state = having(two, { type: 'started', job }, { type: 'photosAdded', photos: [photo('c')] });
    expect(state.job).toEqual(job);
  });

  it('goes to the neighbour of one that is removed, and comes back with all of its results', () => {
    const removed = having(
      two,
      { type: 'finished', result: result('1', 'a', 1) },
      { type: 'finished', result: result('2', 'a', 2) },
      { type: 'photoRemoved', id: 'a' },
    );
    expect([removed.openId, removed.results, removed.shownId]).toEqual(['b', [], undefined]);
    const back = reduce(removed, { type: 'undone' });
    expect([back.openId, back.shownId, back.results.map(({ id }) => id)]).toEqual(['a', '2', ['1', '2']]);
    expect(back.removed).toBeUndefined();
  });

  it('ends with the welcome when the last one is removed', () => {
    expect(having({ type: 'photosAdded', photos: [photo('a')] }, { type: 'photoRemoved', id: 'a' }).openId).toBe(
      undefined,
    );
  });
});

describe('results', () => {
  it('bring their photo, its findings, words and strengths with them', () => {
    const known = { kind: 'known', degradations: {} } as const;
    const state = having(
      two,
      { type: 'photoChanged', id: 'a', values: { look: known } },
      { type: 'finished', result: result('1', 'a', 1, 'only the noise') },
      { type: 'photoShown', id: 'b' },
      { type: 'resultShown', id: '1' },
    );
    expect([state.openId, state.shownId]).toEqual(['a', '1']);
    expect(state.photos[0]).toMatchObject({ look: known, prompt: 'only the noise', strengths: { noise: 12 } });
    expect(state.photos[1]).toMatchObject({ look: { kind: 'none' }, prompt: '' });
  });

  it('are shown when they are done, unless someone looks at another photo', () => {
    const here = having(two, { type: 'finished', result: result('1', 'a', 1) });
    expect(here.shownId).toBe('1');
    const there = having(two, { type: 'photoShown', id: 'b' }, { type: 'finished', result: result('1', 'a', 1) });
    expect([there.openId, there.shownId]).toEqual(['b', undefined]);
    expect(reduce(there, { type: 'photoShown', id: 'a' }).shownId).toBe('1');
  });

  it('come back to their place after they were removed', () => {
    const state = having(
      two,
      ...[1, 2, 3].map((n): Action => ({ type: 'finished', result: result(String(n), 'a', n) })),
      { type: 'resultRemoved', id: '2' },
    );
    expect([state.results.map(({ id }) => id), state.shownId]).toEqual([['1', '3'], '3']);
    const back = reduce(state, { type: 'undone' });
    expect([back.results.map(({ id }) => id), back.shownId]).toEqual([['1', '2', '3'], '2']);
  });
});

describe('the queue', () => {
  it('takes each photo once, and none that is at work', () => {
    const state = having(
      two,
      { type: 'started', job },
      { type: 'queued', ids: ['a', 'b'] },
      { type: 'queued', ids: ['b'] },
    );
    expect(state.waiting).toEqual(['b']);
    expect(reduce(state, { type: 'started', job: { ...job, photoId: 'b' } }).waiting).toEqual([]);
  });

  it('forgets everything when it is cleared, but for what was chosen', () => {
    const state = having(two, { type: 'settings', values: { place: 'server', seed: 3 } }, { type: 'cleared' });
    expect([state.photos, state.results, state.waiting, state.openId]).toEqual([[], [], [], undefined]);
    expect(state.settings).toMatchObject({ place: 'server', seed: 3 });
  });
});

describe('the time that is left', () => {
  it.each([
    [0, 0, undefined, undefined],
    [0, 0, 40, 40],
    [10, 0.1, 40, 30],
    // Its own pace, once that tells something.
    [10, 0.25, 400, 30],
    [30, 1, 40, 0],
    // It takes longer than it was thought to.
    [50, 0.1, 40, undefined],
  ])('%d s, %d done, %s expected: %s', (elapsed, fraction, expected, left) => {
    expect(secondsLeft(elapsed, fraction, expected)).toBe(left);
  });

  it.each([
    [2, 'a few seconds'],
    [18, 'about 20 seconds'],
    [60, 'about a minute'],
    [146, 'about 2 minutes'],
  ])('%d s in words: %s', (seconds, words) => {
    expect(inWords(seconds)).toBe(words);
  });
});
