import type { Command } from 'commander';
import { runQueuedJob } from '../jobs/index.js';
import { wholeNumber } from './numbers.js';
import { withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

/** What the nodes of a cluster run; `--engine slurm` writes the file and hands the command in. */
export function addJob(program: Command): void {
  const command = program
    .command('job <file> <number>', { hidden: true })
    .summary('run one of the commands that a larger work handed to a cluster')
    .description('Runs one of the commands in a file that --engine slurm wrote, numbered from 0.')
    .option('--threads <number>', 'threads of the command', wholeNumber(1, 1024), 1)
    .action((file: string, number: string, options: { threads: number }) =>
      withCommandRun({ quiet: true }, ({ signal }) =>
        runQueuedJob(file, Number(number), options.threads, signal),
      ),
    );
  withOutputOptions(command);
}
