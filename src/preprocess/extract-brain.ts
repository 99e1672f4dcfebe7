import { DawsonError } from '../errors.js';
import type { Mat4 } from '../volume/affine.js';
import { largestComponent } from '../volume/components.js';
import { distanceTransformMm } from '../volume/distance.js';
import { gaussianSmooth } from '../volume/gaussian.js';
import { percentile } from '../volume/histogram.js';
import { close, fillHoles, open } from '../volume/morphology.js';
import { resample } from '../volume/resample.js';
import {
  type Mask,
  maskWhere,
  nonZeroVolumeMl,
  onesWhere,
  onGrid,
  toFloat32,
  type Volume,
} from '../volume/volume.js';
import { inWorker } from '../workers.js';
import { extractedBrain } from './brain-extracted.js';
import { type HeadAtlas, placeAtlas, tissuePriorsOn } from './head-atlas.js';
import type { TissuePriors } from './prepared-exam.js';
import { atResolution } from './register-resolution.js';

/** Resolution at which the brain is sought; its outline is smooth on this scale. */
const workingMm = 2;
/** Farther than this outside the atlas's brain nothing is looked at: air would swamp the skull. */
const shellMm = 12;
const intensityClasses = 64;
const iterations = 5;
/** The atlas's brain ends where the cortex does; masks of HD-BET, the paper's tool, at the dura. */
const atlasLogOddsShift = 2;
/** How much the intensities count against the atlas, and how much one intensity can say at most. */
const intensityWeight = 2;
const largestLogRatio = 3;
const intensityBlurMm = 2;
/** Bridges to muscle and nerves are thinner than this; sulci narrower. */
const bridgeRadiusMm = 3;
const sulcusRadiusMm = 6;
/** Where skull and scalp are expected: so far outside the atlas's brain. */
const surroundingsMm = { from: 3, to: 9 };
/** Share of heads that have brain at a place which is surely brain. */
const surelyBrain = 0.9;
/**
 * Greatest overlap of the intensities of brain and surroundings, 0 to 1. Around a brain lies dark
 * bone: heads overlap by 0.61 and less, bodies of one material by 0.89 and more.
 */
const mostOverlap = 0.8;
/** Brains of adults and children, whole or cut by the field of view. */
const plausibleMl = { least: 300, most: 2500 };

/**
 * The brain in an image of a head, of any contrast: brain, ventricles and the fluid around them up
 * to the dura. No trained weights are needed.
 *
 * An atlas of heads is registered to the image (affinely, by mutual information), which gives the
 * odds that a voxel is brain. From these the intensities of brain and of what surrounds it are
 * learned as two histograms, and both kinds of odds together give better odds, in turns: the same
 * alternation as in unified segmentation (Ashburner and Friston 2005), with histograms in the place
 * of Gaussians, so that it works for any contrast. Bridges to other tissue are then cut, and sulci
 * and ventricles filled.
 *
 * @param volume a whole head in any orientation; what the field of view cuts off stays off.
 * @throws DawsonError `brain-not-found` when the image is not like a head, has no skull, or what is found
 *   has no plausible size; `bad-intensities` for an image without contrast.
 */
export function extractBrain(volume: Volume, atlas: HeadAtlas): Mask {
  return findBrain(volume, atlas, { brainExtracted: false }).brain;
}

/** How a head lies, and where the atlas expects its tissues. */
export interface PlacedHead {
  /** Maps points of the image to points of the atlas, RAS mm. */
  readonly toAtlas: Mat4;
  readonly tissuePriors: TissuePriors;
}

/** @throws DawsonError as {@link placeAtlas} does. */
export function placeHead(
  volume: Volume,
  atlas: HeadAtlas,
  { brainExtracted }: { brainExtracted: boolean },
): PlacedHead {
  const toAtlas = placeAtlas(volume, atlas, { brainExtracted });
  return { toAtlas, tissuePriors: tissuePriorsOn(volume, atlas, toAtlas) };
}

export const placeHeadInWorker = inWorker<typeof placeHead>(import.meta.url, 'placeHead');

/** {@link extractBrain}, or of a brain-extracted image what is not background; with the atlas's tissues. */
export function findBrain(
  volume: Volume,
  atlas: HeadAtlas,
  { brainExtracted }: { brainExtracted: boolean },
): PlacedHead & { readonly brain: Mask } {
  const placed = placeHead(volume, atlas, { brainExtracted });
  return { ...placed, brain: brainOf(volume, atlas, placed.toAtlas, { brainExtracted }) };
}

/** The brain of an image on which the atlas lies already; see {@link findBrain}. */
export function brainOf(
  volume: Volume,
  atlas: HeadAtlas,
  toAtlas: Mat4,
  { brainExtracted }: { brainExtracted: boolean },
): Mask {
  if (!brainExtracted) return brainAround(volume, atlas, toAtlas);
  const brain = extractedBrain(volume);
  const volumeMl = nonZeroVolumeMl(brain);
  if (volumeMl <= plausibleMl.most) return brain;
  throw new DawsonError('brain-not-found', {
    expected: `a brain of at most ${plausibleMl.most} ml, and one value around it`,
    found: `${volumeMl.toFixed(0)} ml of other values`,
    advice: 'Without --brain-extracted the brain is sought in the head.',
  });
}

