import { createHash } from 'node:crypto';
import type { DicomwebService } from '../config.js';
import { askDicomweb, asPeerFailure, jsonOf } from '../dicomweb.js';
import { ArrivingImage, type ImageSink } from '../image-sink.js';
import { PeerFailure } from '../peer-failure.js';

/** What changed in an Orthanc after some place in its list of changes. */
export interface Changes {
  /** Studies to which nothing was added for a while, with their places in the list. */
  readonly studies: readonly { readonly id: string; readonly place: number }[];
  /** The place up to which the list was read. */
  readonly last: number;
  readonly isAll: boolean;
}

const atOnce = 100;
const mostSeries = 1000;

type Json = Readonly<Record<string, unknown>>;

const isId = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f-]{1,64}$/.test(value);

const isPlace = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** The place of the newest change. @throws PeerFailure where it is no Orthanc that answers. */
export async function newestChange(service: DicomwebService, signal: AbortSignal): Promise<number> {
  const { Last } = await get(service, '/changes?last', signal);
  if (isPlace(Last)) return Last;
  throw new PeerFailure('its answer is no list of changes');
}

/** The changes after a place. @throws PeerFailure */
export async function changesSince(
  service: DicomwebService,
  place: number,
  signal: AbortSignal,
): Promise<Changes> {
  const path = `/changes?since=${place}&limit=${atOnce}`;
  const { Changes: list, Done, Last } = await get(service, path, signal);
  if (!Array.isArray(list) || !isPlace(Last)) {
    throw new PeerFailure('its answer is no list of changes');
  }
  const studies = (list as (Json | null)[]).flatMap((change) =>
    change?.ChangeType === 'StableStudy' && isId(change.ID) && isPlace(change.Seq)
      ? [{ id: change.ID, place: change.Seq }]
      : [],
  );
  return { studies, last: Last, isAll: Done === true || list.length === 0 };
}

/** The MR images of a study, and a hash that changes with them. */
export interface StudyImages {
  readonly images: readonly string[];
  readonly state: string;
}

/** @returns undefined where the study is not there any more. @throws PeerFailure */
export async function imagesOf(
  service: DicomwebService,
  study: string,
  signal: AbortSignal,
): Promise<StudyImages | undefined> {
  const answer = await get(service, `/studies/${study}/series`, signal).catch((error: Error) => {
    if (error.message === 'the service answered 404') return [];
    throw error;
  });
  if (!Array.isArray(answer) || answer.length > mostSeries) {
    throw new PeerFailure('its answer is no list of series');
  }
  const series = (answer as Json[])
    .filter(({ MainDicomTags }) => (MainDicomTags as Json | undefined)?.Modality === 'MR')
    .map(({ ID, LastUpdate, Instances }) => {
      const images = Array.isArray(Instances) ? Instances.filter(isId) : [];
      return { images, state: `${ID} ${LastUpdate} ${images.length}` };
    });
  const images = series.flatMap((one) => one.images);
  if (images.length === 0) return undefined;

  const states = series.map(({ state }) => state).sort();
  return { images, state: createHash('sha256').update(states.join('\n')).digest('hex') };
}

/** Reads an image as the file that it is. @throws PeerFailure */
export async function readImage(
  service: DicomwebService,
  id: string,
  sink: ImageSink,
  signal: AbortSignal,
): Promise<void> {
  const headers = { Accept: '*/*' };
  const response = await askDicomweb(service, `/instances/${id}/file`, signal, { headers });
  const image = new ArrivingImage(sink);
  try {
    await image.begin();
    for await (const bytes of response.body ?? []) image.add(bytes);
    await image.take();
  } catch (error) {
    throw asPeerFailure(error);
  } finally {
    await image.drop();
  }
}

async function get(service: DicomwebService, path: string, signal: AbortSignal): Promise<Json> {
  const headers = { Accept: 'application/json' };
  const answer = await jsonOf(await askDicomweb(service, path, signal, { headers }));
  if (typeof answer === 'object' && answer !== null) return answer as Json;
  throw new PeerFailure('its answer is not in the form of an Orthanc');
}
