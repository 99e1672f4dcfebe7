// What the registration benchmark measures, apart from the code that it judges.
import { invert } from '../dist/volume/affine.js';

/** Every third voxel (in plane) brighter than 15 % of the image's 99th percentile, as RAS mm points. */
export function headPoints({ data, size, affine }) {
  const sorted = Float32Array.from(data).sort();
  const threshold = 0.15 * sorted[Math.floor(0.99 * sorted.length)];
  const [nx, ny, nz] = size;
  const points = [];
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j += 3) {
      for (let i = 0; i < nx; i += 3) {
        if (data[i + nx * (j + ny * k)] > threshold) points.push(apply(affine, [i, j, k]));
      }
    }
  }
  return points;
}

function apply(m, [x, y, z]) {
  return [0, 4, 8].map((r) => m[r] * x + m[r + 1] * y + m[r + 2] * z + m[r + 3]);
}

/** Root mean square and maximum, in mm, of the distances between where two maps take the points. */
export function pointError(points, a, b) {
  let sum = 0;
  let max = 0;
  for (const point of points) {
    const [p, q] = [apply(a, point), apply(b, point)];
    const square = (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2;
    sum += square;
    max = Math.max(max, square);
  }
  return { rms: Math.sqrt(sum / points.length), max: Math.sqrt(max) };
}

/**
 * Mutual information in nats at the given points: both images at full resolution, interpolated
 * linearly, a plain histogram of 64 x 64 classes between each image's 0.1 and 99.9 percentiles.
 */
export function plainMutualInformation(points, fixed, moving, fixedToMoving) {
  const classes = 64;
  const sampler = (volume) => {
    const [nx, ny, nz] = volume.size;
    const { data } = volume;
    const sorted = Float32Array.from(data).sort();
    const low = sorted[Math.floor(0.001 * sorted.length)];
    const high = sorted[Math.floor(0.999 * (sorted.length - 1))];
    const toVoxel = invert(volume.affine);
    return (point) => {
      const [x, y, z] = apply(toVoxel, point);
      if (!(x >= 0 && y >= 0 && z >= 0 && x <= nx - 1 && y <= ny - 1 && z <= nz - 1)) return -1;
      const [i, j, k] = [Math.min(x | 0, nx - 2), Math.min(y | 0, ny - 2), Math.min(z | 0, nz - 2)];
      let value = 0;
      for (let corner = 0; corner < 8; corner++) {
        const [a, b, c] = [corner & 1, (corner >> 1) & 1, corner >> 2];
        const weight = (a ? x - i : 1 - x + i) * (b ? y - j : 1 - y + j) * (c ? z - k : 1 - z + k);
        if (weight > 0) value += weight * data[i + a + nx * (j + b + ny * (k + c))];
      }
      const share = (value - low) / (high - low);
      return Math.min(Math.max(Math.floor(share * classes), 0), classes - 1);
    };
  };
  const [atFixed, atMoving] = [sampler(fixed), sampler(moving)];
  const joint = new Float64Array(classes * classes);
  let count = 0;
  for (const point of points) {
    const f = atFixed(point);
    const m = atMoving(apply(fixedToMoving, point));
    if (f < 0 || m < 0) continue;
    joint[f * classes + m]++;
    count++;
  }
  const entropy = (sums) =>
    sums.reduce((h, n) => (n > 0 ? h - (n / count) * Math.log(n / count) : h), 0);
  const fixedSums = new Float64Array(classes);
  const movingSums = new Float64Array(classes);
  joint.forEach((n, at) => {
    fixedSums[Math.floor(at / classes)] += n;
    movingSums[at % classes] += n;
  });
  return entropy(fixedSums) + entropy(movingSums) - entropy(joint);
}

/**
 * A map that turns by up to `degrees` about a random axis through `centre` and then shifts by up to
 * `mm` in a random direction, both uniform in size.
 */
export function randomRigid(random, centre, degrees, mm) {
  const direction = () => {
    const v = [random.normal(), random.normal(), random.normal()];
    return v.map((x) => x / Math.hypot(...v));
  };
  const [x, y, z] = direction();
  const angle = (random.uniform() * degrees * Math.PI) / 180;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const linear = [
    [c + x * x * (1 - c), x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
    [y * x * (1 - c) + z * s, c + y * y * (1 - c), y * z * (1 - c) - x * s],
    [z * x * (1 - c) - y * s, z * y * (1 - c) + x * s, c + z * z * (1 - c)],
  ];
  const length = random.uniform() * mm;
  const shift = direction().map((v) => v * length);
  return [
    ...linear.flatMap((row, r) => {
      const turned = row[0] * centre[0] + row[1] * centre[1] + row[2] * centre[2];
      return [...row, centre[r] - turned + shift[r]];
    }),
    ...[0, 0, 0, 1],
  ];
}
