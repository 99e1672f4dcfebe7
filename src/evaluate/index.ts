export {
  type EvaluatedCase,
  evaluateCohort,
  evaluateCohorts,
} from './cohort.js';
export {
  casesByScanner,
  compareScanners,
  isbi2015Score,
  type MeasureSummary,
  type ScannerComparison,
  summarizeCohort,
} from './cohort-summary.js';
export {
  type Cohort,
  type CohortColumn,
  type CohortRow,
  cohortColumns,
  readCohort,
} from './cohort-table.js';
export {
  compareSets,
  everyTwo,
  type NamedSet,
  type ReaderAgreement,
  readerAgreement,
  type SetComparison,
  volumeAgreement,
} from './compare-sets.js';
export {
  type Definition,
  type DefinitionName,
  definitionInWords,
  definitionNames,
  definitions,
} from './definitions.js';
export { type EvaluationSettings, evaluateFiles, type FileEvaluation } from './evaluate-files.js';
export { evaluatePair, evaluateUnder, type PairEvaluation } from './evaluate-pair.js';
export { type MaskPair, pairMasks } from './mask-pair.js';
export { type Measure, measures } from './measures.js';