export const brainOfInWorker = inWorker<typeof brainOf>(import.meta.url, 'brainOf');

function brainAround(volume: Volume, atlas: HeadAtlas, toAtlas: Mat4): Mask {
  const image = atResolution(volume, workingMm);
  const share = resample(atlas.brain, image, { toMoving: toAtlas });
  const brain = cleaned(onGrid(image, brainByIntensity(image, share as Volume<Float32Array>)));
  requirePlausible(brain);
  const edges = resample(toFloat32(brain), volume);
  return maskWhere(edges, (value) => value >= 0.5);
}

/** @throws DawsonError `brain-not-found` for a mask that has no plausible size. */
export function requirePlausible(brain: Mask): void {
  const volumeMl = nonZeroVolumeMl(brain);
  if (volumeMl >= plausibleMl.least && volumeMl <= plausibleMl.most) return;
  throw new DawsonError('brain-not-found', {
    expected: `a brain of ${plausibleMl.least} to ${plausibleMl.most} ml`,
    found: `${volumeMl.toFixed(0)} ml`,
  });
}

/** 1 where atlas and intensities together make brain more likely than not. */
function brainByIntensity(
  image: Volume<Float32Array>,
  atlasShare: Volume<Float32Array>,
): Uint8Array {
  const atlasLogOdds = atlasShare.data.map((share) => {
    const p = Math.min(0.999, Math.max(0.001, share));
    return atlasLogOddsShift + Math.log(p / (1 - p));
  });
  const outsideMm = distanceTransformMm(maskWhere(atlasShare, (share) => share > 0.5)).data;
  const classes = intensityClassesOf(image.data);
  requireSkull(classes, atlasShare.data, outsideMm);
  let odds = atlasLogOdds;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const logRatios = intensityLogRatios(classes, odds, outsideMm);
    const local = gaussianSmooth(
      onGrid(
        image,
        new Float32Array(classes).map((value) => logRatios[value]),
      ),
      intensityBlurMm,
    ).data;
    odds = atlasLogOdds.map((value, voxel) => value + intensityWeight * local[voxel]);
  }
  return onesWhere(odds, (value) => value > 0);
}

/** Refuses what has the outline of a head, but nothing of another intensity around the brain. */
function requireSkull(
  classes: Uint8Array,
  atlasShare: Float32Array,
  outsideMm: Float32Array,
): void {
  const inBrain = new Float64Array(intensityClasses);
  const around = new Float64Array(intensityClasses);
  let [brainVoxels, aroundVoxels] = [0, 0];
  for (let voxel = 0; voxel < classes.length; voxel++) {
    const mm = outsideMm[voxel];
    if (atlasShare[voxel] > surelyBrain) {
      inBrain[classes[voxel]]++;
      brainVoxels++;
    } else if (mm >= surroundingsMm.from && mm <= surroundingsMm.to) {
      around[classes[voxel]]++;
      aroundVoxels++;
    }
  }
  let overlap = 0;
  for (let value = 0; value < intensityClasses; value++) {
    overlap += Math.min(inBrain[value] / brainVoxels, around[value] / aroundVoxels);
  }
  // Also refuses where brain or surroundings lie outside of the image: then it is not a number.
  if (overlap <= mostOverlap) return;
  throw new DawsonError('brain-not-found', {
    expected: 'a brain inside a skull of other intensity',
    found: `brain and surroundings of one intensity (they overlap by ${(100 * overlap).toFixed(0)} %)`,
  });
}

/** For each intensity class, how much likelier it is in the brain than close around it (log). */
function intensityLogRatios(
  classes: Uint8Array,
  logOdds: Float32Array,
  outsideMm: Float32Array,
): Float64Array {
  const inBrain = new Float64Array(intensityClasses).fill(1e-3);
  const around = new Float64Array(intensityClasses).fill(1e-3);
  for (let voxel = 0; voxel < classes.length; voxel++) {
    if (outsideMm[voxel] > shellMm) continue;
    const p = 1 / (1 + Math.exp(-logOdds[voxel]));
    inBrain[classes[voxel]] += p;
    around[classes[voxel]] += 1 - p;
  }
  const sum = (counts: Float64Array) => counts.reduce((total, count) => total + count, 0);
  const scale = Math.log(sum(around) / sum(inBrain));
  return inBrain.map((count, value) => {
    const logRatio = Math.log(count / around[value]) + scale;
    return Math.max(-largestLogRatio, Math.min(largestLogRatio, logRatio));
  });
}

function intensityClassesOf(data: Float32Array): Uint8Array {
  const low = percentile(data, 1);
  const high = percentile(data, 99.5);
  const scale = high > low ? intensityClasses / (high - low) : 0;
  return new Uint8Array(
    data.map((value) =>
      Math.max(0, Math.min(intensityClasses - 1, Math.floor((value - low) * scale))),
    ),
  );
}

/** The largest piece after thin bridges are cut, with sulci and ventricles filled. */
function cleaned(brain: Mask): Mask {
  const piece = largestComponent(open(brain, bridgeRadiusMm), 6);
  return fillHoles(close(piece, sulcusRadiusMm));
}
