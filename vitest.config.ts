import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    // Tests run real image processing on as few as two busy cores: the bound only catches hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    globalSetup: 'test/support/built.ts',
    pool: 'forks',
    // Most tests use one core; vitest leaves one of two idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default'],
  },
});
