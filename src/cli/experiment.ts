import { join } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../counted.js';
import type { ExperimentPlan, ExperimentResult } from '../experiments/run-experiment.js';
import { durationInWords } from '../jobs/index.js';
import type { Run } from '../run.js';
import { type EngineOptions, engineOf, withEngineOptions } from './engine-options.js';
import { requireOutputs } from './outputs.js';
import { type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface ExperimentOptions extends OutputOptions, EngineOptions {
  readonly out: string;
}

export function addExperiment(program: Command): void {
  const experiment = program
    .command('experiment')
    .summary('run declared experiments: scanners left out, training-set size, comparisons')
    .description(
      'Runs an experiment that is declared in a file (docs/experiments.md): which questions it asks of ' +
        'a training set. What two questions share is done once; what is done is not done again.',
    );
  const commands = [
    ['check', 'say how many trainings, hours and gigabytes it takes', check],
    ['run', 'run it, or go on with it, and report', runAll],
    ['report', 'make the tables and figures of what is done', reportAgain],
  ] as const;
  for (const [name, summary, action] of commands) {
    const command = experiment
      .command(`${name} <file>`)
      .summary(summary)
      .description(`Reads an experiment’s file, to ${summary}.`)
      .requiredOption('--out <folder>', 'folder of the experiment; what is in it is gone on with')
      .action((file: string, options: ExperimentOptions) => action(file, options));
    if (name !== 'report') withEngineOptions(command);
    withOutputOptions(command);
  }
}

async function check(file: string, options: ExperimentOptions): Promise<void> {
  const { checkExperiment } = await import('../experiments/run-experiment.js');
  await withCommandRun(options, async (run) => {
    const plan = await checkExperiment(file, options.out, engineOf(options), run);
    printResult(options, plan, planLines(plan));
  });
}

function planLines(plan: ExperimentPlan): string[] {
  const { networks, steps, exams, done, commands, seconds, bytes, slots } = plan;
  return [
    `${counted(networks, 'network')} to train, ${counted(steps, 'step')} in all, and ${counted(exams, 'exam')} to segment: ` +
      `${counted(commands, 'command')}, ${done} of them done, ${slots} at the same time.`,
    `A step takes ${plan.secondsPerStep.toFixed(2)} s and an exam ${plan.secondsPerExam.toFixed(0)} s on this machine, ` +
      `the longest training ${durationInWords(plan.secondsOfLongestNetwork)}; all that is left ${durationInWords(seconds)}.`,
    `It takes up to ${(bytes / 1e9).toFixed(1)} GB of disk.`,
    'Shorter: "architecture": "compact", fewer epochs, fewer repeats; or a machine with a GPU.',
    ...outdatedLines(plan.outdated),
  ];
}

const outdatedLines = (outdated: readonly string[]): string[] =>
  outdated.length === 0
    ? []
    : [
        `Note: no longer counted, of another version of this file or of Dawson: ${counted(outdated.length, 'result')}, ` +
          `${outdated.slice(0, 5).join(', ')}${outdated.length > 5 ? ', …' : ''}`,
      ];

async function runAll(file: string, options: ExperimentOptions): Promise<void> {
  const { runExperiment } = await import('../experiments/run-experiment.js');
  const kept = `What is done is kept in ${options.out}: the same command goes on.`;
  const work = async (run: Run) => {
    await requireOutputs([file], [{ path: options.out, kind: 'shared-folder' }]);
    const onJob = ({ job, record, known }: Parameters<JobListener>[0]) => {
      if (options.quiet || options.json || known) return;
      const how = record.state === 'done' ? 'done' : `failed: ${record.failure?.reason}`;
      const start = process.stderr.isTTY ? '\r\u001b[2K' : '';
      process.stderr.write(`${start}  ${job.id}: ${how} (${record.seconds.toFixed(0)} s)\n`);
    };
    const settings = { ...engineOf(options), onJob };
    await report(options, await runExperiment(file, options.out, settings, run), run.signal);
  };
  await withCommandRun(options, work, kept);
}

type JobListener = NonNullable<
  NonNullable<
    Parameters<typeof import('../experiments/run-experiment.js').runExperiment>[2]
  >['onJob']
>;

async function reportAgain(file: string, options: ExperimentOptions): Promise<void> {
  const { readExperimentResult } = await import('../experiments/run-experiment.js');
  await withCommandRun(options, async (run) => {
    await report(options, await readExperimentResult(file, options.out, run), run.signal);
  });
}

async function report(
  options: ExperimentOptions,
  result: ExperimentResult,
  signal?: AbortSignal,
): Promise<void> {
  const { experimentReport } = await import('../experiments/experiment-report.js');
  const { writeReport } = await import('../report/report-folder.js');
  const folder = join(options.out, 'report');
  await writeReport(folder, await experimentReport(result), signal);
  const { trials, failures, outdated } = result;
  printResult(options, { out: options.out, trials: trials.length, failures, outdated }, [
    ...failures.map((failure) => `Failed: ${failure}`),
    ...outdatedLines(outdated),
    `${counted(trials.length, 'trial')}. Look at ${join(folder, 'report.html')}.`,
  ]);
}
