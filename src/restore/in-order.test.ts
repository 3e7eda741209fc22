import { describe, expect, it } from 'vitest';
import { inOrder } from './in-order.ts';

/** Tasks that end when they are told to, and what has happened. */
function tasksOf(count: number) {
  const events: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const tasks = Array.from({ length: count }, (_, i) => () => {
    events.push(`start ${i}`);
    return new Promise<number>((resolve, reject) => {
      ends[i] = (error) => (error ? reject(error) : resolve(i));
    });
  });
  return { tasks, events, end: (i: number, error?: Error) => ends[i]?.(error) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('inOrder', () => {
  it('starts the next task before the first has ended, and gives results in their order', async () => {
    const { tasks, events, end } = tasksOf(3);
    const results: number[] = [];
    const reading = (async () => {
      for await (const result of inOrder(tasks, 2)) {
        events.push(`result ${result}`);
        results.push(result);
      }
    })();
    await turn();
    expect(events).toEqual(['start 0', 'start 1']);
    end(1);
    await turn();
    expect(events).toEqual(['start 0', 'start 1']);
    end(0);
    await turn();
    expect(events).toEqual(['start 0', 'start 1', 'result 0', 'start 2', 'result 1']);
    end(2);
    await reading;
    expect(results).toEqual([0, 1, 2]);
  });

  it('one at a time, and none', async () => {
    const { tasks, events, end } = tasksOf(2);
    const results = inOrder(tasks, 1);
    const first = results.next();
    await turn();
    expect(events).toEqual(['start 0']);
    end(0);
    expect(await first).toEqual({ value: 0, done: false });
    await results.return();
    expect(events).toEqual(['start 0']);
    expect(await inOrder([], 2).next()).toEqual({ value: undefined, done: true });
  });

  it('a failure ends it after what is under way, and starts nothing more', async () => {
    const { tasks, events, end } = tasksOf(4);
    const next = inOrder(tasks, 2).next();
    const failed = expect(next).rejects.toThrow('the first');
    await turn();
    end(0, new Error('the first'));
    let over = false;
    void failed.then(() => {
      over = true;
    });
    await turn();
    expect(over).toBe(false);
    end(1, new Error('the second'));
    await failed;
    expect(events).toEqual(['start 0', 'start 1']);
  });
});
