import { describe, expect, it } from 'vitest';
import { readFindings } from '../../src/quantify/read-result.js';
import { drawnExam, scatteredBlobs } from '../support/report-exam.js';
import { temporaryFile } from '../support/temporary-folder.js';

const { findings } = drawnExam({ blobs: scatteredBlobs(2, () => 7), withRegions: false });
const read = (value: unknown) =>
  readFindings(
    temporaryFile('findings.json', typeof value === 'string' ? value : JSON.stringify(value)),
  );

describe('readFindings', () => {
  it('gives back what was written', async () => {
    expect(await read(findings)).toEqual(JSON.parse(JSON.stringify(findings)));
  });

  it.each([
    ['no JSON', '{"schema":'],
    ['a list', []],
    ['nothing', null],
    ['another schema', { ...findings, schema: 'dawson-change' }],
    ['a later version', { ...findings, schemaVersion: 2 }],
    ['a lesion without volume', { ...findings, lesions: [{ id: 1 }] }],
    ['a negative number of lesions', { ...findings, lesionCount: -1 }],
    ['more lesions than are listed', { ...findings, lesionCount: 3 }],
    ['ids that are not in order', { ...findings, lesions: findings.lesions.toReversed() }],
    ['something it does not know', { ...findings, __proto__x: {} }],
  ])('refuses %s', async (_name, value) => {
    await expect(read(value)).rejects.toMatchObject({ code: 'file-corrupt' });
  });

  it('says that there is no file', async () => {
    await expect(readFindings('nowhere/findings.json')).rejects.toMatchObject({
      code: 'file-not-found',
    });
  });
});
