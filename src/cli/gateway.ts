import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { DawsonError } from '../errors.js';
import { writeWhole } from '../formats/index.js';
import type { Check, GatewayStatus } from '../gateway/index.js';
import { below } from './below.js';
import {
  abortOnInterrupt,
  type OutputOptions,
  printResult,
  withOutputOptions,
} from './terminal.js';

interface ConfigOptions extends OutputOptions {
  readonly config: string;
}

interface RunOptions extends ConfigOptions {
  readonly check: boolean;
}

export function addGateway(program: Command): void {
  const gateway = program
    .command('gateway')
    .summary('analyse exams as they arrive, and deliver the results')
    .description(
      'Takes exams by C-STORE or from watched folders, analyses each when it is ' +
        'complete, and delivers the results. See docs/gateway.md.',
    );
  const run = withConfig(gateway.command('run', { isDefault: true }))
    .summary('run a gateway (what `gateway` alone does)')
    .description(
      'Runs until it is stopped (Ctrl-C), or killed: what was under way is taken up at ' +
        'the next start. Prints its log, a line of JSON an event.',
    )
    .option('--check', 'only try every connection, and say what is wrong', false)
    .addHelpText(
      'after',
      below(
        '\nExample:\n  dawson gateway init gateway.json\n' +
          '  dawson gateway --config gateway.json --check\n' +
          '  dawson gateway --config gateway.json',
      ),
    )
    .action((options: RunOptions) => (options.check ? check(options) : runUntilStopped(options)));
  withOutputOptions(run);
  const work = withConfig(gateway.command('work'))
    .summary('run jobs of a gateway, on this or another machine')
    .description(
      'Takes jobs from the PostgreSQL that the configuration names (`queue`) until it ' +
        "is stopped. The gateway's folder of jobs has to be mounted here. Prints its log.",
    )
    .option('--check', 'only try the database and the folder', false)
    .addHelpText('after', below('\nExample:\n  dawson gateway work --config gateway.json'))
    .action((options: RunOptions) => workUntilStopped(options));
  withOutputOptions(work);
  const init = gateway
    .command('init <file>')
    .summary('write a configuration to begin with')
    .description('Writes a configuration in which every part is explained.')
    .action((file: string, options: OutputOptions) => writeExample(file, options));
  withOutputOptions(init);
  const status = withConfig(gateway.command('status'))
    .summary('say what a running gateway does')
    .description('Says what waits, runs, failed and was delivered, on the machine where it runs.')
    .action(showStatus);
  withOutputOptions(status);
  for (const [verb, summary] of [
    ['retry', 'analyse an exam again that failed, or deliver its result at once'],
    ['cancel', 'give up an exam, or what is still to be delivered of it'],
  ] as const) {
    const command = withConfig(gateway.command(`${verb} <job>`))
      .summary(summary)
      .description(
        `${summary[0].toUpperCase()}${summary.slice(1)}. Jobs are named by \`gateway status\`.`,
      )
      .action((job: string, options: ConfigOptions) => change(verb, job, options));
    withOutputOptions(command);
  }
}

/** Loaded when it is needed: it brings libraries that no other command waits for. */
const loaded = () => import('../gateway/index.js');

const withConfig = (command: Command) =>
  command.requiredOption('--config <file>', 'the configuration (see `dawson gateway init`)');

async function runUntilStopped({ config: file, quiet }: RunOptions): Promise<void> {
  const { readConfig, runGateway } = await loaded();
  const config = await readConfig(file);
  const { signal, dispose } = abortOnInterrupt();
  try {
    await runGateway(config, signal, quiet ? { write: () => {} } : {});
  } finally {
    dispose();
  }
}

