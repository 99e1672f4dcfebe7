import { type Command, Option } from 'commander';
import { DawsonError } from '../errors.js';
import { type Definition, type DefinitionName, definitions } from '../evaluate/definitions.js';
import { below } from './below.js';
import { between, volumeMm3 } from './numbers.js';

/** What `evaluate` and `compare` have in common. */
export interface EvaluationOptions {
  definition: DefinitionName;
  minimumMm3?: number;
  resample: boolean;
  margin?: number;
}

export const defaultMargin = 0.05;

export function withEvaluationOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--definition <name>', 'what a lesion is and when it counts as found')
        .choices(Object.keys(definitions))
        .default('anima'),
    )
    .option(
      '--minimum-mm3 <number>',
      'drop lesions of this volume and below (any-overlap only)',
      volumeMm3,
    )
    .option(
      '--resample',
      'bring predictions to the grid of the references by nearest voxels',
      false,
    )
    .option(
      '--margin <number>',
      `margin of the equivalence tests, in parts of 1 (default: ${defaultMargin})`,
      between(0, 1),
    )
    .addHelpText(
      'after',
      below(
        `\nDefinitions:\n${Object.values(definitions)
          .map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}\n`)
          .join('')}`,
      ),
    );
}

/** The row of the table of definitions that the options ask for. */
export function chosenDefinition({ definition, minimumMm3 }: EvaluationOptions): Definition {
  if (minimumMm3 === undefined) return definitions[definition];
  if (definition === 'any-overlap') return { ...definitions[definition], minimumMm3 };
  throw new DawsonError('usage', {
    expected: '--minimum-mm3 with --definition any-overlap',
    found: `--definition ${definition}, which has its own minimum`,
  });
}

/** @throws DawsonError `usage` for a margin where nothing is tested. */
export function requireNoMargin({ margin }: EvaluationOptions, expected: string): void {
  if (margin === undefined) return;
  throw new DawsonError('usage', {
    expected: `${expected} for --margin, that of equivalence tests`,
    found: 'none',
  });
}

/** What was assumed about the files of a cohort, each sentence once. */
export const notesOf = (cases: readonly { readonly notes?: readonly string[] }[]): string[] => [
  ...new Set(cases.flatMap(({ notes }) => notes ?? [])),
];
