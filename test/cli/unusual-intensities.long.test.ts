import { join } from 'node:path';
import { it } from 'vitest';
import { demoExam, temporaryFolder } from '../support/dawson.js';
import { expectTheSameOfSpoilt, segmentFlair } from './unusual-intensities.js';

const folder = temporaryFolder();

it('dawson segment finds the same lesions in all of the demo FLAIR with another zero and one voxel of 1e7', async () => {
  const asTaken = join(folder, 'as-taken');
  await segmentFlair(demoExam('flair'), asTaken);
  await expectTheSameOfSpoilt(demoExam('flair'), asTaken, folder);
});
