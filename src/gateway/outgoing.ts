import { join } from 'node:path';
import { mostBytesAtOnce, readWholeFile } from '../formats/open-file.js';
import { readJson } from '../formats/read-json.js';
import type { ObjectKind } from './config.js';
import { explicitLittleEndian } from './dimse.js';

/** A result, as it is delivered. */
export interface Outgoing {
  readonly job: string;
  readonly version: number;
  /** Name of the study, from which its identifier cannot be told. */
  readonly study: string;
  readonly instances: number;
  /** Jobs of the earlier exams that the report compares with. */
  readonly earlier: readonly string[];
  /** What is to be said of them. */
  readonly remarks: readonly string[];
  /** Why it was not analysed, which is all that is delivered. */
  readonly refused?: string;
  /** Folder of its objects. */
  readonly objects: string;
}

export interface OutgoingObject {
  readonly file: string;
  readonly sopClass: string;
  readonly sopInstance: string;
  readonly transferSyntax: string;
  /** The whole file. */
  readonly bytes: Buffer;
  /** What follows the file meta information. */
  readonly dataSet: Buffer;
}

/** Names and identifiers of what `dawson dicom export` wrote, of the kinds wanted; of all where none are named. */
export async function outgoingFiles(
  folder: string,
  kinds: readonly ObjectKind[] | undefined,
): Promise<Pick<OutgoingObject, 'file' | 'sopClass' | 'sopInstance'>[]> {
  const list = (await readJson(join(folder, 'export.json'))) as {
    objects: { file: string; sopClass: string; sopInstance: string }[];
  };
  return list.objects.filter(({ file }) => kinds === undefined || kinds.includes(kindOf(file)));
}

/** The objects of {@link outgoingFiles}. */
export async function outgoingObjects(
  folder: string,
  kinds: readonly ObjectKind[] | undefined,
): Promise<OutgoingObject[]> {
  const wanted = await outgoingFiles(folder, kinds);
  return Promise.all(
    wanted.map(async ({ file, sopClass, sopInstance }) => {
      const bytes = await readWholeFile(join(folder, file), { mostBytes: mostBytesAtOnce });
      const dataSet = bytes.subarray(144 + bytes.readUInt32LE(140));
      return { file, sopClass, sopInstance, bytes, dataSet, transferSyntax: explicitLittleEndian };
    }),
  );
}

/** `lesions.dcm` is of the kind lesions, `change-001.dcm` of the kind change. */
const kindOf = (file: string) => file.replace(/(-\d+)?\.dcm$/, '') as ObjectKind;
