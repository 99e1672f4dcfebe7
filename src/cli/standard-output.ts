import { DawsonError } from '../errors.js';

/**
 * Listens to what becomes of the standard streams, which else ends the process in the middle of its
 * work. Who closes standard output early (`| head`) has read enough: the work goes on, and its exit
 * code is its own. Where standard output cannot be written for another reason, such as a full disk,
 * `written` says so. Of standard error nothing can be said anywhere.
 */
export function guardOutput(): { written: () => Promise<void> } {
  let failure: NodeJS.ErrnoException | undefined;
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    failure = error;
  });
  return {
    async written() {
      // What was printed is written, or has failed, when this has been.
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
      await new Promise((resolve) => setImmediate(resolve));
      if (failure === undefined || failure.code === 'EPIPE') return;
      throw new DawsonError('output-failed', {
        expected: 'a standard output that can be written',
        found: failure.code === 'ENOSPC' ? 'no space left on the disk' : `${failure.code}`,
        advice: 'What the command writes into files is complete; only its printed result is not.',
      });
    },
  };
}
