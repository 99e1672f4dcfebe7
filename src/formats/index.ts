export { checkIntensities } from './check-intensities.js';
export {
  imageEndings,
  imageName,
  isImageName,
  outputEndings,
  requireEnding,
} from './file-endings.js';
export { readTransform, transformFile, writeTransform } from './itk-transform.js';
export { linkImage } from './link-image.js';
export { makeFolder } from './make-folder.js';
export type { NiftiHeader } from './nifti.js';
export { formCodeOf } from './nifti-affine.js';
export { encodePng } from './png.js';
export {
  type ImageFile,
  readLabels,
  readNifti,
  readSingle,
  readStored,
  readVolume,
  sha256OfImage,
} from './read-volume.js';
export { sha256Of, sha256OfFile } from './sha256.js';
export { readShippedImage, readShippedJson, requireShipped, shippedPath } from './shipped-files.js';
export { decodeText } from './text.js';
export { voxelsFileOf } from './voxels-file.js';
export {
  type ResultKind,
  requireReplaceableFolder,
  writeFolderWhole,
} from './write-folder-whole.js';
export { niftiFile, writeNifti } from './write-nifti.js';
export { writeAllWhole, writeWhole } from './write-whole.js';
