import type { LesionChange } from '../../quantify/change.js';
import type { FoundLesion } from '../../quantify/findings.js';
import { acquiredPlane, planes } from '../slice.js';
import { type LesionPlace, lesionPlaces } from './lesion-place.js';
import { choose, cut, type Outline, panelPng, partOf, type Scene } from './panel.js';
import type { PicturePair } from './report-document.js';
import type { ReportInput } from './report-input.js';
import type { Phrases, TextKey } from './texts.js';

/** So many of the largest lesions are shown where little changed. */
const largestShown = 6;
/** New and enlarged lesions beyond these, about four pages of them, are only counted. */
const mostChangedShown = 48;

const panelPx = 420;
const leastFieldMm = 56;
const marginMm = 24;

/** A lesion of the reported exam, and what became of it since the previous one. */
interface Example {
  readonly lesion: FoundLesion;
  readonly change?: LesionChange;
}

/** Pairs of pictures with their files, and how many new and enlarged lesions are among them. */
export interface Examples {
  readonly pairs: readonly PicturePair[];
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly changedCount: number;
  readonly shownChangedCount: number;
}

/**
 * Every new or enlarged lesion and then the largest ones, two pictures each: without `before` the
 * FLAIR without and with outlines, else the previous and the reported exam at the same place.
 */
export function exampleLesions(
  input: ReportInput,
  now: Scene,
  before: Scene | undefined,
  phrases: Phrases,
): Examples {
  const changed = changedLesions(input);
  const examples = chosenLesions(input, changed);
  const plane = acquiredPlane(now.flair.affine);
  const places = lesionPlaces(now.labels, plane, new Set(examples.map(({ lesion }) => lesion.id)));
  const sliceCount = now.flair.size[planes[plane]];
  const files = new Map<string, Uint8Array>();
  const pairs = examples.map((example, index): PicturePair => {
    const place = places.get(example.lesion.id)!;
    const [left, right] = [`example-${index + 1}-left.png`, `example-${index + 1}-right.png`];
    const pictures = before
      ? beforeAndNow(example, place, now, before)
      : plainAndOutlined(example, place, now);
    files.set(left, pictures[0]);
    files.set(right, pictures[1]);
    return { heading: headingOf(example, place.slice, sliceCount, phrases), left, right };
  });
  return {
    pairs,
    files,
    changedCount: changed.length,
    shownChangedCount: Math.min(changed.length, mostChangedShown),
  };
}

/** New and enlarged lesions, the largest first. */
function changedLesions({ change, exam: { findings } }: ReportInput): Example[] {
  const byId = new Map(findings.lesions.map((lesion) => [lesion.id, lesion]));
  return (change?.comparison.lesions ?? [])
    .filter(({ changeClass }) => changeClass === 'new' || changeClass === 'enlarged')
    .flatMap((own) => {
      const lesion = byId.get(Math.min(...own.currentIds));
      return lesion ? [{ lesion, change: own }] : [];
    })
    .sort((a, b) => a.lesion.id - b.lesion.id);
}

function chosenLesions({ change, exam }: ReportInput, changed: readonly Example[]): Example[] {
  const shown = changed.slice(0, mostChangedShown);
  const ids = new Set(shown.flatMap(({ change }) => change?.currentIds ?? []));
  const rest = exam.findings.lesions
    .filter(({ id }) => !ids.has(id))
    .slice(0, Math.max(0, largestShown - shown.length))
    .map((lesion) => ({
      lesion,
      change: change?.comparison.lesions.find(({ currentIds }) => currentIds.includes(lesion.id)),
    }));
  return [...shown, ...rest];
}

function partAround({ lesion }: Example, { slice, centre }: LesionPlace, { flair }: Scene) {
  const plane = acquiredPlane(flair.affine);
  const acrossMm = Math.max(...lesion.extentMm.filter((_, axis) => axis !== planes[plane]));
  const fieldMm = Math.max(leastFieldMm, acrossMm + marginMm);
  return { plane, part: partOf(flair, plane, slice, centre, [fieldMm, fieldMm, fieldMm]) };
}

function plainAndOutlined(example: Example, place: LesionPlace, now: Scene) {
  const { plane, part } = partAround(example, place, now);
  const { flair, labels } = cut(now, part, plane);
  const own = new Set([example.lesion.id]);
  return [
    panelPng(flair, [], now.window, plane, panelPx),
    panelPng(flair, [others(labels, own), only(labels, own, 'lesion')], now.window, plane, panelPx),
  ];
}

function beforeAndNow(example: Example, place: LesionPlace, now: Scene, before: Scene) {
  const { plane, part } = partAround(example, place, now);
  const [shown, earlier] = [cut(now, part, plane), cut(before, part, plane)];
  const own = new Set(example.change?.currentIds ?? [example.lesion.id]);
  const itself = new Set(example.change?.previousIds ?? []);
  const dashed = only(earlier.labels, itself, 'before');
  return [
    panelPng(
      earlier.flair,
      [others(earlier.labels, itself), dashed],
      before.window,
      plane,
      panelPx,
    ),
    panelPng(
      shown.flair,
      [others(shown.labels, own), dashed, only(shown.labels, own, 'lesion')],
      now.window,
      plane,
      panelPx,
    ),
  ];
}

const only = (
  labels: Outline['slice'],
  ids: ReadonlySet<number>,
  style: Outline['style'],
): Outline => ({ slice: choose(labels, (id) => ids.has(id)), style });

const others = (labels: Outline['slice'], ids: ReadonlySet<number>): Outline => ({
  slice: choose(labels, (id) => id !== 0 && !ids.has(id)),
  style: 'others',
});

function headingOf(
  { lesion, change }: Example,
  slice: number,
  sliceCount: number,
  { text, number }: Phrases,
): string {
  const volume =
    change && change.changeClass !== 'new'
      ? `${number(change.previousVolumeMl, 2)} → ${number(change.currentVolumeMl, 2)} ml`
      : `${number(lesion.volumeMl, 2)} ml`;
  const where = [lesion.region, lesion.side].filter((key) => key !== undefined) as TextKey[];
  return [
    text('lesion', { id: lesion.id }) + (change ? `, ${text(change.changeClass)}` : ''),
    volume,
    ...where.map((key) => text(key)),
    text('slice', { index: slice + 1, count: sliceCount }),
  ].join(', ');
}
