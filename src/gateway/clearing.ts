import { renameSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { GatewayConfig } from './config.js';
import type { Journal } from './journal.js';
import type { Queue } from './queue.js';
import { type StatePaths, stagingPrefix } from './state-folder.js';

const dayMs = 24 * 60 * 60_000;

/**
 * Removes what was kept long enough and is delivered: images first, results (with which later exams
 * are compared) later. The images of a study go with those of its newest version.
 * @param isAtWork whether images of a study come, or a version of it is being made
 */
export async function clearOld(
  { keep }: Pick<GatewayConfig, 'keep'>,
  paths: StatePaths,
  queue: Queue,
  journal: Journal,
  isAtWork: (study: string) => boolean,
): Promise<void> {
  const now = Date.now();
  const imagesUntilMs = now - keep.imagesDays * dayMs;
  for (const { id, study, version } of queue.endedBefore(imagesUntilMs, 1)) {
    const isNewest = queue.newestJob(study)?.version === version;
    if (isAtWork(study)) continue;
    queue.setCleared(id, 1);
    if (isNewest) await removeStudy(paths, study);
    await rm(paths.input(id), { recursive: true, force: true });
    await rm(paths.objects(id), { recursive: true, force: true });
    journal.audit('images cleared', { job: id, study });
  }
  await clearSentAgain(paths, queue, journal, imagesUntilMs, isAtWork);
  for (const { id, study } of queue.endedBefore(now - keep.resultsDays * dayMs, 2)) {
    if (queue.job(id)!.cleared < 1) continue;
    queue.setCleared(id, 2);
    await rm(paths.job(id), { recursive: true, force: true });
    journal.audit('result cleared', { job: id, study });
  }
}

/** Images that came again after those of their exam were cleared are no new version, which would clear them. */
async function clearSentAgain(
  paths: StatePaths,
  queue: Queue,
  journal: Journal,
  untilMs: number,
  isAtWork: (study: string) => boolean,
): Promise<void> {
  for (const study of await readdir(paths.studies)) {
    const changed = await stat(paths.study(study)).catch(() => undefined);
    if (changed === undefined || changed.mtimeMs >= untilMs || isAtWork(study)) continue;
    if ((queue.newestJob(study)?.cleared ?? 0) === 0) continue;
    await removeStudy(paths, study);
    journal.audit('images cleared', { study });
  }
}

/** At once, so that what comes meanwhile is kept in a new folder, and is not removed with the old one. */
async function removeStudy(paths: StatePaths, study: string): Promise<void> {
  const leaving = join(paths.jobs, `${stagingPrefix}cleared-${study}`);
  try {
    renameSync(paths.study(study), leaving);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rm(leaving, { recursive: true, force: true });
}
