import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { addApplyTransform } from './apply-transform.js';
import { addCompare } from './compare.js';
import { addDicom } from './dicom.js';
import { addEvaluate } from './evaluate.js';
import { addExtractBrain } from './extract-brain.js';
import { addGateway } from './gateway.js';
import { addInfo } from './info.js';
import { addModel } from './model.js';
import { addPlan } from './plan.js';
import { addRegister } from './register.js';
import { addReorient } from './reorient.js';
import { addReport } from './report.js';
import { addSegment } from './segment.js';
import { addSynthesize } from './synthesize.js';
import { reportFailure } from './terminal.js';
import { addTrack } from './track.js';
import { addTrain } from './train.js';

/** Every command, in the order in which the help lists them. */
const commands = [
  addSegment,
  addTrack,
  addReport,
  addDicom,
  addInfo,
  addReorient,
  addRegister,
  addApplyTransform,
  addExtractBrain,
  addEvaluate,
  addCompare,
  addSynthesize,
  addPlan,
  addTrain,
  addModel,
  addGateway,
];

/** Exit code of a command line that cannot be understood; as in the table of errors. */
const usageExitCode = 2;

/** The command line: every command with its options. */
export function commandLine(): Command {
  const program = new Command('dawson')
    .description(
      'Finds the white-matter lesions of multiple sclerosis in clinical brain MRI.\n' +
        'Not a medical device: results are not for diagnosis.',
    )
    .version(version)
    .showHelpAfterError('(add --help to see what is understood)')
    .addHelpText(
      'after',
      '\nExample: a raw exam, as the scanner gave it, into a folder of results:\n' +
        '  dawson segment --flair flair.nii.gz --t2 t2.nii.gz --t1 t1.nii.gz --out result\n' +
        '\nExit codes: 0 done, 1 a defect of Dawson, 2 wrong use, 3 an unusable input file,\n' +
        '4 inputs that do not fit together, 5 output cannot be written, 6 the method failed,\n' +
        '7 something is missing on the machine, 130 stopped.',
    )
    .exitOverride();
  for (const add of commands) add(program);
  return program;
}

/** Runs the program with the arguments of a process, and sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await commandLine().parseAsync(argv as string[]);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : usageExitCode;
    } else {
      process.exitCode = reportFailure(error, argv.includes('--json'));
    }
  }
}
