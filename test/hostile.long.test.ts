import { describe, expect, it } from 'vitest';
import { faults, hostileInputs, readMutants, tableOf } from './support/hostile.js';
import { temporaryFolder } from './support/temporary-folder.js';

const count = 10_000;

describe('ten thousand mutants of valid files', () => {
  it('are refused or read by every reader, which neither dies nor hangs of them', async () => {
    const inputs = await hostileInputs(temporaryFolder()());
    const outcomes = await readMutants(inputs, { seed: 2, count });
    console.log(tableOf(outcomes));
    expect(outcomes).toHaveLength(count);
    expect(faults(inputs, outcomes)).toEqual([]);
  });
});
