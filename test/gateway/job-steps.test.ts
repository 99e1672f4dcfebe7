import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { JobsConfig } from '../../src/gateway/config.js';
import { dawsonSteps } from '../../src/gateway/job.js';
import { temporaryFolder } from '../support/temporary-folder.js';

it('makes the report that an attempt with earlier exams left for later, also without them', () => {
  const at = temporaryFolder();
  const job = {
    ...{ input: at('in'), studyUid: '1.2.3', result: at('result'), objects: at('objects') },
    ...{ earlier: [], onlyCompared: false },
  };
  const commands = () =>
    dawsonSteps(job, {} as JobsConfig).map(([, command, inner]) =>
      command === 'dicom' ? `${command} ${inner}` : command,
    );
  expect(commands()).toEqual(['segment', 'dicom export']);
  mkdirSync(at('result'));
  writeFileSync(at('result', 'findings.json'), '{}');
  expect(commands()).toEqual(['report', 'dicom export']);
  expect(dawsonSteps(job, {} as JobsConfig)[0]).not.toContain('--previous');
  writeFileSync(at('result', 'report.pdf'), '');
  expect(commands()).toEqual(['dicom export']);
});
