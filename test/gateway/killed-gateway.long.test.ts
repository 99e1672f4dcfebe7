import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/volume/random.js';
import { withoutDcmtk } from '../support/gateway.js';
import { startOrthanc, withoutOrthanc } from '../support/orthanc.js';
import { postgresOfFile, withoutPostgres } from '../support/postgres.js';
import { type KillingOutcome, sendAndKill } from './killed-gateway.js';

const reason = withoutOrthanc ?? withoutDcmtk;
const skipped = (why: string | undefined) => (why ? ` (skipped: ${why})` : '');
const [studies, kills] = [200, 50];

describe.skipIf(reason)(`killed at 50 random moments${skipped(reason)}`, () => {
  const server = postgresOfFile();

  it('a gateway, jobs and Orthanc lose none of 200 studies, and double none', async () => {
    const random = seededRandom(33).uniform;
    await expectEachOnce(await sendAndKill({ studies, kills, random, startOrthanc }));
  });

  it.skipIf(withoutPostgres)(
    `a gateway, two workers, jobs, PostgreSQL and Orthanc lose none of 200 studies, and double none${skipped(withoutPostgres)}`,
    async () => {
      const random = seededRandom(34).uniform;
      const postgres = server();
      await expectEachOnce(await sendAndKill({ studies, kills, random, startOrthanc, postgres }));
      // An attempt is handed out once: what is taken again is another one.
      const again = await postgres.query('select 1 from dawson.job where retry_count > 0');
      expect(again).toEqual([]);
    },
  );
});

async function expectEachOnce({ delivered, kills, orthanc }: KillingOutcome): Promise<void> {
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
}
