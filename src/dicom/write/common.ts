import { version } from '../../version.js';
import { ownManufacturer } from '../read-instance.js';
import type { DataSet } from './data-set.js';
import type { SourceSeries } from './source-series.js';

/** In every description of a series: it has 64 characters at most. */
const notMedical = 'not a medical device';

/** The kinds of objects, their place in the study and what a reader sees of them in a list. */
export const kinds = {
  lesions: {
    sopClass: '1.2.840.10008.5.1.4.1.1.66.4',
    modality: 'SEG',
    number: 9001,
    description: `Dawson lesions (${notMedical})`,
  },
  eachLesion: {
    sopClass: '1.2.840.10008.5.1.4.1.1.66.4',
    modality: 'SEG',
    number: 9002,
    description: `Dawson each lesion (${notMedical})`,
  },
  preview: {
    sopClass: '1.2.840.10008.5.1.4.1.1.7',
    modality: 'OT',
    number: 9003,
    description: `Dawson preview (${notMedical})`,
  },
  changePreview: {
    sopClass: '1.2.840.10008.5.1.4.1.1.7',
    modality: 'OT',
    number: 9006,
    description: `Dawson change preview (${notMedical})`,
  },
  measurements: {
    sopClass: '1.2.840.10008.5.1.4.1.1.88.34',
    modality: 'SR',
    number: 9004,
    description: `Dawson measurements (${notMedical})`,
  },
  report: {
    sopClass: '1.2.840.10008.5.1.4.1.1.104.1',
    modality: 'DOC',
    number: 9005,
    description: `Dawson report (${notMedical})`,
  },
} as const;

export type Kind = keyof typeof kinds;

/** What all results have: patient, study, series and equipment; but for the identifiers of their own. */
export function commonAttributes({ header }: Pick<SourceSeries, 'header'>, kind: Kind): DataSet {
  const { sopClass, modality, number, description } = kinds[kind];
  const { patientAndStudy, date, time } = header;
  return {
    ...patientAndStudy,
    SpecificCharacterSet: 'ISO_IR 192',
    SOPClassUID: sopClass,
    Modality: modality,
    SeriesNumber: number,
    SeriesDescription: description,
    SeriesDate: date,
    SeriesTime: time,
    ContentDate: date,
    ContentTime: time,
    InstanceNumber: 1,
    Manufacturer: ownManufacturer,
    ManufacturerModelName: 'Dawson',
    DeviceSerialNumber: 'none',
    SoftwareVersions: version,
  };
}
