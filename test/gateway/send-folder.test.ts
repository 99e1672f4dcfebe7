import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { dicomFile } from '../../src/dicom/write/data-set.js';
import type { FolderDestination } from '../../src/gateway/config.js';
import { outgoingObjects } from '../../src/gateway/outgoing.js';
import { sendToFolder } from '../../src/gateway/send/folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A folder as `dawson dicom export` writes it of an exam that has an earlier one. */
function exported(folder: string): string {
  mkdirSync(folder);
  const objects = ['lesions.dcm', 'preview-001.dcm', 'change-001.dcm'].map((file, at) => {
    const [sopClass, sopInstance] = ['1.2.840.10008.5.1.4.1.1.7', `2.25.${at}`];
    writeFileSync(
      `${folder}/${file}`,
      dicomFile({ SOPClassUID: sopClass, SOPInstanceUID: sopInstance, Modality: 'OT' }),
    );
    return { file, sopClass, sopInstance };
  });
  writeFileSync(`${folder}/export.json`, JSON.stringify({ objects }));
  return folder;
}

it('a result with previews of the change is delivered to a folder, and again', async () => {
  const at = temporaryFolder();
  const destination: FolderDestination = { name: 'out', kind: 'folder', path: at('out') };
  const outgoing = {
    ...{ job: 'j', version: 1, study: 's', instances: 1, earlier: [], remarks: [] },
    objects: exported(at('objects')),
  };
  const { signal } = new AbortController();
  for (let time = 0; time < 2; time++) await sendToFolder(destination, outgoing, signal);
  expect(readdirSync(at('out', 's-1')).sort()).toEqual([
    'change-001.dcm',
    'delivery.json',
    'lesions.dcm',
    'preview-001.dcm',
  ]);
});

it('previews of the change go where previews go', async () => {
  const folder = exported(temporaryFolder()('objects'));
  const files = async (kind: 'preview' | 'lesions') =>
    (await outgoingObjects(folder, [kind])).map(({ file }) => file);
  expect(await files('preview')).toEqual(['preview-001.dcm', 'change-001.dcm']);
  expect(await files('lesions')).toEqual(['lesions.dcm']);
});
