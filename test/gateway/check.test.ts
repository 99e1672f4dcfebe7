import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { checkGateway } from '../../src/gateway/check.js';
import { readConfig } from '../../src/gateway/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';

it('finds a configuration in order whose state is still to be made, whichever check comes first', async () => {
  for (let time = 0; time < 30; time++) {
    const at = temporaryFolder();
    for (const name of ['inbox', 'out']) mkdirSync(at(name));
    const folders = [{ path: at('inbox') }];
    const config = { schema: 'dawson-gateway', schemaVersion: 1, state: 'a/b/state', folders };
    const out = [{ name: 'out', kind: 'folder', path: at('out') }];
    writeFileSync(
      at('gateway.json'),
      JSON.stringify({ ...config, destinations: out, limits: { freeGiB: 0 } }),
    );
    const checks = await checkGateway(
      await readConfig(at('gateway.json')),
      new AbortController().signal,
    );
    expect(checks.filter(({ wrong }) => wrong !== undefined)).toEqual([]);
  }
});
