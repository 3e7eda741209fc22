import { defineConfig } from 'vitest/config';
import { builtProgram } from './test/support/built-program.ts';
import SkippedReporter from './test/support/skipped-reporter.ts';

/** Tests that replace a module for themselves: in a process that others share, these would have it loaded already. */
const replacing = ['src/train/checkpoint.test.ts', 'src/train/log.test.ts'];
/** Tests that start programs, servers and pages. */
const programs = ['test/e2e/**/*.test.ts'];

/** Of a test and of what comes before it, ms; scripts/mutants.ts takes them, too. */
export const limits = { testTimeout: 120_000, hookTimeout: 120_000 };
const plugins = builtProgram(process.env.CLEARWORD_PROGRAM);

export default defineConfig({
  test: {
    // Every file may open its own inference sessions: two processes fill the cores without exhausting memory.
    maxWorkers: 2,
    reporters: ['default', new SkippedReporter()],
    globalSetup: 'test/support/loaders.setup.ts',
    projects: [
      {
        // One process for many files: loading the library anew for each of them took longer than its tests.
        plugins,
        test: {
          ...limits,
          name: 'modules',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...programs, ...replacing],
          isolate: false,
        },
      },
      { plugins, test: { ...limits, name: 'programs', include: programs } },
      { test: { ...limits, name: 'replacing', include: replacing } },
    ],
  },
});
