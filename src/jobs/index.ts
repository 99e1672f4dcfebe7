export { contentHash } from './content-hash.js';
export { durationInWords } from './duration.js';
export type { Engine } from './engine.js';
export type { Job, JobFailure, JobRecord } from './job.js';
export { Ledger } from './ledger.js';
export { localEngine } from './local-engine.js';
export { examMemoryBytes, memoryForJobs, slotsFor, threadsEach } from './resources.js';
export { type JobRun, jobRunIn, knownRecord, runJobs } from './run-jobs.js';
export { requireWorkFolder } from './work-folder.js';
