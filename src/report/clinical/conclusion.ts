import { type ChangeClass, changeClasses } from '../../quantify/change.js';
import { remarkIn } from '../../remarks.js';
import type { ReportInput } from './report-input.js';
import { dateCautions } from './series.js';
import { shownText } from './shown-text.js';
import type { Phrases, TextKey } from './texts.js';

/** What is said first: the findings in a few sentences, and what a reader has to beware of. */
export function conclusionOf(
  input: ReportInput,
  phrases: Phrases,
): { conclusion: string[]; cautions: string[] } {
  const { text } = phrases;
  const { findings } = input.exam;
  const severe = findings.quality?.some(({ severity }) => severity === 'severe');
  return {
    conclusion: [
      lesionSentence(input, phrases),
      ...regionSentence(input, phrases),
      ...changeSentences(input, phrases),
    ],
    cautions: [
      ...(severe ? [text('limitedQuality', { title: text('quality') })] : []),
      ...[
        ...(input.cautions ?? []),
        ...(input.change?.comparison.cautions ?? dateCautions(findings, input.previous)),
      ].map((caution) => remarkIn(caution, phrases.language)),
    ],
  };
}

function lesionSentence({ exam: { findings } }: ReportInput, { text, number }: Phrases): string {
  const { lesionCount: count, lesionVolumeMl } = findings;
  const volume = number(lesionVolumeMl, 2);
  if (count === 0) return text('noLesions');
  return count === 1 ? text('oneLesion', { volume }) : text('manyLesions', { count, volume });
}

function regionSentence({ exam: { findings } }: ReportInput, { text }: Phrases): string[] {
  const touched = Object.entries(findings.location?.regions ?? {})
    .filter(([, { count }]) => count > 0)
    .map(([region, { count }]) => `${text(region as TextKey)} (${count})`);
  return touched.length > 0 ? [text('regionsTouched', { regions: touched.join(', ') })] : [];
}

/** How many lesions of each class there are, in the order of the classes. */
export function countByClass({ change }: ReportInput): Map<ChangeClass, number> {
  return new Map(
    changeClasses.map((name) => [
      name,
      change?.comparison.lesions.filter(({ changeClass }) => changeClass === name).length ?? 0,
    ]),
  );
}

function changeSentences(input: ReportInput, { text, number, signed }: Phrases): string[] {
  const last = input.previous.at(-1);
  if (last === undefined) return [text('firstExam')];
  const [from, to] = [last.lesionVolumeMl, input.exam.findings.lesionVolumeMl];
  const percent = from > 0 ? `${signed((100 * (to - from)) / from, 0)} %` : signed(to, 2);
  const load = text('loadChange', { from: number(from, 2), to: number(to, 2), percent });
  if (!input.change) return [load, text('notComparedLesionByLesion')];
  const changes = [...countByClass(input)]
    .filter(([name, count]) => count > 0 && name !== 'stable')
    .map(([name, count]) => `${count} ${text(count === 1 ? name : `${name}Many`)}`);
  const sentence = changes.length > 0 ? changes.join(', ') : text('noChange');
  const date = shownText(last.exam?.date);
  return [
    date === ''
      ? text('changeSincePrevious', { changes: sentence })
      : text('changeSince', { date, changes: sentence }),
    load,
  ];
}
