import type { LesionChange } from '../../quantify/change.js';
import { applyToPoint, invert, type Vec3 } from '../../volume/affine.js';
import { reorient } from '../../volume/reorient.js';
import { resample } from '../../volume/resample.js';
import type { Volume } from '../../volume/volume.js';
import { acquiredPlane, planes, sliceOf } from '../slice.js';
import { choose, cut, panelPng, partOf, type Scene } from './panel.js';
import type { PicturedCandidate } from './report-document.js';
import type { ReportInput } from './report-input.js';
import type { Phrases } from './texts.js';

/** More, about four pages of them, are only counted. */
const mostShown = 24;
const panelPx = 300;
const fieldMm = 56;
/** Differences shown as black and as white, in standard deviations of unchanged places. */
const differenceWindow = { black: -8, white: 8 } as const;

/** What a reader has to confirm, each with prior, current and difference, and how many there are. */
export interface Candidates {
  readonly candidates: readonly PicturedCandidate[];
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly count: number;
}

/**
 * Everything that changed, in the order of the comparison: lesions that are new, grown, shrunken or gone. Each is shown in one slice
 * of the reported exam: the previous exam there, this one, and their difference.
 */
export function changeCandidates(
  { change }: ReportInput,
  now: Scene,
  before: Scene | undefined,
  phrases: Phrases,
): Candidates {
  const files = new Map<string, Uint8Array>();
  if (!change?.difference || !before) return { candidates: [], files, count: 0 };
  const difference = reorient(change.difference);
  const all = change.comparison.lesions.filter(({ changeClass }) => changed.has(changeClass));
  const candidates = all.slice(0, mostShown).map((group, index) => {
    const names = ['prior', 'current', 'difference'].map(
      (name) => `candidate-${index + 1}-${name}.png`,
    );
    picturesOf(group, now, before, difference).forEach((png, at) => {
      files.set(names[at], png);
    });
    return { ...wordsOf(group, index, phrases), pictures: names };
  });
  return { candidates, files, count: all.length };
}

const changed = new Set(['new', 'enlarged', 'shrunken', 'disappeared']);

function picturesOf(group: LesionChange, now: Scene, before: Scene, difference: Volume) {
  const plane = acquiredPlane(now.flair.affine);
  const centre = applyToPoint(invert(now.flair.affine), group.centroidMm).map(
    Math.round,
  ) as unknown as Vec3;
  const axis = planes[plane];
  const slice = Math.max(0, Math.min(now.flair.size[axis] - 1, centre[axis]));
  const part = partOf(now.flair, plane, slice, centre, [fieldMm, fieldMm, fieldMm]);
  const [shown, earlier] = [cut(now, part, plane), cut(before, part, plane)];
  const outlineOf = (
    labels: typeof shown.labels,
    ids: readonly number[],
    style: 'before' | 'lesion',
  ) => ({
    slice: choose(labels, (id) => ids.includes(id)),
    style,
  });
  const [prior, current] = [
    outlineOf(earlier.labels, group.previousIds, 'before'),
    outlineOf(shown.labels, group.currentIds, 'lesion'),
  ];
  return [
    panelPng(earlier.flair, [prior], before.window, plane, panelPx),
    panelPng(shown.flair, [current], now.window, plane, panelPx),
    panelPng(
      sliceOf(resample(difference, part), plane, 0),
      [prior, current],
      differenceWindow,
      plane,
      panelPx,
    ),
  ];
}

function wordsOf(group: LesionChange, index: number, { text, number, signed }: Phrases) {
  const { changeClass, previousVolumeMl, currentVolumeMl } = group;
  const volume =
    changeClass === 'new'
      ? number(currentVolumeMl, 3)
      : changeClass === 'disappeared'
        ? number(previousVolumeMl, 3)
        : `${number(previousVolumeMl, 3)} → ${number(currentVolumeMl, 3)}`;
  return {
    heading: `${index + 1}. ${text(changeClass)}, ${volume} ml`,
    lines: [
      ...(group.deviations === undefined || group.deviations === null
        ? []
        : [text('candidateDifference', { deviations: signed(group.deviations, 1) })]),
    ],
  };
}
