import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort, has } from './gateway.js';

/** Why tests on a cluster are skipped; undefined where Slurm is there. */
export const withoutSlurm = ['munged', 'slurmctld', 'slurmd', 'sbatch'].every(has)
  ? undefined
  : 'slurm-wlm and munge are not installed';

export interface Cluster {
  /** Ends the daemon of a node and all that runs on it, as a power cut would. */
  readonly lose: (node: string) => void;
  /** Starts it again. */
  readonly give: (node: string) => void;
  readonly stop: () => void;
}

/** A Slurm of two nodes of one core each, n1 and n2, on loopback, whose commands this process and its children find by SLURM_CONF. */
export async function startSlurm(): Promise<Cluster> {
  // Sockets have short names.
  const folder = mkdtempSync(join(tmpdir(), 'slurm-'));
  const at = (name: string) => join(folder, name);
  const host = hostname().split('.')[0];
  const [controller, first, second] = [await freePort(), await freePort(), await freePort()];
  const node = (name: string, port: number) =>
    `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port} CPUs=1 RealMemory=8000`;
  writeFileSync(at('munge.key'), randomBytes(1024), { mode: 0o600 });
  writeFileSync(
    at('slurm.conf'),
    [
      'ClusterName=test',
      `SlurmctldHost=${host}(127.0.0.1)`,
      `SlurmctldPort=${controller}`,
      'AuthType=auth/munge',
      `AuthInfo=socket=${at('munge.socket')}`,
      'CredType=cred/munge',
      `SlurmUser=${userInfo().username}`,
      `SlurmdUser=${userInfo().username}`,
      `StateSaveLocation=${at('state')}`,
      `SlurmdSpoolDir=${at('spool-%n')}`,
      `SlurmctldPidFile=${at('slurmctld.pid')}`,
      `SlurmdPidFile=${at('slurmd-%n.pid')}`,
      `SlurmctldLogFile=${at('slurmctld.log')}`,
      `SlurmdLogFile=${at('slurmd-%n.log')}`,
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_Core_Memory',
      'ReturnToService=2',
      'SlurmdTimeout=5',
      'KillWait=2',
      'MailProg=/bin/true',
      node('n1', first),
      node('n2', second),
      'PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP',
    ].join('\n'),
  );
  process.env.SLURM_CONF = at('slurm.conf');
  execFileSync('munged', [
    ...['--force', `--key-file=${at('munge.key')}`, `--socket=${at('munge.socket')}`],
    ...[`--pid-file=${at('munged.pid')}`, `--log-file=${at('munged.log')}`],
    `--seed-file=${at('munged.seed')}`,
  ]);
  const daemons = new Map<string, ChildProcess>();
  const start = (name: string, command: string, args: string[]) =>
    daemons.set(name, spawn(command, args, { stdio: 'ignore', detached: true }));
  const give = (name: string) => start(name, 'slurmd', ['-D', '-N', name]);
  start('slurmctld', 'slurmctld', ['-D']);
  give('n1');
  give('n2');
  const cluster: Cluster = {
    give,
    lose: (name) => {
      kill(daemons.get(name));
      // The step's own daemon first: it would tell the controller that its task failed.
      const tasks = processesOf(at('slurm.conf'), name);
      for (const pid of [...tasks.map(parentOf), ...tasks]) killProcess(pid);
    },
    stop: () => {
      for (const name of ['n1', 'n2']) cluster.lose(name);
      kill(daemons.get('slurmctld'));
      spawnSync('munged', [
        '--stop',
        `--socket=${at('munge.socket')}`,
        `--pid-file=${at('munged.pid')}`,
      ]);
      delete process.env.SLURM_CONF;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  for (let tries = 0; tries < 100; tries++) {
    const { stdout } = spawnSync('sinfo', ['-h', '-t', 'idle', '-o', '%D'], { encoding: 'utf8' });
    if (stdout.trim() === '2') return cluster;
    await wait(300);
  }
  cluster.stop();
  throw new Error('Slurm did not start');
}

const kill = (child: ChildProcess | undefined) => killProcess(child?.pid ?? 0);

function killProcess(pid: number): void {
  try {
    if (pid > 1) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Processes of tasks on a node of one cluster. */
function processesOf(conf: string, node: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const own = textOf(`/proc/${name}/environ`).split('\0');
    const isOfNode = own.includes(`SLURMD_NODENAME=${node}`) && own.includes(`SLURM_CONF=${conf}`);
    return /^\d+$/.test(name) && isOfNode ? [Number(name)] : [];
  });
}

const parentOf = (pid: number) =>
  Number(/^PPid:\s*(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1]);

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
