import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import * as f from '../graph/functions.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { Engine, float32, floats } from './engine.ts';

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const failed = (message: RegExp) =>
  expect.objectContaining({ code: 'RUNTIME_FAILED', message: expect.stringMatching(message) });
const one = (...values: number[]) => float32(Float32Array.from(values), [values.length]);

/** y = 2 x, for x [2]. */
function doubling(): Uint8Array {
  const graph = new Graph();
  graph.output('y', f.mul(graph.input('x', [2]), 2));
  return emitModel(graph);
}

/** total' = total + x, and its square as an ordinary result. */
function running(): Uint8Array {
  const graph = new Graph();
  const next = f.add(graph.input('total', [2]), graph.input('x', [2]));
  graph.output('next', next);
  graph.output('square', f.square(next));
  return emitModel(graph);
}
const RESIDENT = { total: 'next' };

/** A product that takes a good part of a second. */
function slow(): Uint8Array {
  const graph = new Graph();
  const x = graph.input('x', [1024, 1024]);
  graph.output('y', f.reduceSum([1, 2, 3, 4, 5].reduce((y) => f.matMul(y, x), x)));
  return emitModel(graph);
}
const large = () => float32(new Float32Array(1024 * 1024).fill(1e-3), [1024, 1024]);

describe('models', () => {
  it('that are damaged give the runtime’s own words, and the engine goes on', async () => {
    await expect(engine.load(Uint8Array.of(1, 2, 3))).rejects.toThrow(failed(/^cpu: .+/));
    await expect(engine.load(new Uint8Array(0))).rejects.toThrow(failed(/^cpu: .+/));
    const model = doubling();
    await expect(engine.load(model.subarray(0, model.length - 20))).rejects.toThrow(failed(/^cpu: .+/));
    const session = await engine.load(model);
    expect([...floats((await session.run({ x: one(1, 2) })).outputs, 'y')]).toEqual([2, 4]);
  });

  it('takes a model that is given away, and copies one that is not', async () => {
    const [kept, given] = [doubling(), Uint8Array.from(doubling())];
    const bytes = given.byteLength;
    await (await engine.load(kept)).release();
    await (await engine.load(given, { giveAway: true })).release();
    expect([kept.byteLength, given.byteLength]).toEqual([bytes, 0]);
    // What shares its buffer with others cannot be given away, and is copied.
    const shared = new Uint8Array([0, ...kept]).subarray(1);
    await (await engine.load(shared, { giveAway: true })).release();
    expect([...shared]).toEqual([...kept]);
  });

  it('refuse inputs that do not fit, and take the next ones', async () => {
    const session = await engine.load(doubling());
    await expect(session.run({})).rejects.toThrow(failed(/x/));
    await expect(session.run({ x: one(1, 2, 3) })).rejects.toThrow(failed(/x/));
    const whole = { dtype: 'int64', shape: [2], data: BigInt64Array.of(1n, 2n) } as const;
    await expect(session.run({ x: whole })).rejects.toThrow(failed(/int64/));
    expect([...floats((await session.run({ x: one(3, 4) })).outputs, 'y')]).toEqual([6, 8]);
  });

  it('that were released are gone, and others are not', async () => {
    const [kept, gone] = [await engine.load(doubling()), await engine.load(doubling())];
    await gone.release();
    await expect(gone.run({ x: one(1, 2) })).rejects.toThrow(failed(/session \d+ is not loaded/));
    await expect(kept.run({ x: one(1, 2) })).resolves.toBeDefined();
  });

  it('a name that is no float output is refused', async () => {
    const session = await engine.load(doubling());
    const { outputs } = await session.run({ x: one(1, 2) });
    expect(() => floats(outputs, 'z')).toThrow(failed(/output z: expected float32 values/));
  });
});

describe('runs', () => {
  it('asked for at once are done in order', async () => {
    const session = await engine.load(doubling());
    const replies = await Promise.all([1, 2, 3, 4].map((v) => session.run({ x: one(v, -v) })));
    expect(replies.map(({ outputs }) => [...floats(outputs, 'y')])).toEqual([
      [2, -2],
      [4, -4],
      [6, -6],
      [8, -8],
    ]);
    expect(replies.every(({ busy }) => busy > 0)).toBe(true);
  });

  it('leave the event loop free', async () => {
    const session = await engine.load(slow());
    let ticks = 0;
    const timer = setInterval(() => ticks++, 2);
    const { busy } = await session.run({ x: large() });
    clearInterval(timer);
    expect(busy).toBeGreaterThan(20);
    expect(ticks).toBeGreaterThan(2);
  });

  it('are not begun when already cancelled', async () => {
    const session = await engine.load(running(), { resident: RESIDENT });
    await session.write({ total: one(0, 0) });
    const cancelled = expect.objectContaining({ code: 'CANCELLED' });
    await expect(session.run({ x: one(1, 1) }, AbortSignal.abort())).rejects.toThrow(cancelled);
    expect([...floats(await session.read(), 'total')]).toEqual([0, 0]);
    const controller = new AbortController();
    const started = session.run({ x: one(1, 1) }, controller.signal);
    controller.abort();
    await expect(started).rejects.toThrow(cancelled);
    // A run itself cannot be stopped; what comes after it can.
    await expect(session.run({ x: one(1, 1) })).resolves.toBeDefined();
  });
});

