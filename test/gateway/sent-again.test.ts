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

it('rules of the site count by what they say, and broken ones judge no exam', async () => {
  const at = temporaryFolder();
  const paths = await openStateFolder(at('state'));
  const queue = new Queue(paths.queue);
  onTestFinished(() => queue.close());
  const made: number[] = [];
  const look = (name: string) => {
    mkdirSync(paths.study('s'), { recursive: true });
    rmSync(join(paths.study('s'), 'image'), { force: true });
    writeFileSync(join(paths.study('s'), 'image'), 'an image');
    const study = { study: 's', isSent: true };
    return versionOfStudy(study, paths, queue, { ...jobs, rules: at(name) }, ({ version }) =>
      made.push(version),
    );
  };
  const rules = (use: string) =>
    JSON.stringify({
      ...{ schema: 'dawson-dicom-rules', schemaVersion: 1 },
      rules: [{ where: { description: 'FLAIR' }, use }],
    });
  writeFileSync(at('rules.json'), rules('flair'));
  writeFileSync(at('moved.json'), `${rules('flair')}\n`);
  await look('rules.json');
  await look('moved.json');
  expect(made).toEqual([1]);
  writeFileSync(at('rules.json'), rules('t2'));
  await look('rules.json');
  expect(made).toEqual([1, 2]);
  writeFileSync(at('rules.json'), '{}');
  await expect(look('rules.json')).rejects.toMatchObject({ code: 'bad-rules' });
  expect(made).toEqual([1, 2]);
});
