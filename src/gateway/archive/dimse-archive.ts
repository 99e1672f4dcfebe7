import { associate, statusText } from '../associate.js';
import type { DicomPeer } from '../config.js';
import { constants, requests } from '../dimse.js';
import { PeerFailure } from '../peer-failure.js';
import { echo } from '../send/dicom.js';
import {
  type Archive,
  fetchSilentMs,
  mostAnswers,
  type StudyQuestion,
  seriesOf,
  seriesTags,
  studyOf,
  studyTags,
} from './archive.js';

type FindRequest = InstanceType<typeof requests.CFindRequest>;

const { Success, Pending } = constants.Status;
/** Pending, with a key that the archive does not match by (PS3.4, C.4.1.1.4). */
const pendingWithWarning = 0xff01;
/** Sub-operations are done, but not all of them went well (PS3.4, C.4.2.1.5). */
const someFailed = 0xb000;
const unknownDestination = 0xa801;

const noStudy = '2.25.1';

/** An archive that is asked by C-FIND and sends by C-MOVE, study root, to our own receiver. */
export function dimseArchive(peer: DicomPeer): Archive {
  return {
    async findStudies({ patientId, from, to }: StudyQuestion, signal) {
      const keys = {
        ...keysOf(studyTags),
        PatientID: patientId,
        StudyDate: `${from}-${to}`,
        ...(/[^\x20-\x7e]/.test(patientId) && { SpecificCharacterSet: 'ISO_IR 192' }),
      };
      const request = requests.CFindRequest.createStudyFindRequest(keys);
      return (await find(peer, request, mostAnswers.studies, signal)).flatMap(
        (text) => studyOf(text) ?? [],
      );
    },
    async findSeries(study, signal) {
      const keys = { ...keysOf(seriesTags), StudyInstanceUID: study, Modality: 'MR' };
      const request = requests.CFindRequest.createSeriesFindRequest(keys);
      return (await find(peer, request, mostAnswers.series, signal)).flatMap(
        (text) => seriesOf(text) ?? [],
      );
    },
    fetch: (study, series, signal) => move(peer, study, series, signal),
    async check(signal) {
      await echo(peer, signal);
      await this.findSeries(noStudy, signal);
      await moveNothing(peer, signal);
    },
  };
}

const keysOf = (tags: object) => Object.fromEntries(Object.keys(tags).map((key) => [key, '']));

async function find(
  peer: DicomPeer,
  request: FindRequest,
  most: number,
  signal: AbortSignal,
): Promise<((keyword: string) => string | undefined)[]> {
  const answers: ((keyword: string) => string | undefined)[] = [];
  const tooMany = new AbortController();
  let status: number | undefined;
  request.on('response', (response) => {
    status = response.getStatus();
    const found = response.getDataset();
    if (status !== Pending && status !== pendingWithWarning) return;
    if (answers.length >= most) return tooMany.abort();
    answers.push((keyword) => textOf(found?.getElement(keyword)));
  });
  try {
    await associate(peer, [request], { signal: AbortSignal.any([signal, tooMany.signal]) });
  } catch (error) {
    throw tooMany.signal.aborted ? new PeerFailure(`it gives more than ${most} answers`) : error;
  }
  if (status === Success) return answers;
  throw new PeerFailure(`the archive said ${statusText(status)} of a question (C-FIND)`);
}

/** One request a series: lists of identifiers are more than every archive understands. */
async function move(
  peer: DicomPeer,
  study: string,
  series: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const statuses = series.map((): number | undefined => undefined);
  const moves = series.map((uid, at) => {
    const request = requests.CMoveRequest.createSeriesMoveRequest(peer.from, study, uid);
    request.on('response', (response) => {
      statuses[at] = response.getStatus();
    });
    return request;
  });
  await associate(peer, moves, { signal, silentMs: fetchSilentMs });
  const wrong = statuses.findIndex((status) => status !== Success);
  if (wrong >= 0) throw new PeerFailure(moveFailure(peer, statuses[wrong]));
}

function moveFailure({ from }: DicomPeer, status: number | undefined): string {
  if (status === unknownDestination) {
    return `the archive does not know ${from} as a destination (C-MOVE, status a801)`;
  }
  if (status === someFailed) return 'the archive could not send all images (C-MOVE)';
  return `the archive said ${statusText(status)} when it was to send images (C-MOVE)`;
}

/** Whether it would send; some say only that they cannot, as of a study that is not there. */
async function moveNothing(peer: DicomPeer, signal: AbortSignal): Promise<void> {
  let status: number | undefined;
  const request = requests.CMoveRequest.createStudyMoveRequest(peer.from, noStudy);
  request.on('response', (response) => {
    status = response.getStatus();
  });
  await associate(peer, [request], { signal });
  if (status === unknownDestination || status === undefined) {
    throw new PeerFailure(moveFailure(peer, status));
  }
}

/** A value as the library gives it: a text, several, or a name in parts. */
function textOf(value: unknown): string | undefined {
  const values = Array.isArray(value) ? value : [value];
  const texts = values.map((one) =>
    typeof one === 'object' && one !== null ? (one as { Alphabetic?: unknown }).Alphabetic : one,
  );
  const known = texts.filter((text) => typeof text === 'string' || typeof text === 'number');
  return known.join('\\').trim() || undefined;
}
