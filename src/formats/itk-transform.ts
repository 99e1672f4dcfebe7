import { DawsonError } from '../errors.js';
import {
  determinant,
  identity,
  type Mat4,
  multiply,
  type Vec3,
  voxelSizeMm,
} from '../volume/affine.js';
import { readWholeFile } from './open-file.js';
import { describeStart, signatureBytes } from './recognise.js';
import { type NewFile, writeAllWhole } from './write-whole.js';

/** LPS to RAS and back: both first axes change their sign. */
const flipLpsRas: Mat4 = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

const firstLine = '#Insight Transform File V1.0';

/** Far more than one linear transform needs. */
const longestFileBytes = 2 ** 16;

/** Beyond these a transform is in another unit, or damaged. */
const leastScale = 0.01;
const mostScale = 100;
const farthestMm = 1e5;
/** Below this share of the volume of right-angled axes, all is pressed into a plane. */
const leastSkewVolume = 1e-4;

/** The linear part of a transform, row by row, and what it adds. */
interface MatrixAndTranslation {
  readonly matrix: readonly number[];
  readonly translation: readonly number[];
}

interface TransformKind {
  readonly parameters: number;
  /** Numbers that FixedParameters may have. The first three, where there are any, are the centre. */
  readonly fixedParameters: readonly number[];
  readonly read: (parameters: readonly number[], fixed: readonly number[]) => MatrixAndTranslation;
}

const affine: TransformKind = {
  parameters: 12,
  fixedParameters: [3],
  read: (p) => ({ matrix: p.slice(0, 9), translation: p.slice(9) }),
};

/** The kinds of ITK transforms that are read, named without their suffixes. */
const kinds: Readonly<Record<string, TransformKind>> = {
  AffineTransform: affine,
  MatrixOffsetTransformBase: affine,
  Euler3DTransform: {
    parameters: 6,
    fixedParameters: [3, 4],
    read: (p, fixed) => ({
      matrix: rotationOfAngles([p[0], p[1], p[2]], fixed[3] === 1),
      translation: p.slice(3),
    }),
  },
  VersorRigid3DTransform: {
    parameters: 6,
    fixedParameters: [3],
    read: (p) => ({ matrix: rotationOfVersor([p[0], p[1], p[2]]), translation: p.slice(3) }),
  },
  Similarity3DTransform: {
    parameters: 7,
    fixedParameters: [3],
    read: (p) => ({
      matrix: rotationOfVersor([p[0], p[1], p[2]]).map((value) => p[6] * value),
      translation: p.slice(3, 6),
    }),
  },
  TranslationTransform: {
    parameters: 3,
    fixedParameters: [0],
    read: (p) => ({ matrix: [1, 0, 0, 0, 1, 0, 0, 0, 1], translation: p }),
  },
};

/**
 * Reads a text file with one linear ITK transform in three dimensions. ITK's transforms map points
 * of the fixed image to points of the moving image, in LPS mm; the matrix returned does so in RAS mm.
 * @throws DawsonError `bad-transform` for anything else: two-dimensional, composite, deformable or
 *   singular transforms, numbers that are missing, left over or not finite, scales and distances
 *   that no two images of heads have; `file-oversized`.
 */
export async function readTransform(file: string): Promise<Mat4> {
  const limits = { mostBytes: longestFileBytes, kind: 'a transform' };
  return parseTransform((await readWholeFile(file, limits)).toString('latin1'), file);
}

function parseTransform(text: string, file: string): Mat4 {
  if (!text.startsWith(firstLine)) {
    throw new DawsonError('bad-transform', {
      file,
      expected: `text that begins with "${firstLine}"`,
      found: describeStart(Buffer.from(text.slice(0, signatureBytes), 'latin1'), false),
    });
  }
  const values = valuesOf(text, file);
  const name = values.get('Transform')!;
  const [, base, suffix] = /^(\w+?)(_(?:double|float)_3_3)?$/.exec(name) ?? [];
  const kind = Object.hasOwn(kinds, base ?? '') && suffix ? kinds[base] : undefined;
  if (!kind) {
    throw new DawsonError('bad-transform', {
      file,
      expected: `one of ${Object.keys(kinds).join(', ')} in three dimensions`,
      found: name,
    });
  }
  const parameters = numbers(values.get('Parameters')!, [kind.parameters], file);
  const fixed = numbers(values.get('FixedParameters')!, kind.fixedParameters, file);
  const lps = aboutCentre(kind.read(parameters, fixed), [
    fixed[0] ?? 0,
    fixed[1] ?? 0,
    fixed[2] ?? 0,
  ]);
  const ras = multiply(flipLpsRas, multiply(lps, flipLpsRas));
  if (!isPlausible(ras)) {
    throw new DawsonError('bad-transform', {
      file,
      expected: `a transform that can be inverted, with scales of ${leastScale} to ${mostScale} and at most ${farthestMm} mm`,
      found: `the matrix ${lps.slice(0, 12).join(' ')}`,
    });
  }
  return ras;
}

