import { describe, expect, it } from 'vitest';
import { Uploads } from './uploads.ts';

/** An action that ends when it is told to. */
function open() {
  let end = () => {};
  const action = () => new Promise<void>((resolve) => (end = resolve));
  return { action, end: () => end() };
}

describe('slots for uploads', () => {
  it('are not all of one client', async () => {
    const uploads = new Uploads({ all: 4, each: 2, patience: 20 });
    const held = [open(), open()];
    const running = held.map(({ action }) => uploads.within('slow', action));
    await expect(uploads.within('slow', async () => 'in')).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      message: 'expected at most 4 uploads at a time, 2 of one client',
    });
    expect(await uploads.within('other', async () => 'in')).toBe('in');
    for (const { end } of held) end();
    await Promise.all(running);
    expect(await uploads.within('slow', async () => 'in')).toBe('in');
  });

  it('go to whoever waits, in the order in which they came, past those whose own are taken', async () => {
    const uploads = new Uploads({ all: 2, each: 1, patience: 5000 });
    const order: string[] = [];
    const [first, second] = [open(), open()];
    const running = [uploads.within('a', first.action), uploads.within('b', second.action)];
    const waiting = ['a', 'c', 'd'].map((client) => uploads.within(client, async () => void order.push(client)));
    second.end();
    await Promise.all(waiting.slice(1));
    expect(order).toEqual(['c', 'd']);
    first.end();
    await Promise.all([...running, ...waiting]);
    expect(order).toEqual(['c', 'd', 'a']);
  });

  it('are given back by what fails', async () => {
    const uploads = new Uploads({ all: 1, each: 1, patience: 20 });
    for (let i = 0; i < 3; i++) {
      await expect(uploads.within('a', () => Promise.reject(new Error('it failed')))).rejects.toThrow('it failed');
    }
    expect(await uploads.within('a', async () => 'in')).toBe('in');
  });
});
