import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import type { requests, responses } from 'dcmjs-dimse';
import { expect, it, onTestFinished } from 'vitest';
import { dicomFile } from '../../src/dicom/write/data-set.js';
import type { FolderDestination, ObjectKind } from '../../src/gateway/config.js';
import { responses as made } from '../../src/gateway/dimse.js';
import { outgoingObjects } from '../../src/gateway/outgoing.js';
import { sendByDicom } from '../../src/gateway/send/dicom.js';
import { sendByDicomweb } from '../../src/gateway/send/dicomweb.js';
import { sendToFolder } from '../../src/gateway/send/folder.js';
import { AcceptingScp } from '../support/accepting-scp.js';
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

it('previews of the change are objects that a destination names, or leaves out', async () => {
  const folder = exported(temporaryFolder()('objects'));
  const files = async (kind: ObjectKind) =>
    (await outgoingObjects(folder, [kind])).map(({ file }) => file);
  expect(await files('preview')).toEqual(['preview-001.dcm']);
  expect(await files('change')).toEqual(['change-001.dcm']);
  expect(await files('lesions')).toEqual(['lesions.dcm']);
});

/** An archive that takes the first transfer syntax of each context that it is offered. */
class FirstOffered extends AcceptingScp {
  static readonly taken: string[] = [];
  override cStoreRequest(
    request: requests.CStoreRequest,
    answer: (response: responses.CStoreResponse) => void,
  ): void {
    FirstOffered.taken.push(request.getAffectedSopInstanceUid());
    const response = made.CStoreResponse.fromRequest(request);
    response.setStatus(0);
    answer(response);
  }
}

it('a result is sent to an archive that would rather have another transfer syntax', async () => {
  const server = createServer((socket) => {
    const scp = new FirstOffered(socket, {});
    scp.on('networkError', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const peer = { name: 'archive', kind: 'dicom', host: '127.0.0.1', port } as const;
  const outgoing = {
    ...{ job: 'j', version: 1, study: 's', instances: 1, earlier: [], remarks: [] },
    objects: exported(temporaryFolder()('objects')),
  };
  const destination = { ...peer, title: 'ARCHIVE', from: 'DAWSON' };
  await sendByDicom(destination, outgoing, new AbortController().signal);
  expect(FirstOffered.taken.sort()).toEqual(['2.25.0', '2.25.1', '2.25.2']);
});

it('a destination is done with a result that has none of its objects', async () => {
  const { signal } = new AbortController();
  const outgoing = {
    ...{ job: 'j', version: 1, study: 's', instances: 1, earlier: [], remarks: [] },
    objects: exported(temporaryFolder()('objects')),
  };
  const objects = ['each-lesion'] as const;
  const nowhere = { host: '127.0.0.1', port: 1, title: 'A', from: 'B' };
  await sendByDicom({ name: 'a', kind: 'dicom', ...nowhere, objects }, outgoing, signal);
  const url = 'http://127.0.0.1:1';
  await sendByDicomweb({ name: 'b', kind: 'dicomweb', url, objects }, outgoing, signal);
});
