import { mean, standardDeviation } from './descriptive.js';

/** Pearson's correlation; NaN when either list does not vary. */
export function pearson(a: readonly number[], b: readonly number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    ab += (a[index] - ma) * (b[index] - mb);
    aa += (a[index] - ma) ** 2;
    bb += (b[index] - mb) ** 2;
  }
  return aa === 0 || bb === 0 ? Number.NaN : ab / Math.sqrt(aa * bb);
}

/** Bland and Altman 1986: mean difference and the limits between which 95 % of differences lie. */
export interface LimitsOfAgreement {
  /** Mean of second less first. */
  readonly bias: number;
  readonly standardDeviation: number;
  readonly lower: number;
  readonly upper: number;
}

export function limitsOfAgreement(
  first: readonly number[],
  second: readonly number[],
): LimitsOfAgreement {
  const differences = second.map((value, index) => value - first[index]);
  const bias = mean(differences);
  const sd = standardDeviation(differences);
  return { bias, standardDeviation: sd, lower: bias - 1.96 * sd, upper: bias + 1.96 * sd };
}

/**
 * Intraclass correlation for absolute agreement of single measurements, two-way random effects:
 * ICC(A,1) of McGraw and Wong 1996, ICC(2,1) of Shrout and Fleiss 1979.
 * @param ratings one row per subject, one column per reader, none missing
 * @returns NaN for fewer than two subjects or readers, or when nothing varies
 */
export function intraclassCorrelation(ratings: readonly (readonly number[])[]): number {
  const n = ratings.length;
  const k = ratings[0]?.length ?? 0;
  if (n < 2 || k < 2) return Number.NaN;
  const grand = mean(ratings.flat());
  const subjectMeans = ratings.map(mean);
  const readerMeans = Array.from({ length: k }, (_, reader) =>
    mean(ratings.map((row) => row[reader])),
  );
  const squares = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + (value - grand) ** 2, 0);
  const betweenSubjects = k * squares(subjectMeans);
  const betweenReaders = n * squares(readerMeans);
  const residual = squares(ratings.flat()) - betweenSubjects - betweenReaders;
  const msSubjects = betweenSubjects / (n - 1);
  const msReaders = betweenReaders / (k - 1);
  const msError = residual / ((n - 1) * (k - 1));
  return (
    (msSubjects - msError) / (msSubjects + (k - 1) * msError + (k * (msReaders - msError)) / n)
  );
}
