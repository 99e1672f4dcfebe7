/** What is known of a found lesion when its confidence is asked for. */
export interface JudgedLesion {
  /** Highest probability of its voxels. */
  readonly maxProbability: number;
  readonly volumeMl: number;
}

/**
 * How likely a found lesion is a real one: a logistic regression on the highest of its voxels'
 * probabilities (log odds) and its volume (log of mm3), fitted on exams that the network had not seen.
 */
export interface ConfidenceModel {
  readonly intercept: number;
  readonly perLogOdds: number;
  readonly perLogVolume: number;
}

/** Probabilities nearer to 0 or 1 count as these: half precision knows no better. */
const extreme = 1e-4;

const featuresOf = ({ maxProbability, volumeMl }: JudgedLesion) => {
  const p = Math.min(1 - extreme, Math.max(extreme, maxProbability));
  return [1, Math.log(p / (1 - p)), Math.log(1000 * volumeMl)] as const;
};

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** @returns 0 to 1 */
export function confidenceOf(
  { intercept, perLogOdds, perLogVolume }: ConfidenceModel,
  lesion: JudgedLesion,
): number {
  const [, logOdds, logVolume] = featuresOf(lesion);
  return logistic(intercept + perLogOdds * logOdds + perLogVolume * logVolume);
}

/** Keeps the fit finite where the lesions could be told apart without error. */
const ridge = 1e-2;
const newtonSteps = 25;

/**
 * Fits the model by maximum likelihood, with a weak ridge on the two slopes (Newton's method).
 * @param real whether each lesion was one
 */
export function fitConfidence(
  lesions: readonly (JudgedLesion & { readonly real: boolean })[],
): ConfidenceModel {
  let weights = [0, 0, 0];
  for (let step = 0; step < newtonSteps; step++) {
    const gradient = [0, -ridge * weights[1], -ridge * weights[2]];
    const curvature = [
      [1e-9, 0, 0],
      [0, ridge, 0],
      [0, 0, ridge],
    ];
    for (const lesion of lesions) {
      const x = featuresOf(lesion);
      const p = logistic(x.reduce((sum, value, i) => sum + value * weights[i], 0));
      for (let i = 0; i < 3; i++) {
        gradient[i] += x[i] * (Number(lesion.real) - p);
        for (let j = 0; j < 3; j++) curvature[i][j] += x[i] * x[j] * p * (1 - p);
      }
    }
    const change = solve3(curvature, gradient);
    // A full step far from the solution can overshoot into where the curvature vanishes.
    const longest = Math.max(...change.map(Math.abs));
    const share = Math.min(1, 2 / longest);
    weights = weights.map((weight, i) => weight + share * change[i]);
    if (longest < 1e-10) break;
  }
  const [intercept, perLogOdds, perLogVolume] = weights;
  return { intercept, perLogOdds, perLogVolume };
}

/** Solves a symmetric positive definite system by Cramer's rule. */
function solve3(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const determinant = (m: readonly (readonly number[])[]) =>
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
    m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
    m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  const whole = determinant(a);
  return [0, 1, 2].map(
    (column) =>
      determinant(a.map((row, i) => row.map((value, j) => (j === column ? b[i] : value)))) / whole,
  );
}
