import { aboveBackground, backgroundOf } from '../volume/background.js';
import { largestComponent } from '../volume/components.js';
import { percentile } from '../volume/histogram.js';
import { erode, fillHoles } from '../volume/morphology.js';
import { countNonZero, type Mask, maskWhere, type Volume, voxelCount } from '../volume/volume.js';

/** Least share of voxels that are exactly the background around an extracted brain. */
const leastEmpty = 0.3;
/** Thickness of the outermost layer that is compared with what it encloses. */
const shellMm = 4;
/**
 * Least median intensity of that layer, as a share of the median inside. Brain goes up to its edge
 * as bright as within (0.55 to 1.11 on extracted brains); a head fades through skin into air (0.01
 * to 0.22 on raw heads, also where the air was set to one value).
 */
const leastShellIntensity = 0.4;

/** The brain of a brain-extracted image: what is not background, and what that encloses. */
export function extractedBrain(volume: Volume): Mask {
  const background = backgroundOf(volume);
  return fillHoles(
    largestComponent(
      maskWhere(volume, (value) => value !== background),
      6,
    ),
  );
}

/** Whether an image shows only a brain, cut out of its head with one value around it. */
export function looksBrainExtracted(volume: Volume): boolean {
  const image = aboveBackground(volume);
  const { data, size } = image;
  if (countNonZero(data) > (1 - leastEmpty) * voxelCount(size)) return false;
  const brain = extractedBrain(image);
  const inner = erode(brain, shellMm).data;
  const shell = brain.data.map((inside, voxel) => (inner[voxel] ? 0 : inside));
  if (countNonZero(inner) === 0 || countNonZero(shell) === 0) return false;
  const medianInside = percentile(data, 50, inner);
  return medianInside > 0 && percentile(data, 50, shell) > leastShellIntensity * medianInside;
}
