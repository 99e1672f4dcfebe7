import { defineConfig } from 'vitest/config';

// Tests that load ONNX Runtime themselves: it sends nothing.
process.env.ORT_DISABLE_TELEMETRY = '1';

export default defineConfig({
  test: {
    include: ['test/**/*.long.test.ts'],
    passWithNoTests: true,
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
    globalSetup: 'test/support/built.ts',
    setupFiles: 'test/support/equal-bytes.ts',
    pool: 'forks',
  },
});
