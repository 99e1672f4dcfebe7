export { checkIntensities } from './check-intensities.js';
export { type NiftiHeader, type NiftiImage, readNifti, writeNifti } from './nifti.js';
export { type ImageFile, readVolume } from './read-volume.js';
export { sha256OfFile } from './sha256.js';
export { writeWhole } from './write-whole.js';
