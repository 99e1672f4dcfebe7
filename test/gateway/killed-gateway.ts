import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { askGateway, type GatewayStatus, statePaths } from '../../src/gateway/index.js';
import { freePort, send, writeStudy } from '../support/gateway.js';
import type { Orthanc } from '../support/orthanc.js';
import type { PostgresServer } from '../support/postgres-server.mjs';
import { temporaryFolder } from '../support/temporary-folder.js';

const script = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url));
const slices = 3;

export interface KillingOutcome {
  /** Images of each result that was delivered to the folder, by study. */
  readonly delivered: ReadonlyMap<string, readonly number[]>;
  readonly kills: Readonly<Record<string, number>>;
  readonly orthanc?: Orthanc;
}

export interface Killed {
  readonly studies: number;
  readonly kills: number;
  readonly random: () => number;
  readonly startOrthanc?: (gatewayPort: number) => Promise<Orthanc>;
  /** With one, jobs are run by two workers, which are killed too. */
  readonly postgres?: PostgresServer;
}

/**
 * Sends studies, each until it is taken, to a gateway that is killed at random moments (or a worker,
 * the process of a job, the Orthanc it delivers to, the database, instead), and waits until all is
 * delivered.
 */
export async function sendAndKill(given: Killed): Promise<KillingOutcome> {
  const { studies, kills, random, startOrthanc, postgres } = given;
  const at = temporaryFolder();
  const port = await freePort();
  const orthanc = await startOrthanc?.(port);
  writeConfig(at('gateway.json'), port, orthanc, postgres);
  const gateway = keptRunning([script('gateway-process.mjs'), at('gateway.json')]);
  const workers = (postgres ? [0, 0] : []).map((seconds) =>
    keptRunning([script('worker-process.mjs'), at('gateway.json'), `${seconds}`]),
  );
  let sent = 0;
  const sending = sendStudies(at('studies'), port, studies, (study) => {
    sent = study;
  });
  const done: Record<string, number> = {};
  for (let kill = 0; kill < kills; kill++) {
    // Over the whole time, however fast the machine is.
    while (sent < (kill * studies) / kills) await wait(20);
    await wait(2000 * random());
    const parents = postgres ? workers : [gateway];
    const victims = {
      gateway: async () => gateway.kill(),
      job: () => killAJob(parents[Math.floor(random() * parents.length)].pid()),
      ...(orthanc && { orthanc: async () => killOrthanc(orthanc) }),
      ...(postgres && {
        worker: async () => workers[Math.floor(random() * workers.length)].kill(),
        database: async () => killDatabase(postgres),
      }),
    };
    const names = Object.keys(victims) as (keyof typeof victims)[];
    const name = names[Math.floor(random() * names.length)];
    done[name] = (done[name] ?? 0) + (await victims[name]!());
  }
  await sending;
  await untilIdle(statePaths(at('state')).control);
  return { delivered: deliveredIn(at('out')), kills: done, orthanc };
}

function writeConfig(
  file: string,
  port: number,
  orthanc: Orthanc | undefined,
  postgres: PostgresServer | undefined,
): void {
  const pacs = orthanc && {
    ...{ name: 'pacs', kind: 'dicom', host: '127.0.0.1', port: orthanc.dicom },
    ...{ title: 'ORTHANC', from: 'DAWSON' },
  };
  const config = {
    ...{ schema: 'dawson-gateway', schemaVersion: 1, state: 'state' },
    ...(postgres && { queue: postgres.url, queuePasswordFile: postgres.passwordFile }),
    receiver: { title: 'DAWSON', port, peers: [{ title: 'STORESCU' }] },
    quietSeconds: 2,
    jobs: { atOnce: 2, attempts: 100 },
    destinations: [{ name: 'out', kind: 'folder', path: 'out' }, ...(pacs ? [pacs] : [])],
    limits: { freeGiB: 0 },
  };
  writeFileSync(file, JSON.stringify(config));
}

/** A process that is started again whenever it ends, until the end of the test. */
function keptRunning(args: readonly string[]) {
  let child: ChildProcess;
  let ended = false;
  const start = () => {
    child = spawn(process.execPath, args, { stdio: 'ignore' });
    child.once('close', () => {
      if (!ended) start();
    });
  };
  onTestFinished(() => {
    ended = true;
    child.kill('SIGKILL');
  });
  start();
  return { pid: () => child.pid, kill: () => (child.kill('SIGKILL') ? 1 : 0) };
}

async function sendStudies(
  folder: string,
  port: number,
  studies: number,
  sent: (study: number) => void,
): Promise<void> {
  for (let study = 1; study <= studies; study++) {
    const own = writeStudy(join(folder, `${study}`), { study: `1.2.${study}`, slices });
    // As an archive does: again until all of it is taken.
    const isTaken = () =>
      send(port, own).then(
        ({ stderr }) => !/^[EF]: /m.test(stderr),
        () => false,
      );
    while (!(await isTaken())) await wait(100);
    rmSync(own, { recursive: true });
    sent(study);
  }
}

function killOrthanc(orthanc: Orthanc): number {
  orthanc.kill();
  return 1;
}

/** It is away for up to some seconds: the system starts it again. */
function killDatabase(postgres: PostgresServer): number {
  postgres.kill();
  setTimeout(() => postgres.start().catch(() => {}), 3000);
  return 1;
}

async function untilIdle(control: string): Promise<void> {
  for (;;) {
    const now = await askGateway<GatewayStatus>(control, '/status').catch(() => undefined);
    const { arriving = 1, jobs = {}, deliveries = {} } = now ?? {};
    if (arriving === 0 && !jobs.waiting && !jobs.running && !deliveries.waiting) return;
    await wait(200);
  }
}

function deliveredIn(folder: string): Map<string, number[]> {
  const delivered = new Map<string, number[]>();
  for (const name of readdirSync(folder)) {
    const file = join(folder, name, 'delivery.json');
    if (!existsSync(file)) continue;
    const { study, images } = JSON.parse(readFileSync(file, 'utf8'));
    delivered.set(study, [...(delivered.get(study) ?? []), images]);
  }
  return delivered;
}

/** Kills the next process that a gateway or a worker starts; the number of those that were. */
async function killAJob(parent: number | undefined): Promise<number> {
  const children = `/proc/${parent}/task/${parent}/children`;
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
