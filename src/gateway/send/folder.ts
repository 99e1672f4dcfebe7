import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ResultKind, writeFolderWhole, writeWhole } from '../../formats/index.js';
import { jsonBytes } from '../../formats/json.js';
import { version } from '../../version.js';
import type { FolderDestination } from '../config.js';
import { type Outgoing, outgoingObjects } from '../outgoing.js';

const list = 'delivery.json';
const deliverySchema = { schema: 'dawson-gateway-delivery', schemaVersion: 1 } as const;

const delivery: ResultKind = {
  names:
    /^(delivery\.json|(lesions|each-lesion|measurements|report)\.dcm|(preview|change)-\d{3,5}\.dcm)$/,
  marker: list,
  schema: deliverySchema.schema,
};

/**
 * Puts objects of a result into a folder of their own, named for study and version, with a
 * description: it appears whole, and the same result again replaces it by the same files.
 */
export async function sendToFolder(
  destination: FolderDestination,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<void> {
  const {
    job,
    study,
    version: studyVersion,
    instances,
    earlier,
    remarks,
    refused,
    objects,
  } = outgoing;
  const sent = await outgoingObjects(objects, destination.objects);
  const description = {
    ...deliverySchema,
    program: { name: 'dawson', version },
    job,
    study,
    studyVersion,
    ...(studyVersion > 1 && {
      note: `Version ${studyVersion}: images of this exam came or changed after an earlier result of it`,
    }),
    images: instances,
    ...(refused !== undefined && { refused }),
    earlierExams: earlier,
    ...(remarks.length > 0 && { remarks }),
    objects: sent.map(({ file, sopClass, sopInstance }) => ({ file, sopClass, sopInstance })),
  };
  await writeFolderWhole(
    join(destination.path, `${study}-${studyVersion}`),
    async (staging) => {
      for (const { file } of sent) await copyFile(join(objects, file), join(staging, file));
      await writeWhole(join(staging, list), jsonBytes(description));
    },
    { kind: delivery, signal },
  );
}
