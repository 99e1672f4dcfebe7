/** A component of what lies above the threshold, when its confidence is asked for. */
export interface JudgedLesion {
  /** Highest probability of its voxels. */
  readonly maxProbability: number;
  readonly volumeMl: number;
}

/**
 * How likely a component is a real lesion: a logistic regression on the highest of its voxels'
 * probabilities (log odds), its volume, and the mean volume of the exam's components above 3 mm3 (log
 * of mm3 both). Where mostly specks are found, each is less likely a lesion (docs/decisions/0097). Fitted on
 * exams that the network had not seen.
 */
export interface ConfidenceModel {
  readonly intercept: number;
  readonly perLogOdds: number;
  readonly perLogVolume: number;
  readonly perLogMeanVolume: number;
}

/** Probabilities nearer to 0 or 1 count as these: half precision knows no better. */
const extreme = 1e-4;

/** Up to this volume a component does not count for the mean: thick slices have none so small. */
const speckMm3 = 3;

/** Whether a component is strictly larger; rounding of voxel sizes does not decide. */
export const isAbove = ({ volumeMl }: JudgedLesion, mm3: number): boolean =>
  1000 * volumeMl > mm3 * (1 + 1e-5);

function featuresOf(found: readonly JudgedLesion[]): number[][] {
  const counted = found.filter((component) => isAbove(component, speckMm3));
  const sumMm3 = counted.reduce((sum, { volumeMl }) => sum + 1000 * volumeMl, 0);
  const logMean = Math.log(counted.length === 0 ? speckMm3 : sumMm3 / counted.length);
  return found.map(({ maxProbability, volumeMl }) => {
    const p = Math.min(1 - extreme, Math.max(extreme, maxProbability));
    return [1, Math.log(p / (1 - p)), Math.log(1000 * volumeMl), logMean];
  });
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, index) => sum + value * b[index], 0);

/**
 * @param found all components of one exam
 * @returns for each 0 to 1
 */
export function confidencesOf(model: ConfidenceModel, found: readonly JudgedLesion[]): number[] {
  const { intercept, perLogOdds, perLogVolume, perLogMeanVolume } = model;
  const weights = [intercept, perLogOdds, perLogVolume, perLogMeanVolume];
  return featuresOf(found).map((features) => logistic(dot(features, weights)));
}

/** Keeps the fit finite where the lesions could be told apart without error. */
const ridge = 1e-2;
const newtonSteps = 25;

/**
 * Fits the model by maximum likelihood, with a weak ridge on the slopes (Newton's method). An exam
 * with few components counts as much as one with many.
 * @param exams all components of each, and whether they were real
 */
export function fitConfidence(
  exams: readonly (readonly (JudgedLesion & { readonly real: boolean })[])[],
): ConfidenceModel {
  const samples = exams.flatMap((found) =>
    featuresOf(found).map((features, index) => ({
      features,
      real: Number(found[index].real),
      weight: 1 / found.length,
    })),
  );
  let coefficients = [0, 0, 0, 0];
  for (let step = 0; step < newtonSteps; step++) {
    const gradient = coefficients.map((value, i) => (i === 0 ? 0 : -ridge * value));
    const curvature = coefficients.map((_, i) =>
      coefficients.map((_, j) => (i !== j ? 0 : i === 0 ? 1e-9 : ridge)),
    );
    for (const { features, real, weight } of samples) {
      const p = logistic(dot(features, coefficients));
      for (const [i, xi] of features.entries()) {
        gradient[i] += weight * xi * (real - p);
        for (const [j, xj] of features.entries()) curvature[i][j] += weight * xi * xj * p * (1 - p);
      }
    }
    const change = solvePositiveDefinite(curvature, gradient);
    // A full step far from the solution can overshoot into where the curvature vanishes.
    const longest = Math.max(...change.map(Math.abs));
    const share = Math.min(1, 2 / longest);
    coefficients = coefficients.map((value, i) => value + share * change[i]);
    if (longest < 1e-10) break;
  }
  const [intercept, perLogOdds, perLogVolume, perLogMeanVolume] = coefficients;
  return { intercept, perLogOdds, perLogVolume, perLogMeanVolume };
}

/** By elimination; a positive definite system needs no pivots. */
function solvePositiveDefinite(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const rows = a.map((row, i) => [...row, b[i]]);
  for (const [i, pivot] of rows.entries()) {
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[i] / pivot[i];
      for (let j = i; j < row.length; j++) row[j] -= factor * pivot[j];
    }
  }
  return rows.map((row, i) => row[rows.length] / row[i]);
}
