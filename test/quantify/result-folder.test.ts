import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { examResult, resultRows } from '../../src/quantify/result-folder.js';

const files = resultRows.map(([, { file }]) => file);

describe('the folder of a result', () => {
  it('is known by the names of all of its files, and by no others', () => {
    for (const file of files) {
      const name = file
        .replace('SEQUENCE', 't2')
        .replace('CLASS', '12')
        .replace('OBJECT', 'preview-001.dcm');
      expect(name).toMatch(examResult.names);
    }
    for (const file of ['notes.txt', 'findingsxjson', 'prepared-SEQUENCE.nii.gz', 'dicom/a.dcm']) {
      expect(file).not.toMatch(examResult.names);
    }
  });

  it('is described file by file in the README', () => {
    const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const [, table] = /\n\| file \| what \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(text)!;
    const names = table
      .trim()
      .split('\n')
      .flatMap((line) => [...line.split('|')[1].matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(names.sort()).toEqual(files.toSorted());
  });

  it('is described in lines of a terminal', () => {
    for (const [, { what }] of resultRows) expect(what.length).toBeLessThanOrEqual(52);
  });
});
