import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** `new`: an output that is not complete yet; `old`: an earlier one that is being replaced. */
export type Role = 'new' | 'old';

/** Whatever is older belongs to no process that still writes, on whatever machine it ran. */
const longestWriteMs = 24 * 60 * 60 * 1000;

/** Clocks of file servers differ from ours. */
const clockToleranceMs = 2000;

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);

/**
 * The hidden name under which an output, or what it replaces, lies beside its final name for a
 * moment: it says for which output, and which process of which machine owns it.
 */
export function nameBeside(finalName: string, role: Role, random: Uint8Array): string {
  const unique = Buffer.from(random).toString('hex');
  return `.dawson-${shortHash(finalName)}-${shortHash(hostname())}-${process.pid}-${unique}.${role}`;
}

/** What processes that are gone (killed, or without power) have left beside an output. */
export async function abandonedBeside(final: string): Promise<{ path: string; role: Role }[]> {
  const folder = dirname(final);
  const pattern = /^\.dawson-([0-9a-f]{8})-([0-9a-f]{8})-(\d{1,10})-[0-9a-f]+\.(new|old)$/;
  const found: { path: string; role: Role }[] = [];
  for (const name of await readdir(folder)) {
    const [, place, host, pid, role] = pattern.exec(name) ?? [];
    if (place !== shortHash(basename(final))) continue;
    const path = join(folder, name);
    // Another run may have removed it since the folder was listed.
    const changedMs = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (changedMs === undefined) continue;
    if (isAbandoned(host, Number(pid), changedMs)) found.push({ path, role: role as Role });
  }
  return found;
}

function isAbandoned(host: string, pid: number, changedMs: number): boolean {
  if (Date.now() - changedMs > longestWriteMs) return true;
  if (host !== shortHash(hostname())) return false;
  // In containers every run may have the same number: then what is older than this run is not ours.
  const startedMs = Date.now() - 1000 * process.uptime();
  if (pid === process.pid) return changedMs < startedMs - clockToleranceMs;
  return !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
