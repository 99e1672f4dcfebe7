import { type Command, Option } from 'commander';
import { type Engine, localEngine, mostSlots, slurmEngine } from '../jobs/index.js';
import { wholeNumber } from './numbers.js';

/** How the commands of larger work are run. */
export interface EngineOptions {
  readonly engine: 'local' | 'slurm';
  readonly jobs?: number;
}

export function withEngineOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--engine <name>', 'where commands run: on this machine, or by Slurm’s sbatch')
        .choices(['local', 'slurm'])
        .default('local'),
    )
    .option(
      '--jobs <number>',
      'commands at the same time (default: by cores and memory; with Slurm as many as it can)',
      wholeNumber(1, 1024),
    );
}

/** What the options mean; where nobody says how many run at the same time, this machine or Slurm does. */
export function engineOf({ engine, jobs }: EngineOptions): { engine: Engine; slots?: number } {
  if (engine === 'local') return { engine: localEngine, slots: jobs };
  return { engine: slurmEngine, slots: jobs ?? mostSlots };
}
