import { remarkIn, severities } from '../../remarks.js';
import { version } from '../../version.js';
import { conclusionOf } from './conclusion.js';
import { identityOf } from './identity.js';
import { methodSection } from './method.js';
import type { ReportDocument, Section } from './report-document.js';
import type { ReportInput } from './report-input.js';
import type { ReportPictures } from './report-pictures.js';
import { shownText, withTexts } from './shown-text.js';
import { changeSection, loadSection, regionSection } from './tables.js';
import { type Phrases, phrasesIn } from './texts.js';

/** The report of an exam. The same input gives the same document. */
export function reportDocument(input: ReportInput, pictures: ReportPictures): ReportDocument {
  const phrases = phrasesIn(input.language);
  const { text } = phrases;
  const { findings } = input.exam;
  const plot: Section[] = pictures.plot
    ? [{ title: text('loadOverTime'), picture: pictures.plot, remarks: [text('plotCaption')] }]
    : [];
  const overview: Section = {
    title: text('overview'),
    pictures: pictures.overview,
    remarks: [`${text('overviewCaption')} ${sideRemark(pictures, phrases)}`],
  };
  const { conclusion, cautions } = conclusionOf(input, phrases);
  const document: ReportDocument = {
    language: input.language,
    title: text('title'),
    program: `Dawson ${version}`,
    notice: text('notice'),
    pageWord: text('page'),
    ...(findings.exam?.date === undefined ? {} : { date: findings.exam.date }),
    identity: identityOf(input, phrases),
    conclusionTitle: text('conclusion'),
    conclusion,
    cautions,
    summary: rows(
      [loadSection(input, phrases), ...regionSection(input, phrases)],
      [...plot, ...changeSection(input, phrases)],
      [overview],
    ),
    details: rows(
      candidateSection(pictures, phrases),
      exampleSection(input, pictures, phrases),
      [...qualitySection(input, phrases), ...noteSection(input, phrases)],
      [methodSection(input, phrases)],
    ),
    pictures: pictures.files,
  };
  return withTexts(document, (value) => shownText(value, longestSentence));
}

/** What a note or a finding may hold; more is no sentence. */
const longestSentence = 600;
/** Notes and findings beyond these are only counted. */
const mostItems = 30;

function limited(items: readonly string[], { text }: Phrases): readonly string[] {
  if (items.length <= mostItems) return items;
  const shown = items.slice(0, mostItems);
  return [...shown, text('moreItems', { count: items.length - mostItems })];
}

const rows = (...all: (readonly Section[])[]) => all.filter((row) => row.length > 0);

const sideRemark = ({ plane }: ReportPictures, { text }: Phrases) =>
  text(plane === 'sagittal' ? 'frontOnLeft' : 'rightOnLeft');

function candidateSection({ changes, ...pictures }: ReportPictures, phrases: Phrases): Section[] {
  const { text } = phrases;
  const { candidates, count } = changes;
  if (candidates.length === 0) return [];
  const leftOut =
    candidates.length < count
      ? [text('candidatesLeftOut', { shown: candidates.length, all: count })]
      : [];
  return [
    {
      title: text('candidates'),
      legend: [
        `${text('candidatesLegend')} ${sideRemark({ changes, ...pictures }, phrases)}`,
        ...leftOut,
      ],
      candidates,
    },
  ];
}

function exampleSection(
  { change }: ReportInput,
  pictures: ReportPictures,
  phrases: Phrases,
): Section[] {
  const { pairs, changedCount, shownChangedCount } = pictures;
  const { text } = phrases;
  if (pairs.length === 0) return [];
  const leftOut =
    shownChangedCount < changedCount
      ? [text('examplesLeftOut', { shown: shownChangedCount, all: changedCount })]
      : [];
  return [
    {
      title: text('examples'),
      legend: [
        `${text(change ? 'examplesChange' : 'examplesPlain')} ${sideRemark(pictures, phrases)}`,
        ...leftOut,
      ],
      pairs,
    },
  ];
}

function qualitySection({ exam: { findings } }: ReportInput, phrases: Phrases): Section[] {
  const { text } = phrases;
  const found = findings.quality ?? [];
  if (found.length === 0) return [];
  const items = severities
    .toReversed()
    .flatMap((severity) =>
      found
        .filter((finding) => finding.severity === severity)
        .map((finding) => `${text(severity)}: ${remarkIn(finding, phrases.language)}`),
    );
  return [{ title: text('quality'), items: limited(items, phrases) }];
}

function noteSection({ exam: { findings } }: ReportInput, phrases: Phrases): Section[] {
  const notes = findings.notes.map((note) =>
    typeof note === 'string' ? note : remarkIn(note, phrases.language),
  );
  const items = limited(notes, phrases);
  return items.length > 0 ? [{ title: phrases.text('notes'), items }] : [];
}
