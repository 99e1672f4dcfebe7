import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/volume/random.js';
import { withoutDcmtk } from '../support/gateway.js';
import { sendAndKill } from './killed-gateway.js';

describe.skipIf(withoutDcmtk)(
  `a gateway that is killed${withoutDcmtk ? ` (skipped: ${withoutDcmtk})` : ''}`,
  () => {
    it('delivers every study that was taken, each version once', async () => {
      const { delivered } = await sendAndKill(4, 2, seededRandom(1).uniform);
      expect(delivered.size).toBe(4);
      for (const images of delivered.values()) {
        expect(new Set(images).size).toBe(images.length);
        expect(Math.max(...images)).toBe(3);
      }
    });
  },
);
