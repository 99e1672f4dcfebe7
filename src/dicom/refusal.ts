import { DawsonError, type ErrorCode, type FailureDetails } from '../errors.js';

/** Why something cannot be used: what a {@link DawsonError} says, as plain data. */
export interface Refusal extends FailureDetails {
  readonly code: ErrorCode;
}

export function refused({ code, ...details }: Refusal): DawsonError {
  return new DawsonError(code, details);
}

/** As one sentence for a table. */
export const refusalText = ({ expected, found }: Refusal) => `expected ${expected}; found ${found}`;

/** What is worth knowing about a folder without stopping the work; never says who the patient is. */
export interface DicomRemark {
  readonly code:
    | 'unreadable-file'
    | 'duplicate-instance'
    | 'several-patients'
    | 'incomplete-series'
    | 'still-arriving'
    | 'own-results'
    | 'stray-slices';
  readonly file?: string;
  readonly text: string;
}
