import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { maySpin, processors, quota, runtimeThreads } from './processors.ts';

const files = (contents: Readonly<Record<string, string>>) => (path: string) => contents[path];
const unified = (text: string) => files({ '/sys/fs/cgroup/cpu.max': text });
const old = (most: string) =>
  files({ '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': most, '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n' });

describe('the processors of a container', () => {
  it.each([
    ['two', unified('200000 100000\n'), 2],
    ['one and a half', unified('150000 100000\n'), 2],
    ['a tenth', unified('10000 100000\n'), 1],
    ['no quota', unified('max 100000\n'), undefined],
    ['three, in version 1', old('300000\n'), 3],
    ['no quota, in version 1', old('-1\n'), undefined],
    ['no such files', files({}), undefined],
  ])('%s', (_, read, expected) => {
    expect(quota(read)).toBe(expected);
  });

  it('never more than the machine has', () => {
    const machine = availableParallelism();
    expect(processors(unified('100000 100000'))).toBe(1);
    expect(processors(unified(`${(machine + 3) * 100_000} 100000`))).toBe(machine);
    expect(processors(files({}))).toBe(machine);
  });

  it('threads: as asked, else by the quota, else the runtime chooses', () => {
    const one = unified('100000 100000');
    expect(runtimeThreads(3, one)).toBe(3);
    expect(runtimeThreads(0, one)).toBe(availableParallelism() > 1 ? 1 : 0);
    expect(runtimeThreads(0, files({}))).toBe(0);
  });

  it('waiting threads spin only where a processor is to spare', () => {
    const [one, two] = [unified('100000 100000'), unified('200000 100000')];
    expect([maySpin(0, one), maySpin(1, one), maySpin(4, one)]).toEqual([false, false, false]);
    expect(maySpin(0, two)).toBe(false);
    expect(maySpin(1, two)).toBe(availableParallelism() > 1);
  });
});
