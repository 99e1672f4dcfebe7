import type { Fact, Section } from './report-document.js';
import type { ReportInput } from './report-input.js';
import { shownText } from './shown-text.js';
import type { Phrases } from './texts.js';

/** Digits of a file's hash that are enough to tell files apart by eye. */
const hashDigits = 16;

/** How the result came about: enough to make it again. */
export function methodSection(
  { exam: { findings } }: ReportInput,
  { text, number }: Phrases,
): Section {
  const { settings, program, inputs } = findings;
  const { threshold, minimumPeak, confidence, minimumVolumeMm3, connectivity } =
    settings.lesionRule;
  const { byClass, keepLargest } = settings.lesionRule;
  const segmenterSettings = Object.entries(settings.segmenterSettings).map(
    ([name, value]) => `${name} ${value}`,
  );
  const model = settings.model ? [`${settings.model.name} ${settings.model.version}`] : [];
  const { anatomyModel } = settings;
  const preparation = [
    ...(anatomyModel ? [`${anatomyModel.name} ${anatomyModel.version}`] : []),
    settings.alignment,
    ...(settings.brainExtracted ? ['brain-extracted'] : []),
    ...(settings.registered ? ['registered'] : []),
  ];
  const facts: Fact[] = [
    [
      text('methodSegmenter'),
      [settings.segmenter, ...model, ...segmenterSettings]
        .map((part) => shownText(part))
        .join(', '),
    ],
    [
      text('methodRule'),
      [
        byClass
          ? text('mostProbableClass')
          : text('probabilityFrom', { minimum: number(threshold, 2) }),
        ...(minimumPeak ? [text('peakFrom', { minimum: number(minimumPeak, 2) })] : []),
        ...(confidence ? [text('confidenceFrom', { minimum: number(confidence.minimum, 2) })] : []),
        minimumVolumeMm3 > 0
          ? text('largerThan', { minimum: number(minimumVolumeMm3, 0) })
          : text('ofAnyVolume'),
        text('joinedBy', { connectivity }),
        ...(keepLargest ? [text('largestOnly')] : []),
      ].join(', '),
    ],
    [text('methodPreparation'), preparation.map((part) => shownText(part)).join(', ')],
    ...Object.values(inputs).map(
      (input): Fact => [
        text('methodInputs'),
        `${shownText(input.fileName)}: ${input.sizeVoxels.join(' × ')} voxels, ` +
          `SHA-256 ${input.sha256.slice(0, hashDigits)}…`,
      ],
    ),
    [text('methodVersion'), `Dawson ${shownText(program.version)}`],
  ];
  return { title: text('method'), facts };
}
