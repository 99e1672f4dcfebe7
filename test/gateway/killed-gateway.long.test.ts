import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/volume/random.js';
import { withoutDcmtk } from '../support/gateway.js';
import { startOrthanc, withoutOrthanc } from '../support/orthanc.js';
import { sendAndKill } from './killed-gateway.js';

const reason = withoutOrthanc ?? withoutDcmtk;
const studies = 200;

describe.skipIf(reason)(
  `gateway, jobs and Orthanc that are killed${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    it('lose none of 200 studies at 50 random moments, and double none', async () => {
      const { delivered, kills, orthanc } = await sendAndKill(
        studies,
        50,
        seededRandom(33).uniform,
        startOrthanc,
      );
      const versions = [...delivered.values()];
      const parts = versions.flat().filter((images) => images < 3).length;
      console.log(
        `${JSON.stringify(kills)}; ${versions.length} studies, ${parts} results of a part that came first`,
      );
      expect(versions.length).toBe(studies);
      for (const images of versions) {
        expect(images.filter((number) => number === 3)).toHaveLength(1);
        expect(new Set(images).size).toBe(images.length);
      }
      const inOrthanc = await orthanc!.get<{ Instances: string[] }[]>('/series?expand');
      expect(inOrthanc.length).toBe(versions.flat().length);
      expect(inOrthanc.filter(({ Instances }) => Instances.length !== 1)).toEqual([]);
      expect(await orthanc!.get<string[]>('/studies')).toHaveLength(studies);
    });
  },
);
