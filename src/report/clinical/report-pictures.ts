import { lesionLabels } from '../../quantify/lesion-labels.js';
import { reorient } from '../../volume/reorient.js';
import type { Mask, Volume } from '../../volume/volume.js';
import { acquiredPlane, type Plane } from '../slice.js';
import { flairWindow } from '../window.js';
import { type Candidates, changeCandidates } from './candidates.js';
import { type Examples, exampleLesions } from './examples.js';
import { overviewPngs } from './overview.js';
import type { Scene } from './panel.js';
import type { ReportedExam, ReportInput } from './report-input.js';
import { phrasesIn } from './texts.js';

/** The report's pictures: PNG and SVG files by name, and which of them are shown where. */
export interface ReportPictures extends Examples {
  readonly plane: Plane;
  readonly overview: readonly string[];
  readonly changes: Omit<Candidates, 'files'>;
  /** Lesion load over time; only where there are earlier exams. */
  readonly plot?: string;
}

/** A first exam leaves room on the first page for two rows of slices, a later one for one. */
const overviewSlices = { alone: 8, amongOthers: 4 } as const;

/**
 * Everything in the report that is drawn.
 * @throws DawsonError `inputs-conflict` when a mask is not that of its findings.
 */
export async function reportPictures(input: ReportInput): Promise<ReportPictures> {
  const phrases = phrasesIn(input.language);
  const { exam, previous, previousExam, change } = input;
  const now = sceneOf(exam);
  const before =
    previousExam && change
      ? { ...sceneOf(previousExam), toImage: change.comparison.currentToPrevious }
      : undefined;
  const examples = exampleLesions(input, now, before, phrases);
  const { files: changeFiles, ...changes } = changeCandidates(input, now, before, phrases);
  const files = new Map([...examples.files, ...changeFiles]);
  const count = previous.length > 0 ? overviewSlices.amongOthers : overviewSlices.alone;
  const plane = acquiredPlane(now.flair.affine);
  const overview = overviewPngs(now, reorient(exam.brain) as Mask, plane, count).map(
    (png, index) => {
      const name = `overview-${index + 1}.png`;
      files.set(name, png);
      return name;
    },
  );
  if (previous.length === 0) return { ...examples, plane, files, overview, changes };
  // Only here, since the library of charts takes half a second to load.
  const { loadPlot } = await import('./load-plot.js');
  const plot = 'plot.svg';
  files.set(plot, Buffer.from(await loadPlot([...previous, exam.findings], phrases)));
  return { ...examples, plane, files, overview, changes, plot };
}

function sceneOf({ flair, lesions, brain, findings }: ReportedExam): Scene {
  const { connectivity } = findings.settings.lesionRule;
  return {
    flair: reorient(flair),
    labels: reorient(lesionLabels(lesions, connectivity, findings.lesions)) as Volume<Int32Array>,
    window: flairWindow(flair, brain),
  };
}
