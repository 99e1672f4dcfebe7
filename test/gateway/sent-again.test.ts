import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { JobsConfig } from '../../src/gateway/config.js';
import { Queue } from '../../src/gateway/queue.js';
import { openStateFolder } from '../../src/gateway/state-folder.js';
import { versionOfStudy } from '../../src/gateway/version-of-study.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const jobs: JobsConfig = { atOnce: 1, minutes: 1, memoryGiB: 1, attempts: 1 };

it('images that are sent again after a setting changed are analysed again, and those that lie there are not', async () => {
  const paths = await openStateFolder(temporaryFolder()('state'));
  const queue = new Queue(paths.queue);
  onTestFinished(() => queue.close());
  const made: number[] = [];
  /** The same image, as another file. */
  const send = () => {
    mkdirSync(paths.study('s'), { recursive: true });
    rmSync(join(paths.study('s'), 'image'), { force: true });
    writeFileSync(join(paths.study('s'), 'image'), 'an image');
  };
  const look = (isSent: boolean, language?: 'da') =>
    versionOfStudy({ study: 's', isSent }, paths, queue, { ...jobs, language }, ({ version }) =>
      made.push(version),
    );
  send();
  await look(true);
  await look(false, 'da');
  // Sent twice under the same settings: another file, which is no reason after a start.
  send();
  await look(true);
  await look(false, 'da');
  expect(made).toEqual([1]);
  await look(true, 'da');
  await look(true, 'da');
  expect(made).toEqual([1, 2]);
});
