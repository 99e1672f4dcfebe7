import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import { requireShipped, shippedPath } from '../formats/index.js';
import { type ModelFolder, modelCardFile, openModelFolder } from './model-folder.js';
import type { OwnModelName } from './own-model.js';

/**
 * Opens a model that finds lesions, whether it was trained, imported, or comes with Dawson, and checks that
 * its files are those that its card names.
 * @throws DawsonError as {@link openModelFolder}; `bad-model` for a network that sees heads.
 */
export async function openModel(folder: string): Promise<ModelFolder> {
  const opened = await openModelFolder(folder);
  if (opened.model.plan.input !== 'head') return opened;
  throw new DawsonError('bad-model', {
    file: join(folder, 'plans.json'),
    expected: 'a network that finds lesions',
    found: 'one that finds the parts of a head',
    advice: 'Choose a model that finds lesions; Dawson uses this one by itself to find the brain.',
  });
}

/** Folder of one of the networks that come with Dawson. */
export const shippedModelFolder = (name: OwnModelName): string => shippedPath(`models/${name}`);

/** One of the networks that come with Dawson. @throws DawsonError as {@link openModelFolder}, and where it was changed. */
export async function openShippedModel(name: OwnModelName): Promise<ModelFolder> {
  const model = await openModelFolder(shippedModelFolder(name));
  await requireShipped(`models/${name}/${modelCardFile}`, model.sha256);
  return model;
}
