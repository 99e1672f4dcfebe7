import type { LesionRule } from '../model/lesion-rule.js';
import { type HalfwaySpace, halfwaySpace } from '../preprocess/halfway.js';
import { applyToPoint, invert, type Mat4, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { aboveBackground } from '../volume/background.js';
import { percentile } from '../volume/histogram.js';
import { resample } from '../volume/resample.js';
import { type Mask, onGrid, strides, toFloat32, type Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';
import {
  type ChangeClass,
  type ChangeRule,
  changeClasses,
  type ExamComparison,
  type LesionChange,
} from './change.js';
import { lesionGroups } from './change-groups.js';
import { classifyChange } from './classify-change.js';
import { type ComparedVolumes, comparedVolumes } from './compared-volumes.js';
import { type ImageDifference, imageDifference, withImages } from './image-change.js';
import { lesionLabels } from './lesion-labels.js';
import type { Lesion } from './lesions.js';
import type { Mismatch } from './matched-flairs.js';
import { placeBrightness, placeOf } from './place-brightness.js';
import {
  markingErrorsMl,
  resolutionErrorMl,
  resolutionErrorsMl,
  surfaceOf,
} from './volume-error.js';

/** What a comparison needs of an exam; volumes on the grid of its FLAIR. */
export interface MeasuredExam {
  readonly flair: Volume;
  readonly brain: Mask;
  readonly lesions: Mask;
  readonly probability: Volume;
  readonly list: readonly Pick<Lesion, 'id' | 'sizeVoxels' | 'volumeMl' | 'centroidMm'>[];
  readonly lesionRule: Pick<LesionRule, 'connectivity'>;
  /** Whether a contrast agent was given, as far as the exam says. */
  readonly hasContrastAgent?: boolean;
}

/** What became of the lesions, and where. */
export interface ExamChange {
  readonly lesions: readonly LesionChange[];
  readonly counts: ExamComparison['counts'];
  /** Why the images could not be compared, so that no change is claimed; absent where they were. */
  readonly mismatch?: Mismatch;
  /** What the images differ by, on the current exam's grid: see {@link ImageDifference.difference}. */
  readonly difference?: Volume<Float32Array>;
  /** On the current exam's grid: places of {@link changeClasses} from 1 on, 0 elsewhere. */
  readonly map: Volume<Uint8Array>;
}

/**
 * Compares the lesions of two exams of one head, lesion by lesion, in the space halfway between
 * them, so that neither exam is blurred more than the other. On request their images are compared as
 * well: how much a place differs is told, and no change is claimed where they cannot be matched.
 * Exchanging the exams (and inverting the transform) exchanges new with disappeared and enlarged with
 * shrunken, save for relative changes, which refer to the previous exam.
 * @param currentToPrevious rigid, RAS mm
 * @throws DawsonError `inputs-conflict` when a mask and its list do not belong together.
 */
export function compareExams(
  previous: MeasuredExam,
  current: MeasuredExam,
  currentToPrevious: Mat4,
  rule: ChangeRule,
  { withDifference = false }: { readonly withDifference?: boolean } = {},
): ExamChange {
  const space = halfwaySpace(current.brain, previous.brain, currentToPrevious);
  const before = seen(previous, space, space.toSecond);
  const now = seen(current, space, space.toFirst);
  const measured = measuredGroups(before, now, space, currentToPrevious, rule);
  const brightnessRatio = ratioOf(measured);
  const byMasks = measured.map(({ voxels, ...group }) => ({
    ...judgedChange(group, brightnessRatio, rule),
    voxels,
  }));
  const images = withDifference ? differenceOf(before, now) : undefined;
  const lesions = withImages(byMasks, images).sort(
    (a, b) =>
      changeClasses.indexOf(a.changeClass) - changeClasses.indexOf(b.changeClass) ||
      Math.max(b.previousVolumeMl, b.currentVolumeMl) -
        Math.max(a.previousVolumeMl, a.currentVolumeMl),
  );
  const counts = Object.fromEntries(
    changeClasses.map((name) => [
      name,
      lesions.filter(({ changeClass }) => changeClass === name).length,
    ]),
  ) as Record<ChangeClass, number>;
  return {
    lesions,
    counts,
    ...(typeof images === 'string' && { mismatch: images }),
    ...(typeof images === 'object' && {
      difference: resample(images.difference, current.flair, { toMoving: invert(space.toFirst) }),
    }),
    map: changeMap(lesions, previous, current, currentToPrevious),
  };
}

/** What the images differ by, or why nobody knows: a contrast agent makes lesions bright that were there before. */
function differenceOf(before: SeenExam, now: SeenExam) {
  const isAgentAlike = !before.exam.hasContrastAgent === !now.exam.hasContrastAgent;
  return isAgentAlike ? imageDifference(before, now) : 'contrast-not-matched';
}

export const compareExamsInWorker = inWorker<typeof compareExams>(import.meta.url, 'compareExams');

/**
 * Lesions that both exams mark, or one of them, with all by which their change is told: sizes, volumes
 * as if of the same voxels, deviations, brightness, probability, place.
 */
function measuredGroups(
  before: SeenExam,
  now: SeenExam,
  space: HalfwaySpace,
  currentToPrevious: Mat4,
  rule: ChangeRule,
) {
  const [previous, current] = [before.exam, now.exam];
  const sliceMm = Math.max(
    ...voxelSizeMm(previous.flair.affine),
    ...voxelSizeMm(current.flair.affine),
  );
  const groups = lesionGroups(
    before.labels,
    now.labels,
    previous.list.length,
    current.list.length,
    {
      leastOverlap: rule.leastOverlap,
      toleranceMm: rule.toleranceSlices * sliceMm,
      sliceMm,
      smallestMm3: rule.minimumVolumeMm3,
    },
  );
  const both = onGrid(
    space.grid,
    now.labels.data.map((id, voxel) => id | before.labels.data[voxel]),
  );
  const brightBefore = placeBrightness(before, both);
  const brightNow = placeBrightness(now, both);
  const voxelsBefore = voxelsOf(before.labels, previous.list.length);
  const voxelsNow = voxelsOf(now.labels, current.list.length);
  // Lesions thinner than the voxels of the space can have none there.
  const listedPlace = (currentId: number | undefined, previousId: number): Vec3 =>
    currentId === undefined
      ? applyToPoint(invert(currentToPrevious), previous.list[previousId - 1].centroidMm)
      : current.list[currentId - 1].centroidMm;
  return groups.map(({ firstIds: previousIds, secondIds: currentIds }) => {
    const voxelsOfPrevious = previousIds.flatMap((id) => voxelsBefore[id]);
    const voxelsOfCurrent = currentIds.flatMap((id) => voxelsNow[id]);
    const voxels = [...new Set([...voxelsOfPrevious, ...voxelsOfCurrent])];
    const place = placeOf(voxels, both);
    const surface = surfaceOf(voxels, space.grid.size);
    const compared = comparedVolumes(
      [
        marked(previous, previousIds, voxelsOfPrevious, space.toSecond),
        marked(current, currentIds, voxelsOfCurrent, space.toFirst),
      ],
      space.grid,
    );
    return {
      voxels,
      previousIds,
      currentIds,
      previousVolumeMl: volumeOf(previous, previousIds),
      currentVolumeMl: volumeOf(current, currentIds),
      compared,
      deviationMl: Math.hypot(
        compared?.shapeDeviationMl ?? 0,
        ...previousIds.map((id) => before.errorsMl[id]),
        ...currentIds.map((id) => now.errorsMl[id]),
        ...resolutionErrorsMl(
          resolutionErrorMl(surface, previous.flair.affine, space.toSecond),
          resolutionErrorMl(surface, current.flair.affine, space.toFirst),
        ),
      ),
      otherProbability:
        previousIds.length > 0 && currentIds.length > 0
          ? undefined
          : meanOver(voxels, (previousIds.length > 0 ? now : before).probability),
      previousBrightness: voxels.length > 0 ? brightBefore(place) : null,
      currentBrightness: voxels.length > 0 ? brightNow(place) : null,
      centroidMm:
        voxels.length > 0
          ? applyToPoint(space.toFirst, centroid(voxels, space))
          : listedPlace(currentIds[0], previousIds[0]),
    };
  });
}

type MeasuredGroup = Omit<ReturnType<typeof measuredGroups>[number], 'voxels'>;

/** The class of a change, and how sure it is. */
function judgedChange(
  { deviationMl, compared, otherProbability, ...group }: MeasuredGroup,
  brightnessRatio: number,
  rule: ChangeRule,
): LesionChange {
  const { previousMl, currentMl } = comparedOrListed(compared, group);
  const measures = { ...group, previousComparedMl: previousMl, currentComparedMl: currentMl };
  const volumeErrorMl = rule.errorDeviations * deviationMl;
  // What one exam does not mark is compared as the lists have it: nothing.
  const inBoth = group.previousVolumeMl > 0 && group.currentVolumeMl > 0;
  const from = inBoth ? previousMl : group.previousVolumeMl;
  const to = inBoth ? currentMl : group.currentVolumeMl;
  return {
    ...classifyChange({ ...measures, deviationMl, brightnessRatio, otherProbability }, rule),
    ...group,
    ...(otherProbability !== undefined && { otherProbability }),
    comparedVolumesMl: [previousMl, currentMl],
    volumeErrorMl,
    relativeChange: from > 0 ? (to - from) / from : null,
    relativeInterval:
      from > 0 ? [(to - from - volumeErrorMl) / from, (to - from + volumeErrorMl) / from] : null,
  };
}

/** An exam as the space of the comparison sees it. */
function seen(exam: MeasuredExam, { grid }: HalfwaySpace, toExam: Mat4) {
  const own = labelsOf(exam);
  const nearest = { toMoving: toExam, interpolation: 'nearest' } as const;
  const linear = { toMoving: toExam, outside: Number.NaN };
  return {
    exam,
    labels: resample(own, grid, nearest),
    brain: resample(exam.brain, grid, nearest),
    flair: resample(aboveBackground(exam.flair), grid, linear) as Volume<Float32Array>,
    probability: resample(toFloat32(exam.probability), grid, linear) as Volume<Float32Array>,
    errorsMl: markingErrorsMl(own, exam.probability, exam.list.length),
    examAffine: exam.flair.affine,
    toExam,
  };
}

type SeenExam = ReturnType<typeof seen>;

const labelsOf = ({ lesions, lesionRule, list }: MeasuredExam) =>
  lesionLabels(lesions, lesionRule.connectivity, list);

function voxelsOf({ data }: Volume<Int32Array>, count: number): number[][] {
  const voxels = Array.from({ length: count + 1 }, (): number[] => []);
  for (let voxel = 0; voxel < data.length; voxel++) {
    if (data[voxel] !== 0) voxels[data[voxel]].push(voxel);
  }
  return voxels;
}

function volumeOf({ list }: MeasuredExam, ids: readonly number[]): number {
  return ids.reduce((sum, id) => sum + list[id - 1].volumeMl, 0);
}

/** What an exam marks of a group of lesions. */
const marked = (
  { list, flair }: MeasuredExam,
  ids: readonly number[],
  voxels: readonly number[],
  toExam: Mat4,
) => ({
  voxels,
  markedVoxels: ids.reduce((sum, id) => sum + list[id - 1].sizeVoxels, 0),
  examGrid: flair,
  toExam,
});

/** Lesions thinner than the voxels of the space can have none there, and are compared as listed. */
const comparedOrListed = (
  compared: ComparedVolumes | undefined,
  { previousVolumeMl, currentVolumeMl }: Pick<LesionChange, 'previousVolumeMl' | 'currentVolumeMl'>,
) => compared ?? { previousMl: previousVolumeMl, currentMl: currentVolumeMl };

/** The mean of what is shown, where anything is. */
function meanOver(voxels: readonly number[], { data }: Volume): number | undefined {
  const shown = voxels.map((voxel) => data[voxel]).filter((value) => !Number.isNaN(value));
  return shown.length === 0 ? undefined : shown.reduce((sum, value) => sum + value) / shown.length;
}

function centroid(voxels: readonly number[], { grid }: HalfwaySpace): Vec3 {
  const [, nx, nxy] = strides(grid.size);
  const sums = [0, 0, 0];
  for (const voxel of voxels) {
    sums[0] += voxel % nx;
    sums[1] += Math.floor(voxel / nx) % grid.size[1];
    sums[2] += Math.floor(voxel / nxy);
  }
  const [i, j, k] = sums.map((sum) => sum / voxels.length);
  return applyToPoint(grid.affine, [i, j, k]);
}

type Bright = Pick<LesionChange, 'previousBrightness' | 'currentBrightness'> &
  Pick<LesionChange, 'previousIds' | 'currentIds'>;

/**
 * Median over the lesions that both exams mark and show as bright, nearer to 1 the fewer they are, as
 * if there were one more with equal brightness.
 */
function ratioOf(groups: readonly Bright[]): number {
  const ratios = groups.flatMap(({ previousIds, currentIds, ...of }) => {
    const { previousBrightness: from, currentBrightness: to } = of;
    const bright = from !== null && to !== null && from > 0 && to > 0;
    return bright && previousIds.length > 0 && currentIds.length > 0 ? [Math.log(to / from)] : [];
  });
  if (ratios.length === 0) return 1;
  const median = percentile(Float64Array.from(ratios), 50);
  return Math.exp((median * ratios.length) / (ratios.length + 1));
}

/** What the previous exam alone marks lies under what the current one marks. */
function changeMap(
  lesions: readonly LesionChange[],
  previous: MeasuredExam,
  current: MeasuredExam,
  currentToPrevious: Mat4,
): Volume<Uint8Array> {
  const numberOf = (ids: 'previousIds' | 'currentIds', count: number) => {
    const numbers = new Uint8Array(count + 1);
    for (const lesion of lesions) {
      for (const id of lesion[ids]) numbers[id] = 1 + changeClasses.indexOf(lesion.changeClass);
    }
    return numbers;
  };
  const [before, now] = [
    numberOf('previousIds', previous.list.length),
    numberOf('currentIds', current.list.length),
  ];
  const moved = resample(labelsOf(previous), current.flair, {
    toMoving: currentToPrevious,
    interpolation: 'nearest',
  });
  const gone = new Set(
    lesions.flatMap(({ currentIds, previousIds }) => (currentIds.length === 0 ? previousIds : [])),
  );
  const own = labelsOf(current).data;
  const changes = own.map((id, voxel) => {
    if (id !== 0) return now[id];
    return gone.has(moved.data[voxel]) ? before[moved.data[voxel]] : 0;
  });
  return onGrid(current.flair, new Uint8Array(changes));
}
