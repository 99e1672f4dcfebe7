import { Command, CommanderError, Help, type Option } from 'commander';
import { version } from '../version.js';
import { below } from './below.js';
import { endWithParent } from './end-with-parent.js';
import { guardOutput } from './standard-output.js';
import { reportFailure } from './terminal.js';

/** Node.js opens all modules of an import at once: one after the other, these are few enough. */
const partsOfSegment = [
  () => import('../formats/index.js'),
  () => import('../graph/index.js'),
  () => import('../network/index.js'),
  () => import('../preprocess/prepare.js'),
  () => import('../segment/segmenters.js'),
  () => import('../report/clinical/clinical-report.js'),
  () => import('../dicom/index.js'),
  () => import('../analyze.js'),
];

/**
 * Every command, in the order in which the help lists them. A module is loaded for its own command
 * alone, or where all are listed: together they open more files than some machines allow at once.
 */
const commands: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  segment: async () => {
    for (const load of partsOfSegment) await load();
    return (await import('./segment.js')).addSegment;
  },
  job: async () => (await import('./job.js')).addJob,
  batch: async () => (await import('./batch.js')).addBatch,
  track: async () => (await import('./track.js')).addTrack,
  report: async () => (await import('./report.js')).addReport,
  dicom: async () => (await import('./dicom.js')).addDicom,
  info: async () => (await import('./info.js')).addInfo,
  reorient: async () => (await import('./reorient.js')).addReorient,
  register: async () => (await import('./register.js')).addRegister,
  'apply-transform': async () => (await import('./apply-transform.js')).addApplyTransform,
  'extract-brain': async () => (await import('./extract-brain.js')).addExtractBrain,
  evaluate: async () => (await import('./evaluate.js')).addEvaluate,
  compare: async () => (await import('./compare.js')).addCompare,
  synthesize: async () => (await import('./synthesize.js')).addSynthesize,
  dataset: async () => (await import('./dataset.js')).addDataset,
  plan: async () => (await import('./plan.js')).addPlan,
  train: async () => (await import('./train.js')).addTrain,
  predict: async () => (await import('./predict.js')).addPredict,
  experiment: async () => (await import('./experiment.js')).addExperiment,
  model: async () => (await import('./model.js')).addModel,
  gateway: async () => (await import('./gateway.js')).addGateway,
};

/** Exit code of a command line that cannot be understood; as in the table of errors. */
const usageExitCode = 2;

/** An option in the help; that a switch is off and a list empty by itself goes without saying. */
function optionDescription(this: Help, option: Option): string {
  const { defaultValue, defaultValueDescription } = option;
  const isNothing = defaultValue === false || String(defaultValue) === '';
  const shown = Object.assign(Object.create(Object.getPrototypeOf(option)), option, {
    defaultValue: isNothing ? undefined : defaultValue,
    defaultValueDescription,
  });
  return Help.prototype.optionDescription.call(this, shown);
}

/** The command line: every command with its options, or the one that is named. */
export async function commandLine(only?: string): Promise<Command> {
  const program = new Command('dawson')
    .description(
      'Finds the white-matter lesions of multiple sclerosis in clinical brain MRI. ' +
        'Not a medical device: results are not for diagnosis.',
    )
    .version(version)
    .configureHelp({ optionDescription })
    .showHelpAfterError('(add --help to see what is understood)')
    .addHelpText(
      'after',
      below(
        '\nExample: a raw exam, as the scanner gave it, into a folder of results:\n' +
          '  dawson segment --flair flair.nii.gz --t2 t2.nii.gz --t1 t1.nii.gz --out result\n' +
          '\nExit codes: 0 done, 1 a defect of Dawson, 2 wrong use, 3 an unusable input file, ' +
          '4 inputs that do not fit together, 5 output cannot be written, 6 the method failed, ' +
          '7 something is missing on the machine, 130 stopped.',
      ),
    )
    .exitOverride();
  for (const [name, load] of Object.entries(commands)) {
    if (only === undefined || name === only) (await load())(program);
  }
  return program;
}

/** Runs the program with the arguments of a process, and sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  endWithParent();
  const output = guardOutput();
  try {
    // Options come behind the command; what is none is told apart with all of them at hand.
    const named = Object.hasOwn(commands, argv[2] ?? '') ? argv[2] : undefined;
    await (await commandLine(named)).parseAsync(argv as string[]);
    await output.written();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : usageExitCode;
    } else {
      process.exitCode = reportFailure(error, argv.includes('--json'));
    }
  }
}
