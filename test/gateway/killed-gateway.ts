import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { askGateway, type GatewayStatus, statePaths } from '../../src/gateway/index.js';
import { freePort, send, writeStudy } from '../support/gateway.js';
import type { Orthanc } from '../support/orthanc.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const program = fileURLToPath(new URL('../support/gateway-process.mjs', import.meta.url));
const slices = 3;

export interface KillingOutcome {
  /** Images of each result that was delivered to the folder, by study. */
  readonly delivered: ReadonlyMap<string, readonly number[]>;
  readonly kills: Readonly<Record<string, number>>;
}

/**
 * Sends studies, each until it is taken, to a gateway that is killed at random moments (now and then
 * the process of a job, or the Orthanc it delivers to, instead), and waits until all is delivered.
 */
export async function sendAndKill(
  studies: number,
  kills: number,
  random: () => number,
  startOrthanc?: (gatewayPort: number) => Promise<Orthanc>,
): Promise<KillingOutcome & { readonly orthanc?: Orthanc }> {
  const at = temporaryFolder();
  const port = await freePort();
  const orthanc = await startOrthanc?.(port);
  writeFileSync(
    at('gateway.json'),
    JSON.stringify({
      schema: 'dawson-gateway',
      schemaVersion: 1,
      state: 'state',
      receiver: { title: 'DAWSON', port, peers: [{ title: 'STORESCU' }] },
      quietSeconds: 2,
      jobs: { atOnce: 2, attempts: 100 },
      destinations: [
        { name: 'out', kind: 'folder', path: 'out' },
        ...(orthanc
          ? [
              {
                ...{ name: 'pacs', kind: 'dicom', host: '127.0.0.1', port: orthanc.dicom },
                ...{ title: 'ORTHANC', from: 'DAWSON' },
              },
            ]
          : []),
      ],
      limits: { freeGiB: 0 },
    }),
  );
  const done = { gateway: 0, job: 0, orthanc: 0 };
  let child: ChildProcess | undefined;
  let ended = false;
  const start = () => {
    child = spawn(process.execPath, [program, at('gateway.json')], { stdio: 'ignore' });
    child.once('close', () => {
      if (!ended) start();
    });
  };
  onTestFinished(() => {
    ended = true;
    child?.kill('SIGKILL');
  });
  start();
  const status = () => askGateway<GatewayStatus>(statePaths(at('state')).control, '/status');
  let sent = 0;
  const sending = (async () => {
    for (let study = 1; study <= studies; study++) {
      const folder = writeStudy(at('studies', `${study}`), { study: `1.2.${study}`, slices });
      // As an archive does: again until all of it is taken.
      const isTaken = () =>
        send(port, folder).then(
          ({ stderr }) => !/^[EF]: /m.test(stderr),
          () => false,
        );
      while (!(await isTaken())) await wait(100);
      rmSync(folder, { recursive: true });
      sent = study;
    }
  })();
  for (let kill = 0; kill < kills; kill++) {
    // Over the whole time, however fast the machine is.
    while (sent < (kill * studies) / kills) await wait(20);
    await wait(2000 * random());
    const victim = random();
    if (victim < 0.3) done.job += await killAJob(child);
    else if (victim < 0.45 && orthanc) {
      orthanc.kill();
      done.orthanc++;
    } else if (child?.kill('SIGKILL')) done.gateway++;
  }
  await sending;
  for (;;) {
    const now = await status().catch(() => undefined);
    const { arriving = 1, jobs = {}, deliveries = {} } = now ?? {};
    if (arriving === 0 && !jobs.waiting && !jobs.running && !deliveries.waiting) break;
    await wait(200);
  }
  const delivered = new Map<string, number[]>();
  for (const name of readdirSync(at('out'))) {
    if (!existsSync(join(at('out'), name, 'delivery.json'))) continue;
    const { study, images } = JSON.parse(
      readFileSync(join(at('out'), name, 'delivery.json'), 'utf8'),
    );
    delivered.set(study, [...(delivered.get(study) ?? []), images]);
  }
  return { delivered, kills: done, orthanc };
}

/** Kills the next process that a gateway starts; the number of those that were. */
async function killAJob(gateway: ChildProcess | undefined): Promise<number> {
  const children = `/proc/${gateway?.pid}/task/${gateway?.pid}/children`;
  for (let look = 0; look < 200 && existsSync(children); look++) {
    const [pid] = readFileSync(children, 'utf8').split(' ').filter(Boolean);
    if (pid !== undefined) {
      try {
        process.kill(Number(pid), 'SIGKILL');
        return 1;
      } catch {
        // It has just ended.
      }
    }
    await wait(10);
  }
  return 0;
}
