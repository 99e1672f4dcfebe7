import { DawsonError } from '../errors.js';
import { type Run, withRun } from '../run.js';
import { abortOnInterrupt, type OutputOptions, stagesOnTerminal } from './terminal.js';

/**
 * Does the work of a command, with its stages on the terminal, until it ends or is interrupted.
 * @param kept what to say to a person who interrupts a command that leaves something behind
 */
export async function withCommandRun(
  output: OutputOptions,
  work: (run: Run) => Promise<unknown>,
  kept?: string,
): Promise<void> {
  const { signal, dispose } = abortOnInterrupt();
  try {
    await withRun({ stage: stagesOnTerminal(output), signal }, work);
  } catch (error) {
    if (!(error instanceof DawsonError && error.code === 'interrupted' && kept)) throw error;
    throw new DawsonError('interrupted', { ...error.details, advice: kept });
  } finally {
    dispose();
  }
}
