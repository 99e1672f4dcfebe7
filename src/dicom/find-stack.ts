import type { DicomFolder } from './read-folder.js';
import { refused } from './refusal.js';
import type { Stack } from './stacks.js';
import type { Series } from './study.js';

/**
 * A stack of the series with this identifier: by its number, or the only one.
 * @throws DawsonError `series-not-found` where there is no such series or stack, or where several
 *   stacks are meant.
 */
export function findStack(
  { path, studies }: DicomFolder,
  seriesUid: string,
  stackNumber?: number,
): { series: Series; stack: Stack } {
  const series = studies.flatMap((study) => study.series).find(({ uid }) => uid === seriesUid);
  if (!series) throw notFound(path, 'a series with this identifier', 'none');
  const { stacks } = series;
  if (stacks.length === 0) throw notFound(path, 'a series of images', 'one without any');
  if (stackNumber === undefined && stacks.length > 1) {
    throw refused({
      code: 'series-not-found',
      file: path,
      expected: 'a series of one stack of slices',
      found: `${stacks.length} stacks that differ in orientation, echo or type`,
      advice: 'Say which with --stack; `dawson dicom list` numbers them.',
    });
  }
  const stack = stacks.find(({ number }) => number === (stackNumber ?? 1));
  if (stack) return { series, stack };
  throw notFound(path, `stack 1 to ${stacks.length}`, `${stackNumber}`);
}

const notFound = (file: string, expected: string, found: string) =>
  refused({ code: 'series-not-found', file, expected, found });
