/** Softmax over the first axis of [classes, voxels]. */
export function softmax(logits: Float32Array, classes: number): Float32Array {
  const voxels = logits.length / classes;
  const result = new Float32Array(logits.length);
  for (let at = 0; at < voxels; at++) {
    let highest = -Infinity;
    for (let c = 0; c < classes; c++) highest = Math.max(highest, logits[c * voxels + at]);
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      result[c * voxels + at] = Math.exp(logits[c * voxels + at] - highest);
      sum += result[c * voxels + at];
    }
    for (let c = 0; c < classes; c++) result[c * voxels + at] /= sum;
  }
  return result;
}

/** The logistic function of each number. */
export const sigmoid = (logits: Float32Array): Float32Array =>
  logits.map((logit) => 1 / (1 + Math.exp(-logit)));