/** Whether a transform could be that of two images of heads: neither scales nor distances beyond all. */
function isPlausible(transform: Mat4): boolean {
  const scales = voxelSizeMm(transform);
  const volume = Math.abs(determinant(transform)) / (scales[0] * scales[1] * scales[2]);
  return (
    transform.every(Number.isFinite) &&
    scales.every((scale) => scale >= leastScale && scale <= mostScale) &&
    volume >= leastSkewVolume &&
    [3, 7, 11].every((at) => Math.abs(transform[at]) <= farthestMm)
  );
}

/**
 * Writes a map of points of the fixed image to points of the moving image, RAS mm, as an ITK
 * transform file (LPS mm), whole or not at all. Numbers are written so that they read back exactly.
 * @throws DawsonError `bad-transform` for what {@link readTransform} would refuse; `output-failed`.
 */
export async function writeTransform(file: string, fixedToMoving: Mat4): Promise<void> {
  await writeAllWhole([transformFile(file, fixedToMoving)]);
}

/** What {@link writeTransform} writes. */
export function transformFile(file: string, fixedToMoving: Mat4): NewFile {
  const lps = multiply(flipLpsRas, multiply(fixedToMoving, flipLpsRas));
  const parameters = [
    ...[0, 1, 2].flatMap((row) => lps.slice(4 * row, 4 * row + 3)),
    ...[lps[3], lps[7], lps[11]],
  ];
  const lines = [
    firstLine,
    '#Transform 0',
    'Transform: AffineTransform_double_3_3',
    `Parameters: ${parameters.join(' ')}`,
    'FixedParameters: 0 0 0',
  ];
  const text = `${lines.join('\n')}\n`;
  parseTransform(text, file);
  return { file, bytes: Buffer.from(text) };
}

const keys = ['Transform', 'Parameters', 'FixedParameters'] as const;

/** The values of the lines `key: value`: each key once, and nothing else beside comments. */
function valuesOf(text: string, file: string): ReadonlyMap<string, string> {
  const fail = (expected: string, found: string): never => {
    throw new DawsonError('bad-transform', { file, expected, found });
  };
  const values = new Map<string, string>();
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (/^\s*(#|$)/.test(line)) continue;
    const key = keys.find((name) => line.startsWith(`${name}:`));
    if (!key)
      return fail(`lines that begin with ${keys.join(', ')}`, JSON.stringify(line.slice(0, 80)));
    if (values.has(key)) fail(`one line "${key}:"`, 'another one: perhaps a second transform');
    values.set(key, line.slice(key.length + 1).trim());
  }
  const missing = keys.find((key) => !values.has(key));
  return missing ? fail(`one line "${missing}:"`, 'none') : values;
}

function numbers(text: string, counts: readonly number[], file: string): number[] {
  const values = text === '' ? [] : text.split(/\s+/).map(Number);
  if (counts.includes(values.length) && values.every(Number.isFinite)) return values;
  throw new DawsonError('bad-transform', {
    file,
    expected: `${counts.join(' or ')} finite numbers`,
    found: `${values.length}: ${text.slice(0, 200)}`,
  });
}

/** `matrix (x - centre) + centre + translation`. */
function aboutCentre({ matrix, translation }: MatrixAndTranslation, centre: Vec3): Mat4 {
  const rows = [...identity];
  for (let row = 0; row < 3; row++) {
    let offset = translation[row] + centre[row];
    for (let column = 0; column < 3; column++) {
      rows[4 * row + column] = matrix[3 * row + column];
      offset -= matrix[3 * row + column] * centre[column];
    }
    rows[4 * row + 3] = offset;
  }
  return rows as unknown as Mat4;
}

/** Rotation by angles in radians about x, y and z: Rz Rx Ry, or Rz Ry Rx where `zyx`. */
function rotationOfAngles([x, y, z]: Vec3, zyx: boolean): readonly number[] {
  const about = (sine: number, cosine: number, from: 0 | 1 | 2, to: 0 | 1 | 2): Mat4 => {
    const rotation = [...identity];
    rotation[5 * from] = cosine;
    rotation[5 * to] = cosine;
    rotation[4 * from + to] = -sine;
    rotation[4 * to + from] = sine;
    return rotation as unknown as Mat4;
  };
  const rx = about(Math.sin(x), Math.cos(x), 1, 2);
  const ry = about(Math.sin(y), Math.cos(y), 2, 0);
  const rz = about(Math.sin(z), Math.cos(z), 0, 1);
  const r = multiply(rz, zyx ? multiply(ry, rx) : multiply(rx, ry));
  return [r[0], r[1], r[2], r[4], r[5], r[6], r[8], r[9], r[10]];
}

/** Rotation of a unit quaternion given by its vector part; one that is too long is shortened. */
function rotationOfVersor(vector: Vec3): readonly number[] {
  const length = Math.max(1, Math.hypot(...vector));
  const [x, y, z] = vector.map((value) => value / length);
  const w = Math.sqrt(Math.max(0, 1 - x * x - y * y - z * z));
  return [
    1 - 2 * (y * y + z * z),
    2 * (x * y - z * w),
    2 * (x * z + y * w),
    2 * (x * y + z * w),
    1 - 2 * (x * x + z * z),
    2 * (y * z - x * w),
    2 * (x * z - y * w),
    2 * (y * z + x * w),
    1 - 2 * (x * x + y * y),
  ];
}
