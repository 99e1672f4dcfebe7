import type { Mat4 } from '../../../src/volume/affine.js';
import type { Volume } from '../../../src/volume/volume.js';

export const volumes: Record<string, Volume>;
export const likeImages: Record<string, string>;
export const transforms: Record<string, Mat4>;
