import { defineConfig } from 'vitest/config';
import SkippedReporter from './test/support/skipped-reporter.ts';

/** Tests that replace a module for themselves: in a process that others share, these would have it loaded already. */
const replacing = ['src/train/checkpoint.test.ts', 'src/train/log.test.ts'];

const limits = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    // Every file may open its own inference sessions: two processes fill the cores without exhausting memory.
    maxWorkers: 2,
    reporters: ['default', new SkippedReporter()],
    projects: [
      {
        // One process for many files: loading the library anew for each of them took longer than its tests.
        test: {
          ...limits,
          name: 'modules',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['test/e2e/**', ...replacing],
          isolate: false,
        },
      },
      {
        // What starts programs, servers and pages, each in a process of its own.
        test: { ...limits, name: 'programs', include: ['test/e2e/**/*.test.ts', ...replacing] },
      },
    ],
  },
});
