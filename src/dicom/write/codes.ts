import type { ChangeClass } from '../../quantify/change.js';
import type { LesionRegion, Side } from '../../quantify/location.js';
import type { DataSet } from './data-set.js';

/** One item of a code sequence. */
export const code = (value: string, scheme: string, meaning: string): DataSet => ({
  CodeValue: value,
  CodingSchemeDesignator: scheme,
  CodeMeaning: meaning,
});

const dcm = (value: string, meaning: string) => code(value, 'DCM', meaning);
const sct = (value: string, meaning: string) => code(value, 'SCT', meaning);

/** The concepts of PS3.16 and SNOMED CT that results use. */
export const codes = {
  abnormalStructure: sct('49755003', 'Morphologically Abnormal Structure'),
  algorithmFamily: dcm('123110', 'Artificial Intelligence'),
  brain: sct('12738006', 'Brain'),
  cerebralWhiteMatter: sct('68523003', 'Cerebral White Matter'),
  comment: dcm('121106', 'Comment'),
  changedStatus: sct('263703002', 'Changed status'),
  cubicMillimetre: code('mm3', 'UCUM', 'cubic millimeter'),
  device: dcm('121007', 'Device'),
  deviceName: dcm('121013', 'Device Observer Name'),
  deviceUid: dcm('121012', 'Device Observer UID'),
  diagnosticReport: code('18748-4', 'LN', 'Diagnostic Imaging Report'),
  english: code('en', 'RFC5646', 'English'),
  finding: dcm('121071', 'Finding'),
  findingSite: sct('363698007', 'Finding Site'),
  imageLibrary: dcm('111028', 'Image Library'),
  imageLibraryGroup: dcm('126200', 'Image Library Group'),
  language: dcm('121049', 'Language of Content Item and Descendants'),
  laterality: sct('272741003', 'Laterality'),
  lesionOfBrain: sct('301766008', 'Lesion of Brain'),
  measurementGroup: dcm('125007', 'Measurement Group'),
  measurementMethod: sct('370129005', 'Measurement Method'),
  measurementReport: dcm('126000', 'Imaging Measurement Report'),
  measurements: dcm('126010', 'Imaging Measurements'),
  mrBrain: code('24590-2', 'LN', 'MR Brain'),
  noUnits: code('1', 'UCUM', 'no units'),
  numberOfLesions: sct('246206008', 'Number of lesions'),
  observerType: dcm('121005', 'Observer Type'),
  procedureReported: dcm('121058', 'Procedure reported'),
  referencedSegment: dcm('121191', 'Referenced Segment'),
  segmentation: dcm('113076', 'Segmentation'),
  sourceImage: dcm('121322', 'Source image for image processing operation'),
  sourceSeries: dcm('121232', 'Source series for segmentation'),
  sumOfVoxels: dcm('126030', 'Sum of segmented voxel volumes'),
  trackingIdentifier: dcm('112039', 'Tracking Identifier'),
  trackingUid: dcm('112040', 'Tracking Unique Identifier'),
  volume: sct('118565006', 'Volume'),
  whiteMatterHyperintensity: dcm('110702', 'White Matter T2 Hyperintensity'),
} as const;

/** Where a lesion lies: a site that the standard has a code for, and the region, which has none, in words. */
export const regionCodes: Readonly<Record<LesionRegion, { site: DataSet; text: string }>> = {
  periventricular: { site: codes.cerebralWhiteMatter, text: 'Periventricular' },
  'cortical-juxtacortical': { site: codes.brain, text: 'Cortical or juxtacortical' },
  infratentorial: { site: codes.brain, text: 'Infratentorial' },
  'deep-white-matter': { site: codes.cerebralWhiteMatter, text: 'Deep white matter' },
};

/** What became of a lesion: CID 6134 and qualifiers of SNOMED CT. */
export const changeCodes: Readonly<Record<ChangeClass, DataSet>> = {
  new: sct('7147002', 'New'),
  enlarged: sct('15454001', 'Increase in size'),
  shrunken: sct('19776001', 'Decrease in size'),
  disappeared: sct('723506003', 'Resolved'),
  stable: sct('58158008', 'Stable'),
  uncertain: sct('82334004', 'Indeterminate'),
};

export const sideCodes: Readonly<Record<Side, DataSet>> = {
  left: sct('7771000', 'Left'),
  right: sct('24028007', 'Right'),
  midline: sct('261129000', 'Midline'),
};
