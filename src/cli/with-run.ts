import { type Run, withRun } from '../run.js';
import { abortOnInterrupt, type OutputOptions, stagesOnTerminal } from './terminal.js';

/** Does the work of a command, with its stages on the terminal, until it ends or is interrupted. */
export async function withCommandRun(
  output: OutputOptions,
  work: (run: Run) => Promise<unknown>,
): Promise<void> {
  const { signal, dispose } = abortOnInterrupt();
  try {
    await withRun({ stage: stagesOnTerminal(output), signal }, work);
  } finally {
    dispose();
  }
}