async function workUntilStopped(options: RunOptions): Promise<void> {
  const { checkWorker, isShared, readConfig, runWorker } = await loaded();
  const config = await readConfig(options.config);
  if (!isShared(config)) {
    throw new DawsonError('bad-configuration', {
      file: options.config,
      expected: '`queue`, with the PostgreSQL from which jobs are taken',
      found: 'none: the gateway runs its jobs itself',
    });
  }
  const { signal, dispose } = abortOnInterrupt();
  try {
    if (options.check) say(options, await checkWorker(config));
    else await runWorker(config, signal, options.quiet ? { write: () => {} } : {});
  } finally {
    dispose();
  }
}

async function check(options: RunOptions): Promise<void> {
  const { checkGateway, readConfig } = await loaded();
  const config = await readConfig(options.config);
  const { signal, dispose } = abortOnInterrupt();
  try {
    say(options, await checkGateway(config, signal));
  } finally {
    dispose();
  }
}

/** @throws DawsonError where something is wrong. */
function say(options: RunOptions, checks: readonly Check[]): void {
  printResult(options, { checks }, checks.map(checkLine));
  const wrong = checks.filter((check) => check.wrong !== undefined);
  if (wrong.length === 0) return;
  throw new DawsonError('bad-configuration', {
    file: options.config,
    expected: 'everything that it names to be in order',
    found: wrong.map((check) => `${check.what}: ${check.wrong}`).join('; '),
  });
}

const checkLine = ({ what, wrong }: Check) =>
  `${wrong === undefined ? '✓' : '✗'} ${what}${wrong === undefined ? '' : `: ${wrong}`}`;

async function writeExample(file: string, options: OutputOptions): Promise<void> {
  if (await stat(file).catch(() => undefined)) {
    throw new DawsonError('output-exists', { file, expected: 'a new name', found: 'a file' });
  }
  const { exampleConfig } = await loaded();
  await writeWhole(file, Buffer.from(exampleConfig));
  printResult(options, { written: file }, [`Written: ${file}. Change it, then try it: --check.`]);
}

async function showStatus(options: ConfigOptions): Promise<void> {
  const { askGateway, readConfig, statePaths } = await loaded();
  const { state } = await readConfig(options.config);
  const status = await askGateway<GatewayStatus>(statePaths(state).control, '/status');
  const counts = (numbers: Readonly<Record<string, number>>) =>
    Object.entries(numbers)
      .map(([name, number]) => `${number} ${name}`)
      .join(', ') || 'none';
  printResult(options, status, [
    ...(status.full === undefined ? [] : [`Warning: nothing more is taken in: ${status.full}.`]),
    `Exams: ${status.arriving} arriving, ${counts(status.jobs)}.`,
    `Deliveries: ${counts(status.deliveries)}.`,
    ...(status.stalled === undefined ? [] : [`Warning: nothing is analysed: ${status.stalled}.`]),
    ...(status.workers ?? []).map(
      ({ machine, version, running, slots }) =>
        `Worker on ${machine}, version ${version}: ${running} of ${slots} running.`,
    ),
    ...status.last.map(
      ({ job, study, version, state, reason, deliveries }) =>
        `${job}  study ${study.slice(0, 8)} version ${version}  ${state}` +
        `${reason === undefined ? '' : ` (${reason})`}` +
        `${deliveries.map(({ destination, state }) => `; ${destination}: ${state}`).join('')}`,
    ),
  ]);
}

async function change(
  verb: 'retry' | 'cancel',
  job: string,
  options: ConfigOptions,
): Promise<void> {
  const { askGateway, readConfig, statePaths } = await loaded();
  const { state } = await readConfig(options.config);
  const path = `/${verb}/${encodeURIComponent(job)}`;
  const { changed } = await askGateway<{ changed: boolean }>(statePaths(state).control, path);
  if (!changed) {
    throw new DawsonError('usage', {
      expected: `a job with something to ${verb}`,
      found: 'none of this name',
      advice: '`dawson gateway status` lists jobs.',
    });
  }
  printResult(options, { job, changed }, [`${verb}: ${job}`]);
}
