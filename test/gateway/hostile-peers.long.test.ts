import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.js';
import { attack } from './hostile-peers.js';

describe('a receiver', () => {
  it('is stopped by none of 2004 malformed connections, and keeps nothing of them', async () => {
    const gateway = await startGateway({ limits: { freeGiB: 0, connections: 4 } });
    const before = process.memoryUsage().rss;
    await attack(gateway.port, 2004);
    for (let look = 0; look < 100; look++) {
      if (readdirSync(gateway.at('state', 'arriving')).length === 0) break;
      await wait(100);
    }
    const mib = (process.memoryUsage().rss - before) / 2 ** 20;
    console.log(`${mib.toFixed(0)} MiB more memory`);
    expect(readdirSync(gateway.at('state', 'arriving'))).toEqual([]);
    expect(readdirSync(gateway.at('state', 'studies'))).toEqual([]);
    expect((await gateway.status()).jobs).toEqual({});
  });
});
