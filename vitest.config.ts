import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Every file may open its own inference sessions: two processes fill the cores without exhausting memory.
    maxWorkers: 2,
  },
});
