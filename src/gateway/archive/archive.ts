/** A study as an archive describes it; what it does not say is absent. */
export interface ArchiveStudy {
  readonly uid: string;
  readonly patientId: string;
  /** YYYYMMDD. */
  readonly date: string;
  readonly birthDate?: string;
  readonly sex?: string;
  readonly modalities?: string;
  readonly description?: string;
}

/** A series of a study, of modality MR. */
export interface ArchiveSeries {
  readonly uid: string;
  readonly description?: string;
  readonly bodyPart?: string;
  readonly instances?: number;
}

/** The studies of one patient with a date from `from` until `to` (YYYYMMDD, both included). */
export interface StudyQuestion {
  readonly patientId: string;
  readonly from: string;
  readonly to: string;
}

/** Where exams are found and fetched from. All of it throws PeerFailure where it does not succeed. */
export interface Archive {
  findStudies(question: StudyQuestion, signal: AbortSignal): Promise<ArchiveStudy[]>;
  findSeries(study: string, signal: AbortSignal): Promise<ArchiveSeries[]>;
  /** Has the images of series sent to the gateway: when it returns, all of them were. */
  fetch(study: string, series: readonly string[], signal: AbortSignal): Promise<void>;
  /** Tries all of this, as far as it can be tried without a patient. */
  check(signal: AbortSignal): Promise<void>;
}

/** More studies of one patient, or series of a study, are no answer to what was asked. */
export const mostAnswers = { studies: 200, series: 200 } as const;

/** An archive may take so long to send a series elsewhere without saying a word. */
export const fetchSilentMs = 10 * 60_000;

export const isUid = (text: string | undefined): text is string =>
  text !== undefined && /^[0-9][0-9.]{0,63}$/.test(text);

/** What an archive says of a study; undefined without what has to be there. */
export function studyOf(text: (keyword: StudyKeyword) => string | undefined) {
  const [uid, patientId, date] = [
    text('StudyInstanceUID'),
    text('PatientID'),
    text('StudyDate'),
  ] as const;
  if (!isUid(uid) || !patientId || !/^\d{8}$/.test(date ?? '')) return undefined;
  const study: ArchiveStudy = {
    uid,
    patientId,
    date: date!,
    birthDate: text('PatientBirthDate'),
    sex: text('PatientSex'),
    modalities: text('ModalitiesInStudy'),
    description: text('StudyDescription'),
  };
  return study;
}

/** What an archive says of a series; undefined where it has no identifier or is no MR. */
export function seriesOf(text: (keyword: SeriesKeyword) => string | undefined) {
  const uid = text('SeriesInstanceUID');
  if (!isUid(uid) || text('Modality') !== 'MR') return undefined;
  const instances = Number(text('NumberOfSeriesRelatedInstances'));
  const series: ArchiveSeries = {
    uid,
    description: text('SeriesDescription'),
    bodyPart: text('BodyPartExamined'),
    ...(Number.isInteger(instances) && { instances }),
  };
  return series;
}

/** What is asked for, with the tags by which DICOMweb names it. */
export const studyTags = {
  StudyInstanceUID: '0020000D',
  PatientID: '00100020',
  StudyDate: '00080020',
  PatientBirthDate: '00100030',
  PatientSex: '00100040',
  ModalitiesInStudy: '00080061',
  StudyDescription: '00081030',
} as const;

export const seriesTags = {
  SeriesInstanceUID: '0020000E',
  Modality: '00080060',
  SeriesDescription: '0008103E',
  BodyPartExamined: '00180015',
  NumberOfSeriesRelatedInstances: '00201209',
} as const;

type StudyKeyword = keyof typeof studyTags;
type SeriesKeyword = keyof typeof seriesTags;
