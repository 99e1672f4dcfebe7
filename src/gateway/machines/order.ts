import { randomBytes } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { DawsonError } from '../../errors.js';
import { decodeText, writeWhole } from '../../formats/index.js';
import { jsonBytes } from '../../formats/json.js';
import { isThere } from '../../formats/open-file.js';
import { readJson } from '../../formats/read-json.js';
import type { JobsConfig } from '../config.js';
import type { Order } from '../job-place.js';
import { readSmallFile } from '../read-small-file.js';
import type { StatePaths } from '../state-folder.js';

const schema = { schema: 'dawson-gateway-order', schemaVersion: 1 } as const;

/** An order with what changes its result of the gateway's settings, so that every worker does the same. */
export type WrittenOrder = Order & Pick<JobsConfig, 'language' | 'paper' | 'rules'>;

/** Puts what is to be done beside the images of a job, for the worker that gets it. */
export async function writeOrder(
  paths: StatePaths,
  job: string,
  order: Order,
  { rules, language, paper }: JobsConfig,
): Promise<void> {
  if (rules !== undefined) await copyFile(rules, paths.rules(job));
  const written = { ...schema, ...order, language, paper, hasRules: rules !== undefined };
  await writeWhole(paths.order(job), jsonBytes(written));
}

/**
 * What is to be done.
 * @throws DawsonError where it is not there, or something else is.
 */
export async function readOrder(paths: StatePaths, job: string): Promise<WrittenOrder> {
  const file = paths.order(job);
  const read = (await readJson(file)) as Partial<WrittenOrder & typeof schema> & {
    hasRules?: boolean;
  };
  const { studyUid, earlier, onlyCompared, language, paper, hasRules } = read ?? {};
  const isOrder =
    read?.schema === schema.schema &&
    read.schemaVersion === schema.schemaVersion &&
    typeof studyUid === 'string' &&
    Array.isArray(earlier) &&
    earlier.every(isJobName) &&
    typeof onlyCompared === 'boolean';
  if (!isOrder) {
    throw new DawsonError('file-corrupt', {
      file,
      expected: 'an order of a gateway of this version',
      found: 'something else',
    });
  }
  const rules = hasRules === true ? paths.rules(job) : undefined;
  return { studyUid, earlier, onlyCompared, language, paper, rules };
}

/** Jobs are hashes: nothing else is made a part of a path. */
export const isJobName = (name: unknown): name is string =>
  typeof name === 'string' && /^[0-9a-f]{32}$/.test(name);

const queueName = /^dawson-[0-9a-f]{32}$/;

/**
 * The name of the queue of the jobs in a folder, which is in that folder: whoever sees the folder
 * knows which jobs are its own, and who sees another one, or none, takes none of these.
 * @returns undefined where there is none, or none can be read
 */
export async function queueOf(paths: StatePaths): Promise<string | undefined> {
  const name = await readSmallFile(paths.queueName).then(
    (bytes) => decodeText(bytes).text.trim(),
    () => '',
  );
  return queueName.test(name) ? name : undefined;
}

/** As {@link queueOf}, made where there is none yet. @throws DawsonError where it cannot be read. */
export async function ownQueue(paths: StatePaths): Promise<string> {
  const file = paths.queueName;
  if (!(await isThere(file))) {
    await writeWhole(file, Buffer.from(`dawson-${randomBytes(16).toString('hex')}\n`));
  }
  const name = await queueOf(paths);
  if (name !== undefined) return name;
  throw new DawsonError('file-corrupt', {
    file,
    expected: 'the name of a queue',
    found: 'something else',
    advice: 'Move it away: another name is made, and jobs that run are run again.',
  });
}
