import { counted } from '../counted.js';
import { type Instance, sourceName } from './instance.js';
import type { DicomRemark } from './refusal.js';
import { groupsBy, type Stack, stacksOf } from './stacks.js';

/** One series of a study, with the stacks of slices in it. */
export interface Series {
  readonly uid: string;
  readonly number?: number;
  readonly description?: string;
  readonly modality: string;
  readonly instances: readonly Instance[];
  readonly stacks: readonly Stack[];
}

export interface Study {
  readonly uid: string;
  /** YYYYMMDD; absent where the headers do not say it. */
  readonly date?: string;
  readonly patientHash: string;
  /** As that of an instance. */
  readonly isPatientKnown: boolean;
  readonly series: readonly Series[];
}

/** Studies by date, their series by number, and what is worth knowing about them. */
export function studiesOf(all: readonly Instance[]): { studies: Study[]; remarks: DicomRemark[] } {
  const { instances, remarks } = withoutDuplicates(all);
  const studies = groupsBy(instances, ({ study, patientHash }) => `${study} ${patientHash}`)
    .map(studyOf)
    .sort((a, b) => compare(a.date, b.date) || compare(a.uid, b.uid));
  if (new Set(studies.map(({ patientHash }) => patientHash)).size > 1) {
    remarks.push({ code: 'several-patients', text: 'the files are of more than one patient' });
  }
  const own = instances.filter((instance) => instance.own).length;
  if (own > 0)
    remarks.push({
      code: 'own-results',
      text: `results of Dawson itself: ${counted(own, 'file')}`,
    });
  for (const { series } of studies) {
    remarks.push(...series.flatMap(incomplete), ...series.flatMap(strays));
  }
  return { studies, remarks };
}

/** Copies of one instance: the first by name stays. Other content under the same identifier is said. */
function withoutDuplicates(all: readonly Instance[]) {
  const kept = new Map<string, Instance>();
  const remarks: DicomRemark[] = [];
  let copies = 0;
  for (const instance of all) {
    const first = kept.get(instance.sopInstance);
    if (first === undefined) {
      kept.set(instance.sopInstance, instance);
      continue;
    }
    copies++;
    if (isCopy(instance, first)) continue;
    remarks.push({
      code: 'duplicate-instance',
      file: sourceName(instance.source),
      text: `it has the identifier of ${sourceName(first.source)} but other content, and is passed over`,
    });
  }
  if (copies > 0) {
    remarks.push({
      code: 'duplicate-instance',
      text: `copies of other files: ${counted(copies, 'file')}`,
    });
  }
  return { instances: [...kept.values()], remarks };
}

const isCopy = (a: Instance, b: Instance) =>
  a.series === b.series &&
  a.patientHash === b.patientHash &&
  JSON.stringify(a.frames) === JSON.stringify(b.frames);

function studyOf(instances: readonly Instance[]): Study {
  const dates = instances.map(({ studyDate }) => studyDate).filter((date) => date !== undefined);
  return {
    uid: instances[0].study,
    ...(dates.length > 0 && { date: dates.sort()[0] }),
    patientHash: instances[0].patientHash,
    isPatientKnown: instances.every((instance) => instance.isPatientKnown),
    series: groupsBy(instances, ({ series }) => series)
      .map(seriesOf)
      .sort((a, b) => (a.number ?? 0) - (b.number ?? 0) || compare(a.uid, b.uid)),
  };
}

function seriesOf(instances: readonly Instance[]): Series {
  const [first] = instances;
  return {
    uid: first.series,
    number: first.seriesNumber,
    description: first.protocol.description,
    modality: first.modality,
    instances,
    stacks: stacksOf(instances),
  };
}

/** Scanners write how many images an acquisition has: fewer may still be on their way. */
function incomplete({ number, instances }: Series): DicomRemark[] {
  const acquisitions = groupsBy(instances, (instance) => `${instance.acquisitionNumber}`);
  return acquisitions.flatMap((acquisition) => {
    const expected = acquisition[0].imagesInAcquisition ?? 0;
    const isClassic = acquisition.every(({ frames }) => frames.length === 1);
    if (!isClassic || acquisition.length >= expected) return [];
    const text =
      `series ${number ?? '?'} has ${acquisition.length} of the ${expected} images ` +
      'that its headers name: it may be incomplete';
    return [{ code: 'incomplete-series' as const, text }];
  });
}

/** Fewer slices beside a stack are none of it: positioning images, or what was sent by mistake. */
const mostStrays = 3;
const leastStack = 12;

function strays({ number, stacks }: Series): DicomRemark[] {
  const apart = stacks.filter(({ slices }) => slices.length <= mostStrays);
  if (apart.length === 0 || stacks[0].slices.length < leastStack) return [];
  const count = apart.reduce((sum, { slices }) => sum + slices.length, 0);
  const text =
    `series ${number ?? '?'}: ${count} slices of another direction, echo or type than ` +
    `the other ${stacks[0].slices.length} are set apart`;
  return [{ code: 'stray-slices', text }];
}

const compare = (a = '', b = '') => (a < b ? -1 : a > b ? 1 : 0);
