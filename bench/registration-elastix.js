// Native elastix (elastix.dev, Klein et al. 2010, doi 10.1109/TMI.2009.2035616) as the peer of our
// registration: it is used where it is on the PATH.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { invert, multiply } from '../dist/volume/affine.js';

const run = promisify(execFile);

export const elastixVersion = () => {
  const { stdout } = spawnSync('elastix', ['--version'], { encoding: 'utf8' });
  return stdout?.match(/[\d.]+/)?.[0];
};

/**
 * Parameters after the manual's advice for rigid and affine registration of two contrasts: mutual
 * information, adaptive stochastic gradient descent, samples off the grid, centres of gravity laid
 * onto each other, four resolutions that spare the thick slices.
 */
const parameters = (transform) => `
(FixedInternalImagePixelType "float")
(MovingInternalImagePixelType "float")
(FixedImageDimension 3)
(MovingImageDimension 3)
(UseDirectionCosines "true")
(Registration "MultiResolutionRegistration")
(FixedImagePyramid "FixedSmoothingImagePyramid")
(MovingImagePyramid "MovingSmoothingImagePyramid")
(ImagePyramidSchedule 8 8 2  4 4 1  2 2 1  1 1 1)
(NumberOfResolutions 4)
(Interpolator "LinearInterpolator")
(ResampleInterpolator "FinalBSplineInterpolator")
(Resampler "DefaultResampler")
(Metric "AdvancedMattesMutualInformation")
(NumberOfHistogramBins 32)
(ImageSampler "RandomCoordinate")
(NumberOfSpatialSamples 8192)
(NewSamplesEveryIteration "true")
(RequiredRatioOfValidSamples 0.1)
(Optimizer "AdaptiveStochasticGradientDescent")
(MaximumNumberOfIterations 500)
(AutomaticParameterEstimation "true")
(UseAdaptiveStepSizes "true")
(Transform "${transform}")
(AutomaticScalesEstimation "true")
(AutomaticTransformInitialization "${transform === 'EulerTransform'}")
(AutomaticTransformInitializationMethod "CenterOfGravity")
(HowToCombineTransforms "Compose")
(WriteResultImage "false")
(RandomSeed 1234)
`;

/** Registers rigidly and, from there, affinely; gives both maps (RAS mm) and the seconds of each. */
export async function registerWithElastix(fixedFile, movingFile, { dof = 12, threads = 1 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'registration-'));
  try {
    const transforms = ['EulerTransform', 'AffineTransform'].slice(0, dof === 6 ? 1 : 2);
    const files = transforms.map((name) => join(folder, `${name}.txt`));
    await Promise.all(files.map((file, i) => writeFile(file, parameters(transforms[i]))));
    const started = performance.now();
    await run(
      'elastix',
      [
        ...['-f', fixedFile, '-m', movingFile, '-out', folder, '-threads', String(threads)],
        ...files.flatMap((file) => ['-p', file]),
      ],
      { maxBuffer: 1 << 28 },
    );
    const seconds = (performance.now() - started) / 1000;
    const rigid = await readResult(join(folder, 'TransformParameters.0.txt'));
    if (dof === 6) return { rigid, seconds };
    const then = await readResult(join(folder, 'TransformParameters.1.txt'));
    return { rigid, affine: multiply(then, rigid), seconds };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The map of one of elastix's result files, from LPS to RAS. */
async function readResult(file) {
  const text = await readFile(file, 'utf8');
  const numbers = (key) =>
    text
      .match(new RegExp(`\\(${key} ([^)]*)\\)`))[1]
      .split(' ')
      .map(Number);
  const p = numbers('TransformParameters');
  const centre = numbers('CenterOfRotationPoint');
  const linear = p.length === 6 ? eulerRotation(p[0], p[1], p[2]) : p.slice(0, 9);
  const shift = p.slice(-3);
  const lps = [0, 1, 2].flatMap((row) => {
    const [a, b, c] = linear.slice(3 * row, 3 * row + 3);
    return [a, b, c, shift[row] + centre[row] - a * centre[0] - b * centre[1] - c * centre[2]];
  });
  const flip = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  return multiply(flip, multiply([...lps, 0, 0, 0, 1], invert(flip)));
}

/** About z after x after y, ITK's order. */
function eulerRotation(x, y, z) {
  const [cx, cy, cz] = [x, y, z].map(Math.cos);
  const [sx, sy, sz] = [x, y, z].map(Math.sin);
  return [
    ...[cz * cy - sz * sx * sy, -sz * cx, cz * sy + sz * sx * cy],
    ...[sz * cy + cz * sx * sy, cz * cx, sz * sy - cz * sx * cy],
    ...[-cx * sy, sx, cx * cy],
  ];
}
