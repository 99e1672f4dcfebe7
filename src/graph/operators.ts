import { arrange } from './arrange.js';
import { elementwise } from './elementwise.js';
import { layers } from './layers.js';
import type { OperatorName, OperatorRow } from './value.js';

/** One row for each operator; to add an operator is to add its name and its row. */
export const operators: Readonly<Record<OperatorName, OperatorRow>> = {
  ...elementwise,
  ...arrange,
  ...layers,
};
