import { describe, expect, it } from 'vitest';
import { chooseSeries } from '../../src/dicom/index.js';
import { studiesOf } from '../../src/dicom/study.js';
import { instancesOf } from '../support/dicom-folder.js';
import { seriesFiles } from '../support/dicom-series.js';
import { traps } from './choice-traps.js';

describe('the choice of series', () => {
  it.each(traps)('$name', ({ series, chosen, reasons = {}, rules }) => {
    const { studies } = studiesOf(instancesOf(series.flatMap((spec) => seriesFiles(spec))));
    const choices = chooseSeries(studies[0], rules);
    const taken = choices.flatMap(({ role, series: { number, stacks }, stack }) =>
      role ? [[role, stacks.length > 1 ? `${number}.${stack.number}` : number]] : [],
    );
    expect(Object.fromEntries(taken)).toEqual(chosen);
    for (const choice of choices) {
      expect(choice.reason).not.toBe('');
      const wanted = reasons[choice.series.number!];
      if (wanted) expect(choice.reason).toMatch(wanted);
    }
  });

  it('does not depend on the order of files', () => {
    const { series } = traps[0];
    const files = series.flatMap((spec) => seriesFiles(spec));
    const roles = (some: typeof files) =>
      chooseSeries(studiesOf(instancesOf(some)).studies[0]).map(({ series, role }) => [
        series.uid,
        role,
      ]);
    expect(roles([...files].reverse())).toEqual(roles(files));
  });
});
