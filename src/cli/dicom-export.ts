import type { Command } from 'commander';
import { exportResult } from '../dicom/index.js';
import { below } from './below.js';
import { requireOutputs } from './outputs.js';
import { type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface ExportOptions extends OutputOptions {
  readonly dicom: string;
  readonly out: string;
  readonly deidentify: boolean;
}

export function addExport(dicom: Command): void {
  const command = dicom
    .command('export <result>')
    .summary('write a result as DICOM objects')
    .description(
      'Writes the result of `dawson segment --dicom` as DICOM objects of the study of the exam: ' +
        'segmentations, measurements, report and preview. The same result gives the same files.',
    )
    .requiredOption('--dicom <folder>', 'the folder or zip file of the exam')
    .requiredOption('--out <folder>', 'the folder to write')
    .option(
      '--deidentify',
      'without what tells whose exam it is (PS3.15, basic profile); the images too',
      false,
    )
    .addHelpText(
      'after',
      below(
        '\nFiles in the folder:\n' +
          '  lesions.dcm         Segmentation: all lesions as one segment\n' +
          '  each-lesion.dcm     Segmentation: a segment a lesion; none where there are no lesions\n' +
          '  measurements.dcm    Comprehensive 3D SR: volume and place of each lesion\n' +
          '  report.dcm          Encapsulated PDF: the report\n' +
          '  preview-001.dcm …   Secondary Capture: the slices of the FLAIR with outlined lesions\n' +
          '  change-001.dcm …    the same with what became of them since an earlier exam, and a legend\n' +
          '  exam/               with --deidentify: the images\n' +
          '  export.json         which object is in which file\n' +
          '\nExample:\n  dawson segment --dicom exam --out result\n' +
          '  dawson dicom export result --dicom exam --out result-dicom',
      ),
    )
    .action((result: string, options: ExportOptions) =>
      withCommandRun(options, async (run) => {
        await requireOutputs([result, options.dicom], [{ path: options.out, kind: 'folder' }]);
        const objects = await exportResult(result, options.dicom, options.out, run, options);
        printResult(options, { out: options.out, objects }, [
          `${objects.length} DICOM objects: ${options.out}`,
        ]);
      }),
    );
  withOutputOptions(command);
}
