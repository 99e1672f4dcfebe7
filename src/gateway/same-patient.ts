import type { PatientColumns } from './queue.js';

/**
 * How the patients of two exams under one identifier differ. Where birth date or sex do, they are
 * two people, or one of the headers is wrong: they are never compared. A name may be another one of
 * the same person; that is only said.
 */
export function differenceOf(
  one: PatientColumns,
  other: PatientColumns,
): 'other-person' | 'other-name' | undefined {
  const differs = (column: keyof PatientColumns) =>
    one[column] !== null && other[column] !== null && one[column] !== other[column];
  if (differs('birthDate') || differs('sex')) return 'other-person';
  return differs('name') ? 'other-name' : undefined;
}
