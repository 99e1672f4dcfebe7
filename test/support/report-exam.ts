import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type ChangeRule,
  changeClasses,
  type ExamComparison,
  type LesionChange,
} from '../../src/quantify/change.js';
import { type Findings, findingsSchema, notice } from '../../src/quantify/findings.js';
import { findLesions } from '../../src/quantify/lesions.js';
import type { ReportedChange, ReportedExam } from '../../src/report/clinical/report-input.js';
import { applyToPoint, identity, type Mat4, type Vec3 } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import { maskWhere, onGrid, type Size, type Volume, voxelIndex } from '../../src/volume/volume.js';

/** A round lesion of a drawn head: centre in RAS mm, radius in mm. */
export interface Blob {
  readonly centreMm: Vec3;
  readonly radiusMm: number;
}

export interface ExamOptions {
  readonly blobs?: readonly Blob[];
  readonly size?: Size;
  readonly voxelMm?: Vec3;
  readonly exam?: Findings['exam'];
  readonly notes?: Findings['notes'];
  readonly quality?: Findings['quality'];
  readonly withRegions?: boolean;
  readonly fileName?: string;
  readonly seriesUid?: string;
}

const regionNames = [
  'periventricular',
  'cortical-juxtacortical',
  'infratentorial',
  'deep-white-matter',
] as const;

/** A drawn head in FLAIR with these lesions, and findings that belong to it. */
export function drawnExam(options: ExamOptions = {}): ReportedExam {
  const { size = [60, 72, 24], voxelMm = [3, 3, 6], blobs = [], withRegions = true } = options;
  const [dx, dy, dz] = voxelMm;
  const start = size.map((n, axis) => (-(n - 1) / 2) * voxelMm[axis]);
  const affine = [dx, 0, 0, start[0], 0, dy, 0, start[1], 0, 0, dz, start[2], 0, 0, 0, 1];
  const grid = { size, affine: affine as unknown as Mat4 };
  const count = size[0] * size[1] * size[2];
  const flair = new Float32Array(count);
  const brain = new Uint8Array(count);
  const probability = new Float32Array(count);
  const random = seededRandom(7);
  let voxel = 0;
  for (let k = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++) {
      for (let i = 0; i < size[0]; i++, voxel++) {
        const at: Vec3 = [start[0] + i * dx, start[1] + j * dy, start[2] + k * dz];
        flair[voxel] = headAt(at) * (1 + 0.06 * (random.uniform() - 0.5));
        brain[voxel] = ellipsoid(at, [0, 0, 0], [66, 82, 62]) ? 1 : 0;
      }
    }
  }
  for (const { centreMm, radiusMm } of blobs) {
    const [from, to] = [-1, 1].map((side) =>
      centreMm.map((mm, a) => Math.round((mm + side * radiusMm - start[a]) / voxelMm[a])),
    );
    for (let k = from[2]; k <= to[2]; k++) {
      for (let j = from[1]; j <= to[1]; j++) {
        for (let i = from[0]; i <= to[0]; i++) {
          const offset = [i, j, k].map((n, a) => start[a] + n * voxelMm[a] - centreMm[a]);
          if (Math.hypot(...offset) > radiusMm) continue;
          const at = i + size[0] * (j + size[1] * k);
          flair[at] = 170 * (1 + 0.06 * (random.uniform() - 0.5));
          probability[at] = 0.9;
        }
      }
    }
  }
  const rule = {
    threshold: 0.5,
    minimumVolumeMm3: 3,
    keepLargest: false,
    connectivity: 26,
  } as const;
  const { list, mask, volumeMl } = findLesions(onGrid(grid, probability), rule);
  const lesions = list.map((lesion, index) =>
    withRegions
      ? {
          ...lesion,
          region: regionNames[index % regionNames.length],
          side: lesion.centroidMm[0] < 0 ? ('left' as const) : ('right' as const),
        }
      : lesion,
  );
  const findings = {
    ...findingsSchema,
    notice,
    program: { name: 'dawson', version: '0.1.0' },
    ...(options.exam ? { exam: options.exam } : {}),
    inputs: {
      flair: {
        fileName: options.fileName ?? 'flair.nii.gz',
        ...(options.seriesUid && { seriesUid: options.seriesUid }),
        sha256: 'a3'.repeat(32),
        sizeVoxels: size,
        voxelSizeMm: voxelMm,
        orientation: 'RAS',
      },
    },
    settings: {
      segmenter: 'lst-lga',
      segmenterSettings: { kappa: 0.3 },
      alignment: 'affine-to-flair',
      brainExtracted: false,
      registered: false,
      lesionRule: rule,
    },
    brainVolumeMl: (brain.reduce((sum, value) => sum + value, 0) * dx * dy * dz) / 1000,
    lesionCount: list.length,
    lesionVolumeMl: volumeMl,
    lesions,
    ...(withRegions ? { location: locationOf(lesions) } : {}),
    transforms: {},
    ...(options.quality ? { quality: options.quality } : {}),
    notes: options.notes ?? ['no T2 image: done without', 'no T1 image: done without'],
    run: { secondsPerStage: {}, peakMemoryBytes: 0 },
  } as Findings;
  return {
    findings,
    flair: onGrid(grid, flair) as Volume,
    lesions: mask,
    brain: onGrid(grid, brain),
  };
}

