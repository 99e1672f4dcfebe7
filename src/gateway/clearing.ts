import { rm } from 'node:fs/promises';
import type { GatewayConfig } from './config.js';
import type { Journal } from './journal.js';
import type { Queue } from './queue.js';
import type { StatePaths } from './state-folder.js';

const dayMs = 24 * 60 * 60_000;

/**
 * Removes what was kept long enough and is delivered: images first, results (with which later exams
 * are compared) later. The images of a study go with those of its newest version.
 */
export async function clearOld(
  { keep }: GatewayConfig,
  paths: StatePaths,
  queue: Queue,
  journal: Journal,
  isArriving: (study: string) => boolean,
): Promise<void> {
  const now = Date.now();
  for (const { id, study, version } of queue.endedBefore(now - keep.imagesDays * dayMs, 1)) {
    const isNewest = queue.newestJob(study)?.version === version;
    if (isArriving(study)) continue;
    queue.setCleared(id, 1);
    if (isNewest) await rm(paths.study(study), { recursive: true, force: true });
    await rm(paths.input(id), { recursive: true, force: true });
    await rm(paths.objects(id), { recursive: true, force: true });
    journal.audit('images cleared', { job: id, study });
  }
  for (const { id, study } of queue.endedBefore(now - keep.resultsDays * dayMs, 2)) {
    if (queue.job(id)!.cleared < 1) continue;
    queue.setCleared(id, 2);
    await rm(paths.job(id), { recursive: true, force: true });
    journal.audit('result cleared', { job: id, study });
  }
}
