import { describe, expect, it } from 'vitest';
import { faults, hostileInputs, readMutants } from './support/hostile.js';
import { temporaryFolder } from './support/temporary-folder.js';

describe('mutants of valid files', () => {
  it('are refused or read by every reader, which neither dies nor hangs of them', async () => {
    const inputs = await hostileInputs(temporaryFolder()());
    // `npm run test:long -- hostile` reads 10,000 and prints a table.
    const outcomes = await readMutants(inputs, { seed: 1, count: 12 * inputs.length });
    expect(faults(inputs, outcomes)).toEqual([]);
  });
});
