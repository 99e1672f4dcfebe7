import type { ModelFolder } from '../../model/model-folder.js';
import { orientationOf, reorient } from '../../volume/reorient.js';
import type { Volume } from '../../volume/volume.js';
import type { Channels } from './preprocess.js';

/** Whether the model was trained on images that its reader had turned to one orientation. */
const readerTurns = ({ plans }: ModelFolder): boolean =>
  /WithReorient$/.test(`${(plans as { image_reader_writer?: unknown }).image_reader_writer}`);

/** Images as nnU-Net gives them to a model: as they lie in their files, unless its reader turns them. */
export const turned = (channels: Channels, opened: ModelFolder): Channels =>
  readerTurns(opened)
    ? channels.map((volume) => volume && reorient(volume, opened.model.orientation))
    : channels;

/** The axes of an image that a model takes as they lie, though those of the training images were others. */
export function otherAxes({ affine }: Volume, opened: ModelFolder) {
  const own = orientationOf(affine);
  const { orientation } = opened.model;
  return readerTurns(opened) || own === orientation ? undefined : { own, orientation };
}
