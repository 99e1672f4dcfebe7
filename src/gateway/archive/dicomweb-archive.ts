import type { DicomwebService } from '../config.js';
import {
  askDicomweb,
  asPeerFailure,
  checkDicomweb,
  type DicomJson,
  type QueryParameters,
  queryDicomweb,
  textIn,
} from '../dicomweb.js';
import { ArrivingImage, type ImageSink } from '../image-sink.js';
import { boundaryOf, multipart } from '../multipart.js';
import { PeerFailure, TooMuch } from '../peer-failure.js';
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

/** An archive that is asked by QIDO-RS, and from which images are read by WADO-RS. */
export function dicomwebArchive(service: DicomwebService, sink: ImageSink): Archive {
  const find = async <T>(
    path: string,
    parameters: QueryParameters,
    most: number,
    read: (item: DicomJson) => T | undefined,
    signal: AbortSignal,
  ) =>
    (await queryDicomweb(service, path, parameters, most, signal)).flatMap(
      (item) => read(item) ?? [],
    );
  return {
    findStudies: ({ patientId, from, to }: StudyQuestion, signal) =>
      find(
        '/studies',
        {
          matching: { PatientID: patientId, StudyDate: `${from}-${to}` },
          include: Object.values(studyTags),
        },
        mostAnswers.studies,
        (item) => studyOf((keyword) => textIn(item, studyTags[keyword])),
        signal,
      ),
    findSeries: (study, signal) =>
      find(
        `/studies/${study}/series`,
        { matching: { Modality: 'MR' }, include: Object.values(seriesTags) },
        mostAnswers.series,
        (item) => seriesOf((keyword) => textIn(item, seriesTags[keyword])),
        signal,
      ),
    async fetch(study, series, signal) {
      for (const uid of series)
        await readSeries(service, `/studies/${study}/series/${uid}`, sink, signal);
    },
    check: (signal) => checkDicomweb(service, signal),
  };
}

async function readSeries(
  service: DicomwebService,
  path: string,
  sink: ImageSink,
  signal: AbortSignal,
): Promise<void> {
  const accept = 'multipart/related; type="application/dicom"; transfer-syntax=*';
  const response = await askDicomweb(
    service,
    path,
    signal,
    { headers: { Accept: accept } },
    fetchSilentMs,
  );
  const boundary = boundaryOf(response.headers.get('content-type'));
  if (boundary === undefined || !response.body) {
    await response.body?.cancel();
    throw new PeerFailure('its answer is no message of several parts');
  }
  try {
    await takeParts(multipart(response.body, boundary), sink);
  } catch (error) {
    throw asPeerFailure(error);
  }
}

/** Each part goes to the disk as it comes, and is taken in when it is whole. */
async function takeParts(events: ReturnType<typeof multipart>, sink: ImageSink): Promise<void> {
  const image = new ArrivingImage(sink);
  let parts = 0;
  try {
    for await (const event of events) {
      if (event.kind === 'bytes') image.add(event.bytes);
      else if (event.kind === 'end') await image.take();
      else {
        if (++parts > sink.limits.studyInstances) throw new TooMuch('it sends too many images');
        await image.begin();
      }
    }
  } finally {
    await image.drop();
  }
}