/**
 * The same exam as if the lesion network that comes with Dawson had segmented it, with so small a brain
 * that it can do so again in a few seconds.
 */
export function ofSmallBrain(exam: ReportedExam): ReportedExam {
  const card = readFileSync(new URL('../../models/lesions/model.json', import.meta.url));
  const sha256 = createHash('sha256').update(card).digest('hex');
  const model = { name: 'lesions', version: JSON.parse(card.toString()).version, sha256 };
  const settings = { ...exam.findings.settings, segmenter: 'lesions', model };
  const { affine, size } = exam.brain;
  const brain = maskWhere(exam.brain, (value, voxel) => {
    const place = applyToPoint(affine, voxelIndex(voxel, size));
    return value !== 0 && Math.hypot(...place) < 40;
  });
  return { ...exam, brain, findings: { ...exam.findings, settings } };
}

/** Blobs in white matter that do not touch, the same for the same seed. */
export function scatteredBlobs(count: number, radiusMm: (index: number) => number, seed = 3) {
  const random = seededRandom(seed);
  const blobs: Blob[] = [];
  while (blobs.length < count) {
    const centreMm: Vec3 = [
      110 * (random.uniform() - 0.5),
      140 * (random.uniform() - 0.5),
      100 * (random.uniform() - 0.5),
    ];
    const blob = { centreMm, radiusMm: radiusMm(blobs.length) };
    const isFree = blobs.every(
      (other) =>
        Math.hypot(...other.centreMm.map((x, a) => x - centreMm[a])) >
        other.radiusMm + blob.radiusMm + 6,
    );
    if (isFree && ellipsoid(centreMm, [0, 0, 0], [58, 73, 54])) blobs.push(blob);
  }
  return blobs;
}

/** A change in which nothing moved between the exams, with what the report does not show left out. */
export function drawnChange(
  lesions: readonly Pick<
    LesionChange,
    | 'changeClass'
    | 'currentIds'
    | 'previousIds'
    | 'currentVolumeMl'
    | 'previousVolumeMl'
    | 'doubt'
    | 'trackingUid'
  >[],
): ReportedChange {
  const unknown = {
    relativeChange: null,
    volumeErrorMl: 0,
    relativeInterval: null,
    previousBrightness: null,
    currentBrightness: null,
    centroidMm: [0, 0, 0],
  } as const;
  return {
    comparison: {
      previous: 0,
      current: 1,
      currentToPrevious: identity,
      sharpness: 1,
      counts: Object.fromEntries(
        changeClasses.map((name) => [
          name,
          lesions.filter(({ changeClass }) => changeClass === name).length,
        ]),
      ) as ExamComparison['counts'],
      lesions: lesions.map((lesion) => ({ ...unknown, ...lesion })),
      cautions: [],
    },
    // The rest of the rule is not shown.
    rule: { leastRelativeChange: 0.3, minimumVolumeMm3: 10 } as ChangeRule,
  };
}

function locationOf(lesions: readonly { region?: string; volumeMl: number }[]) {
  return {
    source: 'atlas',
    rule: { periventricularWithinMm: 2, corticalWithinMm: 2 },
    leftMl: 1,
    rightMl: 2,
    asymmetry: -1 / 3,
    disseminationInSpace: ['periventricular', 'infratentorial'],
    regions: Object.fromEntries(
      regionNames.map((name) => {
        const own = lesions.filter(({ region }) => region === name);
        return [
          name,
          { count: own.length, volumeMl: own.reduce((sum, { volumeMl }) => sum + volumeMl, 0) },
        ];
      }),
    ),
  };
}

const ellipsoid = (at: Vec3, centre: Vec3, radii: Vec3) =>
  at.reduce((sum, x, a) => sum + ((x - centre[a]) / radii[a]) ** 2, 0) <= 1;

function headAt(at: Vec3): number {
  if (ellipsoid(at, [-14, 5, 8], [7, 28, 12]) || ellipsoid(at, [14, 5, 8], [7, 28, 12])) return 20;
  if (ellipsoid(at, [0, 0, 0], [58, 73, 54])) return 80;
  if (ellipsoid(at, [0, 0, 0], [66, 82, 62])) return 100;
  if (ellipsoid(at, [0, 0, 0], [70, 86, 66])) return 15;
  if (ellipsoid(at, [0, 0, 0], [78, 94, 74])) return 140;
  return 2;
}
