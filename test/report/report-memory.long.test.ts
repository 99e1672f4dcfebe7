import { describe, expect, it } from 'vitest';
import { clinicalReport } from '../../src/report/clinical/clinical-report.js';
import { drawnExam } from '../support/report-exam.js';

describe('many reports in one process', () => {
  it('take no more memory than ten of them: the typesetter forgets each', async () => {
    const residentMb: number[] = [];
    for (let number = 0; number < 40; number++) {
      const exam = drawnExam({ blobs: [{ centreMm: [30 - number, number, 20], radiusMm: 6 }] });
      await clinicalReport({ exam, previous: [], language: 'en', paper: 'a4' });
      residentMb.push(process.memoryUsage().rss / 2 ** 20);
    }
    console.log(residentMb.map((mb) => mb.toFixed(0)).join(' '));
    // Without forgetting, 5 MB each.
    expect(residentMb.at(-1)! - residentMb[9]).toBeLessThan(60);
  });
});
