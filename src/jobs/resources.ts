import { availableParallelism } from 'node:os';

/** What one exam takes at most: the budget of the whole pipeline. */
export const examMemoryBytes = 3 * 2 ** 30;

/** Memory that a machine keeps for everything else. */
const reservedBytes = 2 ** 30;

/** What commands may take together on this machine as it is now, in bytes. */
export const memoryForJobs = (): number => Math.max(0, process.availableMemory() - reservedBytes);

/** How many commands of a kind run at the same time where nobody says: by cores and memory. */
export const slotsFor = (memoryBytes: number): number =>
  Math.max(1, Math.min(availableParallelism(), Math.floor(memoryForJobs() / memoryBytes)));

/** Threads of each of so many commands. */
export const threadsEach = (slots: number): number =>
  Math.max(1, Math.floor(availableParallelism() / slots));