describe('resident values', () => {
  const open = async () => {
    const session = await engine.load(running(), { resident: RESIDENT });
    await session.write({ total: one(10, 20) });
    const total = async () => [...floats(await session.read(), 'total')];
    const add = async (a: number, b: number) => (await session.run({ x: one(a, b) })).outputs;
    return { session, total, add };
  };

  it('go from run to run without leaving the engine', async () => {
    const { total, add } = await open();
    // More runs than there are buffers to take turns.
    for (let i = 1; i <= 5; i++) {
      const outputs = await add(1, -1);
      expect(Object.keys(outputs)).toEqual(['square']);
      expect([...floats(outputs, 'square')]).toEqual([(10 + i) ** 2, (20 - i) ** 2]);
      expect(await total()).toEqual([10 + i, 20 - i]);
    }
  });

  it('are read as copies that later runs do not change', async () => {
    const { session, add } = await open();
    const before = floats(await session.read(), 'total');
    for (let i = 0; i < 3; i++) await add(1, 1);
    expect([...before]).toEqual([10, 20]);
  });

  it('can be set anew between runs', async () => {
    const { session, total, add } = await open();
    await add(1, 1);
    await session.write({ total: one(0, 0) });
    await add(1, 2);
    await add(1, 2);
    expect(await total()).toEqual([2, 4]);
  });

  it('stay apart when they were set from one array', async () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [2]), graph.input('b', [2])];
    graph.output('next.a', f.add(a, 1));
    graph.output('next.b', f.sub(b, 1));
    const session = await engine.load(emitModel(graph), { resident: { a: 'next.a', b: 'next.b' } });
    const same = one(0, 0);
    await session.write({ a: same, b: same });
    for (let i = 0; i < 4; i++) await session.run({});
    const values = await session.read();
    expect([...floats(values, 'a'), ...floats(values, 'b')]).toEqual([4, 4, -4, -4]);
  });

  it('go back by one run, and on from there', async () => {
    const { session, total, add } = await open();
    await add(1, 1);
    await session.rollback();
    expect(await total()).toEqual([10, 20]);
    await add(2, 2);
    await add(3, 3);
    await session.rollback();
    expect(await total()).toEqual([12, 22]);
    await add(4, 4);
    expect(await total()).toEqual([16, 26]);
  });

  it('are as they were after a run that failed', async () => {
    const { session, total, add } = await open();
    await add(1, 1);
    await expect(session.run({ x: one(1, 2, 3) })).rejects.toThrow(failed(/x/));
    expect(await total()).toEqual([11, 21]);
    await add(1, 1);
    expect(await total()).toEqual([12, 22]);
  });
});

describe('the end', () => {
  it('of an engine rejects what is under way and what comes after', async () => {
    const other = new Engine({ threads: 1 });
    const session = await other.load(slow());
    const pending = [session.run({ x: large() }), session.run({ x: large() })];
    const outcomes = Promise.allSettled(pending);
    await other.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: failed(/the engine was closed/) });
    }
    await expect(session.run({ x: large() })).rejects.toThrow(failed(/the engine was closed/));
    await expect(other.load(doubling())).rejects.toThrow(failed(/the engine was closed/));
    await other.close();
  });

  /** Runs a module in a process of its own, which has to end by itself; its output and exit code. */
  async function child(body: string): Promise<{ readonly printed: string; readonly code: number }> {
    const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
    const script = `
      import { Engine, float32, floats } from ${from('./engine.ts')};
      import * as f from ${from('../graph/functions.ts')};
      import { Graph } from ${from('../graph/graph.ts')};
      import { emitModel } from ${from('../graph/onnx/emit.ts')};
      const graph = new Graph();
      graph.output('y', f.mul(graph.input('x', [1]), 2));
      const engine = new Engine({ threads: 1 });
      const session = await engine.load(emitModel(graph));
      const run = async (x) => floats((await session.run({ x: float32(Float32Array.of(x), [1]) })).outputs, 'y')[0];
      ${body}`;
    const options = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', script];
    const ended = promisify(execFile)(process.execPath, options, { timeout: 60_000 });
    return ended.then(
      ({ stdout }) => ({ printed: stdout.trim(), code: 0 }),
      ({ stdout, code }: { stdout: string; code: number }) => ({ printed: stdout.trim(), code }),
    );
  }

  it('of a process comes by itself when its engine is idle', async () => {
    expect(await child('console.log(await run(21));')).toEqual({ printed: '42', code: 0 });
  });

  it('of a process comes by itself when its engine was never used', async () => {
    expect(await child('new Engine({ threads: 1 }); console.log("made");')).toEqual({ printed: 'made', code: 0 });
  });

  it('of a process waits for a run that is under way', async () => {
    const body = 'run(21).then((y) => run(y)).then((y) => console.log(y));';
    expect(await child(body)).toEqual({ printed: '84', code: 0 });
  });

  // The runtime aborts the process when its thread is ended within a run.
  it.each([
    ['process.exit', 'process.exit(7)', 7],
    ['an uncaught error', 'throw new Error("stop")', 1],
  ])('of a process by %s within a run has its exit code', async (_, end, code) => {
    const body = `
      const large = new Graph();
      const x = large.input('x', [1024, 1024]);
      large.output('y', f.reduceSum([1, 2, 3, 4, 5].reduce((y) => f.matMul(y, x), x)));
      const other = await engine.load(emitModel(large));
      other.run({ x: float32(new Float32Array(1024 * 1024), [1024, 1024]) });
      setTimeout(() => { ${end} }, 40);`;
    expect(await child(body)).toEqual({ printed: '', code });
  });
});
