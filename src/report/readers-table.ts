import { definitionInWords } from '../evaluate/definitions.js';
import type { Definition, ReaderAgreement } from '../evaluate/index.js';
import { fixed, type Table } from './table.js';

/** Inter-rater table: every two readers. */
export function readersTable(
  agreements: readonly ReaderAgreement[],
  volumeIcc: number,
  definition: Definition,
): Table {
  const spread = ({ mean, standardDeviation }: { mean: number; standardDeviation: number }) =>
    `${fixed(mean, 2)} ± ${fixed(standardDeviation, 2)}`;
  return {
    name: 'table-readers',
    title: 'Agreement of readers',
    note:
      `${definitionInWords(definition)} Mean ± standard deviation over the cases in which the ` +
      'figure is defined; volume: second less first, with limits of agreement. Intraclass ' +
      `correlation of the lesion volumes of all readers, ICC(A,1): ${fixed(volumeIcc, 3)}.`,
    columns: [
      'First',
      'Second',
      'Cases',
      'DSC',
      'Lesion F1',
      'Average surface distance (mm)',
      'Volume difference (ml)',
      'Limits (ml)',
      'Correlation of volumes',
    ],
    rows: agreements.map((row) => [
      row.first,
      row.second,
      String(row.n),
      spread(row.dsc),
      spread(row.lesionF1),
      spread(row.assdMm),
      fixed(row.volumeMl.bias, 2),
      `${fixed(row.volumeMl.lower, 2)} to ${fixed(row.volumeMl.upper, 2)}`,
      fixed(row.volumeCorrelation, 3),
    ]),
  };
}
