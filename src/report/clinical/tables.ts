import type { Doubt, LesionChange, PairSensitivity } from '../../quantify/change.js';
import type { Findings } from '../../quantify/findings.js';
import { countByClass } from './conclusion.js';
import type { Section } from './report-document.js';
import type { ReportInput } from './report-input.js';
import { shownText } from './shown-text.js';
import type { Phrases, TextKey } from './texts.js';

/** Number and volume of lesions, beside those of the previous exam where there is one. */
export function loadSection({ exam, previous }: ReportInput, phrases: Phrases): Section {
  const { text, number, signed } = phrases;
  const before = previous.at(-1);
  const largest = ({ lesions }: Findings) =>
    lesions.reduce((most, { volumeMl }) => Math.max(most, volumeMl), 0);
  const measures: readonly [TextKey, (findings: Findings) => number, digits: number][] = [
    ['lesionCount', ({ lesionCount }) => lesionCount, 0],
    ['lesionVolume', ({ lesionVolumeMl }) => lesionVolumeMl, 2],
    ['largestLesion', largest, 2],
    ['brainVolume', ({ brainVolumeMl }) => brainVolumeMl, 0],
  ];
  return {
    title: text('load'),
    table: {
      columns: [
        '',
        ...(before ? [text('previous')] : []),
        text(before ? 'now' : 'thisExam'),
        ...(before ? [text('difference')] : []),
      ],
      rows: measures.map(([key, of, digits]) => [
        text(key),
        ...(before ? [number(of(before), digits)] : []),
        number(of(exam.findings), digits),
        ...(before ? [signed(of(exam.findings) - of(before), digits)] : []),
      ]),
    },
  };
}

const doubts = [
  'below-measurement-error',
  'bright-in-both',
  'probable-in-both',
  'outside-other-exam',
  'below-minimum-size',
  'too-little-overlap',
  'contrast-not-matched',
] as const satisfies readonly Doubt[];

/** Periventricular, cortical or juxtacortical, infratentorial; the spinal cord is not in the image. */
const mcDonaldRegions = 3;

/** Lesions per McDonald region with the rule that sorted them; nothing where it is not known. */
export function regionSection(
  { exam: { findings } }: ReportInput,
  { text, number }: Phrases,
): Section[] {
  const { location } = findings;
  if (!location) return [];
  const { rule, regions, leftMl, rightMl, disseminationInSpace } = location;
  return [
    {
      title: text('regions'),
      table: {
        columns: [text('region'), text('count'), text('volumeMl')],
        rows: Object.entries(regions).map(([region, { count, volumeMl }]) => [
          text(region as TextKey),
          String(count),
          number(volumeMl, 2),
        ]),
      },
      remarks: [
        text(location.source === 'atlas' ? 'locationByAtlas' : 'locationByNetwork'),
        [
          text('sides', { left: number(leftMl, 2), right: number(rightMl, 2) }),
          text('dissemination', { touched: disseminationInSpace.length, all: mcDonaldRegions }),
        ].join(' '),
        text('regionRule', {
          ventricles: number(rule.periventricularWithinMm, 1),
          cortex: number(rule.corticalWithinMm, 1),
        }),
      ],
    },
  ];
}

/** What became of the lesions, a row a class; nothing where exams were not compared. */
export function changeSection(input: ReportInput, { text, number }: Phrases): Section[] {
  const { change, previous } = input;
  if (!change) return [];
  const date = shownText(previous.at(-1)?.exam?.date);
  return [
    {
      title: date === '' ? text('changeUndated') : text('change', { date }),
      table: {
        columns: [text('changeClass'), text('count'), text('volumeBefore'), text('volumeNow')],
        rows: [...countByClass(input)].map(([name, count]) => {
          const own = change.comparison.lesions.filter(({ changeClass }) => changeClass === name);
          const sum = (of: 'previousVolumeMl' | 'currentVolumeMl') =>
            number(
              own.reduce((total, lesion) => total + lesion[of], 0),
              2,
            );
          return [
            text(name),
            String(count),
            name === 'new' ? '–' : sum('previousVolumeMl'),
            name === 'disappeared' ? '–' : sum('currentVolumeMl'),
          ];
        }),
      },
      remarks: [
        text('changeRule', {
          percent: Math.round(100 * change.rule.leastRelativeChange),
          minimum: number(change.rule.minimumVolumeMm3, 0),
        }),
        ...doubtRemark(change.comparison.lesions, text),
        ...sensitivityRemark(change.comparison.sensitivity, text),
      ],
    },
  ];
}

/** How small a new lesion may be to be seen. */
function sensitivityRemark(
  sensitivity: PairSensitivity | undefined,
  text: Phrases['text'],
): string[] {
  if (!sensitivity) return [];
  const { byVolume, seenFromMm3 } = sensitivity;
  const largest = byVolume.at(-1)?.volumeMm3;
  if (largest === undefined) return [text('sensitivityUnknown')];
  const counts = byVolume
    .map(({ volumeMm3, ...row }) => text('sensitivityCount', { ...row, volume: volumeMm3 }))
    .join(', ');
  return seenFromMm3 === null
    ? [text('sensitivityLow', { counts, volume: largest })]
    : [text('sensitivity', { counts, volume: Number(seenFromMm3.toPrecision(2)) })];
}

/** Why lesions are called uncertain, with how many for each reason. */
function doubtRemark(lesions: readonly LesionChange[], text: Phrases['text']): string[] {
  const counts = doubts
    .map((doubt) => [doubt, lesions.filter((lesion) => lesion.doubt === doubt).length] as const)
    .filter(([, count]) => count > 0)
    .map(([doubt, count]) => `${text(doubt)} (${count})`);
  return counts.length > 0 ? [text('doubts', { doubts: counts.join(', ') })] : [];
}
