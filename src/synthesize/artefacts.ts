import { voxelSizeMm } from '../volume/affine.js';
import type { Random } from '../volume/random.js';
import { strides, type Volume } from '../volume/volume.js';
import { addRicianNoiseInPlace } from './noise.js';
import { renderField, type SmoothField } from './smooth-field.js';

/** What the scanner and the patient add to an image. Amplitudes are relative to the body's intensities. */
export interface Artefacts {
  /** Standard deviation of the logarithm of the coil's sensitivity, and how it runs. */
  readonly biasSd: number;
  readonly biasField: SmoothField;
  /** Standard deviation of the noise in both parts of the complex image. */
  readonly noiseSd: number;
  /** Images of the moving head along the phase-encoding axis. */
  readonly ghostStrength: number;
  readonly ghostShiftVoxels: number;
  readonly phaseAxis: 0 | 1 | 2;
  /** The field of view is shorter than the head by this part: the ends fold over. */
  readonly wrapVoxels: number;
  /** Intensities are raised to this power. */
  readonly gamma: number;
  /** Intensity 1 becomes this number in the file. */
  readonly scale: number;
}

export const noArtefacts: Artefacts = {
  biasSd: 0,
  biasField: { seed: 0, spacingMm: 80 },
  noiseSd: 0,
  ghostStrength: 0,
  ghostShiftVoxels: 0,
  phaseAxis: 0,
  wrapVoxels: 0,
  gamma: 1,
  scale: 500,
};

/** Adds the artefacts to a measured image, in the order in which they arise, and scales it. */
export function addArtefactsInPlace(
  image: Volume<Float32Array>,
  artefacts: Artefacts,
  random: Random,
): void {
  const { data } = image;
  if (artefacts.biasSd > 0) multiplyBiasInPlace(image, artefacts);
  if (artefacts.ghostStrength > 0) {
    addShiftedInPlace(
      image,
      artefacts.phaseAxis,
      artefacts.ghostShiftVoxels,
      artefacts.ghostStrength,
      true,
    );
  }
  if (artefacts.wrapVoxels > 0) foldInPlace(image, artefacts.phaseAxis, artefacts.wrapVoxels);
  if (artefacts.noiseSd > 0) addRicianNoiseInPlace(data, artefacts.noiseSd, random);
  const { gamma, scale } = artefacts;
  for (let at = 0; at < data.length; at++) {
    data[at] = scale * (gamma === 1 ? data[at] : Math.max(0, data[at]) ** gamma);
  }
}

/** The coil's sensitivity runs with the field of view, whose corner is the field's origin. */
function multiplyBiasInPlace(image: Volume<Float32Array>, { biasSd, biasField }: Artefacts): void {
  const spacingMm = voxelSizeMm(image.affine);
  const field = renderField(biasField, { size: image.size, originMm: [0, 0, 0], spacingMm });
  for (let at = 0; at < field.length; at++) image.data[at] *= Math.exp(biasSd * field[at]);
}

/** Adds a copy shifted round the axis, both ways when `both`. */
function addShiftedInPlace(
  { data, size }: Volume<Float32Array>,
  axis: number,
  shift: number,
  strength: number,
  both: boolean,
): void {
  const stride = strides(size)[axis];
  const n = size[axis];
  const line = new Float32Array(n);
  for (let start = 0; start < data.length; start++) {
    if (Math.floor(start / stride) % n !== 0) continue;
    for (let p = 0; p < n; p++) line[p] = data[start + p * stride];
    for (let p = 0; p < n; p++) {
      const before = line[(((p - shift) % n) + n) % n];
      const after = both ? line[(p + shift) % n] : 0;
      data[start + p * stride] += strength * (before + after);
    }
  }
}

/** Signal within `count` voxels of one end is measured at the other. */
function foldInPlace({ data, size }: Volume<Float32Array>, axis: number, count: number): void {
  const stride = strides(size)[axis];
  const n = size[axis];
  for (let start = 0; start < data.length; start++) {
    if (Math.floor(start / stride) % n !== 0) continue;
    for (let p = 0; p < count; p++) {
      const from = start + p * stride;
      const to = start + (n - count + p) * stride;
      data[to] += data[from];
      data[from] = data[to];
    }
  }
}
