import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/volume/random.js';
import { withoutDcmtk } from '../support/gateway.js';
import { sendAndKill } from './killed-gateway.js';

describe.skipIf(withoutDcmtk)(
  `a gateway that is killed${withoutDcmtk ? ` (skipped: ${withoutDcmtk})` : ''}`,
  () => {
    it('delivers every study that was taken, each version once', async () => {
      const random = seededRandom(1).uniform;
      const { delivered } = await sendAndKill({ studies: 4, kills: 2, random });
      expect(delivered.size).toBe(4);
      for (const images of delivered.values()) {
        expect(new Set(images).size).toBe(images.length);
        expect(Math.max(...images)).toBe(3);
      }
    });
  },
);
