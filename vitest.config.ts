import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Where the longest tests are, which run the program. */
const longest = ['/test/cli/', '/test/gateway/'];

/** The longest begin first, also where nothing ran before: a long one that begins last runs alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      longest.some((folder) => moduleId.includes(folder)) ? 0 : 1;
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

// Tests that load ONNX Runtime themselves: it sends nothing.
process.env.ORT_DISABLE_TELEMETRY = '1';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    // Tests run real image processing on as few as two busy cores: the bound only catches hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    globalSetup: 'test/support/built.ts',
    setupFiles: 'test/support/equal-bytes.ts',
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // Most tests use one core; vitest leaves one of two idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default'],
  },
});
