import { expect, it } from 'vitest';
import { tableAsCsv, tableAsLatex } from '../../src/report/table.js';

const table = (cells: readonly string[]) => ({
  ...{ name: 't', title: 'T', note: 'N', columns: ['a'] },
  rows: cells.map((cell) => [cell]),
});

it('a table of numbers is one of numbers, and no text in it is a formula', () => {
  const cells = ['-0.31', '-0.31 to 0.12', '-0.3 to -0.1', '-0.30 ± 0.20', '-1+cmd|x', '=1', '-a'];
  expect(tableAsCsv(table(cells)).trim().split('\n').slice(1)).toEqual([
    ...cells.slice(0, 4),
    ...cells.slice(4).map((cell) => `'${cell}`),
  ]);
});

it('LaTeX prints comparisons as they are', () => {
  expect(tableAsLatex(table(['<0.001']))).toContain('    $<$0.001 \\\\');
});
