import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { send, startGateway, withoutDcmtk, writeStudy } from '../support/gateway.js';
import { attack } from './hostile-peers.js';

describe('a receiver', () => {
  it('is stopped by no malformed connection, and keeps nothing of it', async () => {
    const gateway = await startGateway({ limits: { freeGiB: 0, connections: 4 } });
    await attack(gateway.port, 120);
    // Files that are being looked at go in a moment.
    for (let look = 0; look < 100; look++) {
      if (readdirSync(gateway.at('state', 'arriving')).length === 0) break;
      await wait(100);
    }
    expect(readdirSync(gateway.at('state', 'arriving'))).toEqual([]);
    expect(readdirSync(gateway.at('state', 'studies'))).toEqual([]);
    expect((await gateway.status()).jobs).toEqual({});
    if (withoutDcmtk) return;
    await send(gateway.port, writeStudy(gateway.at('study'), { study: '1.2.3' }));
    await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 1);
  });
});

describe.skipIf(withoutDcmtk)(
  `what storescu sends${withoutDcmtk ? ` (skipped: ${withoutDcmtk})` : ''}`,
  () => {
    it('is kept to the byte, with private elements and texts in their character set', async () => {
      const gateway = await startGateway({ quietSeconds: 60 });
      const study = writeStudy(gateway.at('study'), {
        study: '1.2.3',
        slices: 1,
        elements: {
          '00080005': ['CS', 'ISO_IR 100'],
          '00100010': ['PN', Buffer.from('M\xfcller^J\xf6rg', 'latin1')],
          '00291010': ['LO', 'SIEMENS CSA'],
          '00290010': ['LO', 'PRIVATE'],
        },
      });
      await send(gateway.port, study);
      const [folder] = readdirSync(gateway.at('state', 'studies'));
      const [name] = readdirSync(gateway.at('state', 'studies', folder));
      const kept = readFileSync(gateway.at('state', 'studies', folder, name));
      const sent = readFileSync(join(study, '0.dcm'));
      const start = (bytes: Buffer) => bytes.indexOf(Buffer.from([8, 0, 5, 0, 0x43, 0x53]));
      expect(start(sent)).toBeGreaterThan(0);
      expect(kept.subarray(start(kept)).equals(sent.subarray(start(sent)))).toBe(true);
    });
  },
);
