import { defineConfig } from 'vitest/config';
import SkippedReporter from './test/support/skipped-reporter.ts';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Every file may open its own inference sessions: two processes fill the cores without exhausting memory.
    maxWorkers: 2,
    reporters: ['default', new SkippedReporter()],
  },
});
