export { checkIntensities } from './check-intensities.js';
export { readTransform, writeTransform } from './itk-transform.js';
export { type NiftiHeader, type NiftiImage, readNifti, writeNifti } from './nifti.js';
export { encodePng } from './png.js';
export { type ImageFile, readVolume } from './read-volume.js';
export { sha256OfFile } from './sha256.js';
export {
  type ResultKind,
  requireReplaceableFolder,
  writeFolderWhole,
} from './write-folder-whole.js';
export { writeWhole } from './write-whole.js';
