import { DawsonError } from '../errors.js';
import type { EngineSettings } from '../network/index.js';
import type { Run } from '../run.js';
import { defaultNnunetOptions } from '../segment/nnunet/nnunet.js';
import { segmenters } from '../segment/segmenters.js';
import type { Mat4 } from '../volume/affine.js';
import { aboveBackground } from '../volume/background.js';
import { orientationOf, reorient } from '../volume/reorient.js';
import { onGrid, type Volume } from '../volume/volume.js';
import { type ChangeRule, changeClasses, type PairSensitivity } from './change.js';
import { compareExamsInWorker, type MeasuredExam } from './compare-exams.js';
import type { Findings } from './findings.js';
import { findLesionsInWorker } from './lesions.js';
import { type PaintedLesion, paintedVolumesMm3, paintLesionsInWorker } from './painted-lesions.js';

/** Two exams that were compared, and how. */
export interface ComparedPair {
  readonly previous: MeasuredExam;
  readonly current: MeasuredExam;
  readonly currentToPrevious: Mat4;
  readonly rule: ChangeRule;
  /** By which places and shapes are drawn. */
  readonly seed?: number;
}

/** Part of the painted lesions of a volume that is found where such lesions would be seen. */
const leastFound = 0.75;

const openNetwork = (engine: EngineSettings, run: Run) =>
  segmenters.lesions.open({ ...defaultNnunetOptions, preparation: true, engine }, ['flair'], run);

/**
 * Checks that {@link pairSensitivity} can be told for a later exam, before anything is compared.
 * @param settings of its findings
 * @throws DawsonError `usage` where another method than this version's lesion network segmented it.
 */
export async function requireSameNetwork(
  { segmenter, model }: Findings['settings'],
  engine: EngineSettings,
  run: Run,
): Promise<void> {
  const own = await openNetwork(engine, run);
  if (segmenter === 'lesions' && model?.sha256 === own.model?.sha256) return;
  throw new DawsonError('usage', {
    expected: 'a later exam that this version’s own lesion network segmented, for --sensitivity',
    found: model ? `${model.name} ${model.version}` : segmenter,
    advice: 'Segment the exam again, with the lesion network that comes with Dawson.',
  });
}

/**
 * How small a new lesion may be to be seen in a pair: known ones are painted into the later FLAIR, as
 * bright in their middles as its own lesions, the network segments it anew, by the FLAIR alone, and the
 * comparison is made with it. Takes as long as the lesion network and a comparison; less where there is
 * no room for any. The later exam is one that {@link requireSameNetwork} lets pass.
 * @throws DawsonError the signal's reason.
 */
export async function pairSensitivity(
  pair: ComparedPair,
  engine: EngineSettings,
  run: Run,
): Promise<PairSensitivity> {
  const { previous, current, currentToPrevious, rule, seed = 1 } = pair;
  const { flair, brain } = current;
  const paintable = {
    ...{ flair, brain, lesions: current.lesions },
    ...{ otherLesions: previous.lesions, toOther: currentToPrevious },
  };
  const { painted, brightness, ...withLesions } = await run.stage('paint lesions', () =>
    paintLesionsInWorker(run, paintable, seed),
  );
  if (painted.length === 0) return { brightness, byVolume: [], seenFromMm3: null };
  const network = await openNetwork(engine, run);
  const segmentation = await network.segment(
    { flair: reorient(aboveBackground(withLesions.flair)), brain: reorient(brain) },
    run,
  );
  const { data } = reorient(segmentation.probability, orientationOf(flair.affine));
  const probability = onGrid(flair, data);
  const lesions = await run.stage('measure', () =>
    findLesionsInWorker(run, probability, segmentation.rule),
  );
  const withPainted = {
    ...current,
    ...withLesions,
    ...{ probability, lesions: lesions.mask, list: lesions.list },
    lesionRule: segmentation.rule,
  };
  const { map } = await run.stage('compare with them', () =>
    compareExamsInWorker(run, previous, withPainted, currentToPrevious, rule),
  );
  return { brightness, ...seenIn(painted, map) };
}

/** How many of each volume are new in the map of a comparison. */
function seenIn(painted: readonly PaintedLesion[], map: Volume<Uint8Array>) {
  const isNew = ({ voxels }: PaintedLesion) =>
    voxels.some((voxel) => changeClasses[map.data[voxel] - 1] === 'new');
  const byVolume = paintedVolumesMm3
    .map((volumeMm3) => {
      const own = painted.filter((lesion) => lesion.volumeMm3 === volumeMm3);
      return { volumeMm3, painted: own.length, found: own.filter(isNew).length };
    })
    .filter(({ painted }) => painted > 0);
  return { byVolume, seenFromMm3: seenFrom(byVolume) };
}

/**
 * Volume from which on {@link leastFound} are found, where what is found never falls with the volume (pool
 * adjacent violators) and rises evenly with its logarithm from one painted volume to the next. The smallest
 * painted one where so many of it are found; null where fewer of the largest are.
 */
export function seenFrom(byVolume: PairSensitivity['byVolume']): number | null {
  const pools: { painted: number; found: number; last: number }[] = [];
  for (const [last, { painted, found }] of byVolume.entries()) {
    let pool = { painted, found, last };
    for (let before = pools.at(-1); before && share(before) > share(pool); before = pools.at(-1)) {
      pools.pop();
      pool = { painted: before.painted + pool.painted, found: before.found + pool.found, last };
    }
    pools.push(pool);
  }
  const shares = byVolume.map((_, at) => share(pools.find(({ last }) => last >= at)!));
  const first = shares.findIndex((found) => found >= leastFound);
  if (first < 0) return null;
  const { volumeMm3 } = byVolume[first];
  if (first === 0) return volumeMm3;
  const part = (leastFound - shares[first - 1]) / (shares[first] - shares[first - 1]);
  return byVolume[first - 1].volumeMm3 ** (1 - part) * volumeMm3 ** part;
}

const share = ({ painted, found }: { painted: number; found: number }) => found / painted;
