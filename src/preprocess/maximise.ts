/** A function's value and its gradient at a place. */
export interface Evaluated {
  readonly value: number;
  readonly gradient: Float64Array;
}

export interface Maximum<Place, Result> {
  readonly place: Place;
  readonly result: Result;
  readonly evaluations: number;
  /** The last step was shorter than the tolerance, or no step led higher. */
  readonly converged: boolean;
}

/**
 * Climbs to a local maximum by BFGS (Nocedal and Wright 2006, algorithm 6.1) with backtracking, on
 * any space in which one can take small steps: `move(place, step)` gives the place that a step
 * leads to, and `evaluate(place)` the value there with its gradient by such a step.
 *
 * @param longestStep no step is longer, which keeps the climb in the basin where it starts; also
 *   the length of the first step
 * @param tolerance a step shorter than this ends the climb
 */
export function maximise<Place, Result extends Evaluated>(
  start: Place,
  evaluate: (place: Place) => Result,
  move: (place: Place, step: Float64Array) => Place,
  options: { longestStep: number; tolerance: number; maxIterations: number },
): Maximum<Place, Result> {
  const { longestStep, tolerance, maxIterations } = options;
  let place = start;
  let result = evaluate(start);
  let evaluations = 1;
  const n = result.gradient.length;
  /** Estimate of the inverse of the negative Hessian, n x n; undefined: only the slope is known. */
  let inverse: Float64Array | undefined;

  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const { gradient } = result;
    let step = inverse ? timesVector(inverse, gradient) : gradient.slice();
    if (inverse && !(dot(step, gradient) > 0)) {
      inverse = undefined;
      step = gradient.slice();
    }
    const length = norm(step);
    if (length === 0) return { place, result, evaluations, converged: true };
    if (!inverse || length > longestStep) scaleInPlace(step, longestStep / length);

    let next: { place: Place; result: Result } | undefined;
    while (norm(step) >= tolerance / 4) {
      const candidate = move(place, step);
      const there = evaluate(candidate);
      evaluations++;
      const rise = dot(step, gradient);
      const gain = there.value - result.value;
      if (gain >= 1e-4 * rise) {
        next = { place: candidate, result: there };
        break;
      }
      // The top of the parabola through the two values and the slope, within bounds.
      const top = rise / (2 * (rise - gain));
      scaleInPlace(step, Math.min(0.5, Math.max(0.1, top)));
    }
    if (!next) {
      if (!inverse) return { place, result, evaluations, converged: true };
      inverse = undefined;
      continue;
    }
    const change = gradient.map((g, i) => g - next.result.gradient[i]);
    place = next.place;
    result = next.result;
    const curvature = dot(step, change);
    if (curvature > 1e-10 * norm(step) * norm(change)) {
      inverse ??= scaledIdentity(n, curvature / dot(change, change));
      updateInPlace(inverse, step, change, curvature);
    }
    if (norm(step) < tolerance) return { place, result, evaluations, converged: true };
  }
  return { place, result, evaluations, converged: false };
}

/** H <- (I - s y^T / sy) H (I - y s^T / sy) + s s^T / sy */
function updateInPlace(h: Float64Array, s: Float64Array, y: Float64Array, sy: number): void {
  const n = s.length;
  const hy = timesVector(h, y);
  const factor = (1 + dot(y, hy) / sy) / sy;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      h[i * n + j] += factor * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy;
    }
  }
}

function scaledIdentity(n: number, scale: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = scale;
  return matrix;
}

function timesVector(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  return vector.map((_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += matrix[i * n + j] * vector[j];
    return sum;
  });
}

function scaleInPlace(vector: Float64Array, factor: number): void {
  for (let i = 0; i < vector.length; i++) vector[i] *= factor;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function norm(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector));
}
