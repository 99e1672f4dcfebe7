// A PostgreSQL for tests and benchmarks, from Debian's package: in a folder of its own, on a port of
// 127.0.0.1, as another user where we are root, since it does not run as root.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';

/** Debian keeps the programs of each version in a folder of its own. */
function programs() {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return versions
    .map((version) => join(root, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

const isRoot = process.getuid?.() === 0;
const otherUser = isRoot ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : [];

/** Why there is none; undefined where it can be started. */
export function withoutServer() {
  if (programs() === undefined) return 'postgresql is not installed';
  if (isRoot && !existsSync('/usr/bin/setpriv')) return 'there is no setpriv, and we are root';
  return undefined;
}

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // It is killed, but the machine is not.
  fsync: 'off',
};

/** Makes a database in a folder, which starts when it is told to. */
export function postgresServer(folder, port) {
  const bin = programs();
  const [data, passwordFile] = [join(folder, 'postgres', 'data'), join(folder, 'password')];
  const password = 'quite+secret/4%';
  const place = { host: '127.0.0.1', port };
  const url = `postgres://dawson@${place.host}:${port}/postgres`;
  writeFileSync(passwordFile, `${password}\n`);
  for (const place of [folder, passwordFile]) chmodSync(place, 0o755);
  mkdirSync(join(folder, 'postgres'));
  chmodSync(join(folder, 'postgres'), 0o777);
  const making = ['-D', data, '-U', 'dawson', '-A', 'scram-sha-256', '--pwfile', passwordFile];
  const [program, ...args] = [...otherUser, join(bin, 'initdb'), ...making];
  const locale = ['-E', 'UTF8', '--locale', 'C', '--no-sync'];
  execFileSync(program, [...args, ...locale], { stdio: 'ignore' });

  let child;
  const runs = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  const query = async (sql) => {
    const client = new pg.Client({ ...place, user: 'dawson', database: 'postgres', password });
    client.on('error', () => {});
    try {
      await client.connect();
      return (await client.query(sql)).rows ?? [];
    } finally {
      await client.end().catch(() => {});
    }
  };
  const begin = () => {
    const given = Object.entries({ ...settings, port }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    const [program, ...args] = [...otherUser, join(bin, 'postgres'), '-D', data, ...given];
    // In a group of its own: what ends it ends all of its processes.
    child = spawn(program, args, { stdio: 'ignore', detached: true });
  };
  const start = async () => {
    for (let look = 0; look < 600; look++) {
      if (!runs()) begin();
      const answers = await query('select 1').then(
        () => true,
        () => false,
      );
      if (answers) return;
      await wait(100);
    }
    throw new Error('PostgreSQL does not start');
  };
  /** Ends it as a loss of power would, without a word to anybody. */
  const kill = () => {
    if (!runs()) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  };
  const end = async () => {
    const ended = new Promise((resolve) => child?.once('close', resolve));
    if (!runs()) return;
    kill();
    await ended;
  };
  return { url, password, passwordFile, query, start, kill, end };
}
