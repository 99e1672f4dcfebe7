import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Engine, localEngine, mostSlots, slurmEngine } from '../jobs/index.js';

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
      wholeNumber,
    );
}

/** What the options mean; where nobody says how many run at the same time, this machine or Slurm does. */
export function engineOf({ engine, jobs }: EngineOptions): { engine: Engine; slots?: number } {
  if (engine === 'local') return { engine: localEngine, slots: jobs };
  return { engine: slurmEngine, slots: jobs ?? mostSlots };
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1024) return value;
  throw new InvalidArgumentError('It is a whole number from 1 to 1024.');
}
