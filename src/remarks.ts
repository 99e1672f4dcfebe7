import type { SequenceName } from './sequences.js';
/** The languages that reports are written in, and their numbers' decimal signs. */
export const languages = { en: { decimalSign: '.' }, da: { decimalSign: ',' } } as const;
export type Language = keyof typeof languages;

/**
 * How much a remark matters: `info` is good to know, a `warning` can make the result worse, and with
 * a `severe` one the result is likely to be wrong.
 */
export const severities = ['info', 'warning', 'severe'] as const;
export type Severity = (typeof severities)[number];

interface RemarkRow extends Record<Language, string> {
  /** That of every such remark; `measured` where each has its own. */
  readonly severity: Severity | 'measured';
}

/**
 * Everything that is said to a reader without failing: what was worked around or done without, what
 * stands out about the images, what to beware of in a series of exams. Adding a remark is adding a
 * row. `{name}` stands for a value, `{name:1}` for a number with one decimal, `{name:%1}` for a share
 * in percent, `{name:word}` for a row of {@link words}, `{name:words}` for several, and
 * `{name:differences}` for a list of {@link Difference}.
 */
export const remarkTable = {
  'brain-size': {
    severity: 'warning',
    en: 'The brain that was found has {brainMl:0} ml; usual are {least} to {most} ml: look at the mask.',
    da: 'Den fundne hjerne er på {brainMl:0} ml; det sædvanlige er {least} til {most} ml: se på masken.',
  },
  'unusual-contrast': {
    severity: 'warning',
    en: 'The {label} has an unusual contrast (fluid is {fluid:word} than white matter by {difference:%0} of the brain’s range, and {greyAboveWhite:%0} of the grey matter is brighter).',
    da: '{label} har en usædvanlig kontrast (væske er {fluid:word} end hvid substans med {difference:%0} af hjernens intensitetsområde, og {greyAboveWhite:%0} af den grå substans er lysere).',
  },
  'wrong-sequence': {
    severity: 'severe',
    en: 'The {label} looks like a {kind} (fluid is {fluid:word} than white matter by {difference:%0} of the brain’s range, and {greyAboveWhite:%0} of the grey matter is brighter).',
    da: '{label} ligner en {kind} (væske er {fluid:word} end hvid substans med {difference:%0} af hjernens intensitetsområde, og {greyAboveWhite:%0} af den grå substans er lysere).',
  },
  'brain-cut-off': {
    severity: 'measured',
    en: 'About {missingMl:0} ml of the brain ({share:%0}) lie outside the field of view of the {label}, on its {sides:words} side.',
    da: 'Omkring {missingMl:0} ml af hjernen ({share:%0}) ligger uden for billedfeltet i {label} ({sides:words}).',
  },
  'coarse-resolution': {
    severity: 'measured',
    en: 'The slices of the {label} are {mm:1} mm apart (recommended: up to 3 mm): small lesions can be missed.',
    da: 'Snittene i {label} ligger {mm:1} mm fra hinanden (anbefalet: højst 3 mm): små læsioner kan overses.',
  },
  'coarse-in-plane': {
    severity: 'measured',
    en: 'The voxels of the {label} are {mm:1} mm wide within its slices.',
    da: 'Voxlerne i {label} er {mm:1} mm brede i snitplanet.',
  },
  noise: {
    severity: 'measured',
    en: 'The {label} is noisy: the brain’s intensities span {rangeToNoise:1} times the noise.',
    da: '{label} er støjfyldt: hjernens intensiteter spænder over {rangeToNoise:1} gange støjen.',
  },
  ghosting: {
    severity: 'measured',
    en: 'Beside the head in the {label} lie ghosts of motion ({share:%1} of the brain’s range).',
    da: 'Ved siden af hovedet i {label} ses bevægelsesartefakter ({share:%1} af hjernens intensitetsområde).',
  },
  clipped: {
    severity: 'measured',
    en: 'In the {label}, {share:%1} of the brain have the largest value: brighter ones were cut off.',
    da: 'I {label} har {share:%1} af hjernen den største værdi: lysere værdier er skåret af.',
  },
  'even-slices': {
    severity: 'measured',
    en: 'Slices of the {label} in which most of the brain has one value: {count} ({share:%1} of the brain), the first of them slice {first}. They hold no image: saturated, or lost on the way.',
    da: 'Snit i {label}, hvor det meste af hjernen har én og samme værdi: {count} ({share:%1} af hjernen), det første er snit {first}. De indeholder intet billede: mættede eller gået tabt.',
  },
  'negative-values': {
    severity: 'measured',
    en: 'In the {label}, {share:%0} of the brain are below zero: it was normalised or filtered before.',
    da: 'I {label} er {share:%0} af hjernen under nul: billedet er normaliseret eller filtreret tidligere.',
  },
  outliers: {
    severity: 'warning',
    en: 'Voxels of the {label} that lie far beyond all others: {voxels}. The brain uses {share:%3} of the range from {darkest} to {brightest}. They are taken as the nearest value that is possible.',
    da: 'Voxler i {label}, der ligger langt uden for alle andre: {voxels}. Hjernen bruger {share:%3} af området fra {darkest} til {brightest}. De regnes som den nærmeste mulige værdi.',
  },
  'marks-unlike-ms': {
    severity: 'warning',
    en: 'Of the marked {volumeMl:1} ml, {share:%0} lie in one half of the brain ({side:word}): multiple sclerosis is hardly ever so one-sided. Tumours, strokes and infections are marked too, in part.',
    da: 'Af de markerede {volumeMl:1} ml ligger {share:%0} i den ene halvdel af hjernen ({side:word}): så ensidig er multipel sklerose næsten aldrig. Også tumorer, slagtilfælde og infektioner markeres til dels.',
  },

  'brain-extracted': {
    severity: 'info',
    en: '{label} is brain-extracted already: what is not background is taken as the brain.',
    da: '{label} viser kun hjernen: hvad der ikke er baggrund, regnes som hjerne.',
  },
  'darkest-intensity': {
    severity: 'info',
    en: '{label}: {darkest} is its darkest intensity and is taken as 0.',
    da: '{label}: {darkest} er den mørkeste intensitet og regnes som 0.',
  },
  'anatomy-not-seen': {
    severity: 'info',
    en: 'The anatomy network saw no brain ({found}): classical methods did its work.',
    da: 'Anatominetværket så ingen hjerne ({found}): klassiske metoder blev brugt i stedet.',
  },
  'regions-unknown': {
    severity: 'info',
    en: 'The regions of the lesions are not known: the images show no ventricles or no cerebral cortex.',
    da: 'Læsionernes regioner kendes ikke: billederne viser ingen ventrikler eller ingen hjernebark.',
  },
  'sequence-missing': {
    severity: 'info',
    en: 'The {label} is missing: the network works without it.',
    da: '{label} mangler: netværket arbejder uden.',
  },
  // In findings of before; 'sequence-missing' says it now.
  'channel-missing': {
    severity: 'info',
    en: 'The model also takes {label}, which is missing: segmented without it.',
    da: 'Modellen bruger også {label}, som mangler: segmenteret uden.',
  },
  'axes-as-they-lie': {
    severity: 'warning',
    en: 'The voxel axes of the images are {own}, those of the training images {orientation}: the model sees them as they lie.',
    da: 'Billedernes voxelakser er {own}, træningsbilledernes {orientation}: modellen ser dem, som de ligger.',
  },
  'normalisation-of-extremes': {
    severity: 'info',
    en: 'The model’s {label} ({scheme}) depends on {dependsOn:word}, as nnU-Net’s rule is.',
    da: 'Modellens {label} ({scheme}) afhænger af {dependsOn:word}, som nnU-Nets regel er.',
  },
  'sequence-not-used': {
    severity: 'info',
    en: 'The {label} is not used: the model takes {channels}.',
    da: '{label} bruges ikke: modellen bruger {channels}.',
  },
  'lst-lga-t2-not-used': {
    severity: 'info',
    en: 'The T2 is not used: LST-LGA works on FLAIR and T1.',
    da: 'T2 bruges ikke: LST-LGA arbejder på FLAIR og T1.',
  },
  'lst-lga-without-t1': {
    severity: 'info',
    en: 'No T1: the tissues are told apart by the T2, which is less reliable.',
    da: 'Ingen T1: vævstyperne skelnes på T2, hvilket er mindre pålideligt.',
  },
  'lst-lga-flair-alone': {
    severity: 'info',
    en: 'No T1 and no T2: the FLAIR hardly tells grey from white matter, so that the atlas alone does; expect false lesions at the cortex and missed faint ones.',
    da: 'Ingen T1 og ingen T2: FLAIR skelner knap grå fra hvid substans, så kun atlasset gør det; forvent falske læsioner ved hjernebarken og oversete svage læsioner.',
  },

  'series-chosen': {
    severity: 'info',
    en: '{label}: series {series} was chosen {basis:word}: {how:word}, {times}.',
    da: '{label}: serie {series} blev valgt {basis:word}: {how:word}, {times}.',
  },
  'series-reformatted': {
    severity: 'warning',
    en: 'The {label} was reformatted or derived from another series: there is no original.',
    da: '{label} er rekonstrueret eller afledt af en anden serie: der er ingen original.',
  },
  'after-contrast-agent': {
    severity: 'info',
    en: 'The {label} was taken after contrast agent: there is no other as good.',
    da: '{label} er optaget efter kontraststof: der er ingen anden lige så god.',
  },
  'lossy-compression': {
    severity: 'warning',
    en: 'The {label} was compressed with loss before it came: small lesions can be missed.',
    da: '{label} var komprimeret med tab, før den kom: små læsioner kan overses.',
  },
  'inverted-brightness': {
    severity: 'info',
    en: 'The {label} is stored with bright and dark exchanged (MONOCHROME1), and was turned back.',
    da: '{label} er gemt med lyst og mørkt ombyttet (MONOCHROME1) og blev vendt tilbage.',
  },
  'other-studies': {
    severity: 'info',
    en: 'One study of the folder is reported; others in it: {count}.',
    da: 'Én undersøgelse i mappen er beskrevet; andre i den: {count}.',
  },
  'unreadable-files': {
    severity: 'info',
    en: 'Files of the folder that cannot be read: {count}.',
    da: 'Filer i mappen, der ikke kan læses: {count}.',
  },

  'patient-unknown': {
    severity: 'warning',
    en: 'Not every exam says whose it is: that they are of one patient rests on the shape of the head.',
    da: 'Ikke alle undersøgelser siger, hvis de er: at de er af én patient, bygger på hovedets form.',
  },
  'dates-missing': {
    severity: 'warning',
    en: 'Not every exam has a date: the order is the one in which they were given.',
    da: 'Ikke alle undersøgelser har en dato: rækkefølgen er den, de blev angivet i.',
  },
  'dates-reversed': {
    severity: 'warning',
    en: 'The exams were not given in the order of their dates; they were sorted.',
    da: 'Undersøgelserne blev ikke angivet i datoernes rækkefølge; de er sorteret.',
  },
  'dates-equal': {
    severity: 'warning',
    en: 'Two exams have the same date, {date}: which came first is not known.',
    da: 'To undersøgelser har samme dato, {date}: hvilken der kom først, vides ikke.',
  },
  'previous-is-later': {
    severity: 'warning',
    en: 'The exam called previous, of {date}, is later than this one.',
    da: 'Undersøgelsen fra {date}, der er angivet som forrige, er senere end denne.',
  },
  'exam-left-out': {
    severity: 'warning',
    en: 'The exam in {folder} was left out: {reason}',
    da: 'Undersøgelsen i {folder} blev udeladt: {reason}',
  },
  'comparison-not-shown': {
    severity: 'warning',
    en: 'The folder of this result holds a comparison with an earlier exam, which this report does not show: give that exam too (--previous).',
    da: 'Mappen med dette resultat indeholder en sammenligning med en tidligere undersøgelse, som denne rapport ikke viser: angiv også den undersøgelse (--previous).',
  },
  'scanner-changed': {
    severity: 'warning',
    en: 'The scanner changed: {changes:differences}.',
    da: 'Skanneren er en anden: {changes:differences}.',
  },
  'protocol-changed': {
    severity: 'warning',
    en: 'The protocol changed: {changes:differences}.',
    da: 'Protokollen er en anden: {changes:differences}.',
  },
  'method-changed': {
    severity: 'warning',
    en: 'The lesions were found in different ways: {changes:differences}.',
    da: 'Læsionerne blev fundet på forskellige måder: {changes:differences}.',
  },
  'too-little-overlap': {
    severity: 'severe',
    en: 'Both exams show less than half of the brain together: no change is claimed.',
    da: 'Undersøgelserne viser mindre end halvdelen af hjernen i fællesskab: ingen ændring angives.',
  },
  'contrast-not-matched': {
    severity: 'severe',
    en: 'The FLAIRs of both exams are too unlike to be compared (another contrast, or a contrast agent in one of them): no change is claimed.',
    da: 'De to undersøgelsers FLAIR-billeder er for forskellige til at blive sammenlignet (en anden kontrast, eller kontraststof i den ene): ingen ændring angives.',
  },
} as const satisfies Record<string, RemarkRow>;

export type RemarkCode = keyof typeof remarkTable;

/** Words that stand in remarks as values. */
export const words = {
  and: { en: 'and', da: 'og' },
  thereafter: { en: 'then', da: 'siden' },
  brighter: { en: 'brighter', da: 'lysere' },
  darker: { en: 'darker', da: 'mørkere' },
  right: { en: 'right', da: 'højre side' },
  left: { en: 'left', da: 'venstre side' },
  front: { en: 'front', da: 'forside' },
  back: { en: 'back', da: 'bagside' },
  upper: { en: 'upper', da: 'overside' },
  lower: { en: 'lower', da: 'underside' },
  manufacturer: { en: 'manufacturer', da: 'fabrikant' },
  model: { en: 'model', da: 'model' },
  fieldStrength: { en: 'field strength (T)', da: 'feltstyrke (T)' },
  voxels: { en: 'voxels of the FLAIR', da: 'voxler i FLAIR' },
  sliceThickness: { en: 'slice thickness (mm)', da: 'snittykkelse (mm)' },
  repetitionTime: { en: 'repetition time (s)', da: 'repetitionstid (s)' },
  echoTime: { en: 'echo time (s)', da: 'ekkotid (s)' },
  inversionTime: { en: 'inversion time (s)', da: 'inversionstid (s)' },
  contrastAgent: {
    en: 'contrast agent in one of them only',
    da: 'kontraststof kun i den ene',
  },
  sequences: { en: 'sequences', da: 'sekvenser' },
  method: { en: 'method', da: 'metode' },
  extremes: {
    en: 'the darkest and the brightest voxel',
    da: 'den mørkeste og den lyseste voxel',
  },
  zeroAndUnit: {
    en: 'zero and unit of the intensities',
    da: 'intensiteternes nulpunkt og enhed',
  },
  byRule: { en: 'by a rule of the site', da: 'efter en af stedets regler' },
  byPhysics: { en: 'by its acquisition', da: 'ud fra optagelsen' },
  byName: { en: 'by its name', da: 'ud fra navnet' },
  inversionRecovery: { en: 'inversion recovery', da: 'inversion-recovery' },
  gradientEcho: { en: 'gradient echo', da: 'gradientekko' },
  spinEcho: { en: 'spin echo', da: 'spinekko' },
  otherSequence: { en: 'another kind of sequence', da: 'en anden slags sekvens' },
  version: { en: 'version', da: 'version' },
  rule: { en: 'rule', da: 'regel' },
  settings: { en: 'settings', da: 'indstillinger' },
} as const satisfies Record<string, Record<Language, string>>;
export type Word = keyof typeof words;

/** What differs between two exams, with what each says where both do. */
export interface Difference {
  readonly what: Word;
  readonly before?: string | number;
  readonly now?: string | number;
}

type Value = string | number | readonly Word[] | readonly Difference[];
export type RemarkValues = Readonly<Record<string, Value>>;

/** Something that a reader has to know; plain data, from which every language's text is made. */
export interface Remark {
  readonly code: RemarkCode;
  readonly severity: Severity;
  /** The sequence that it is about; absent when it is about the exam. */
  readonly sequence?: SequenceName;
  /** Absent in files of earlier versions, of which only the text is known. */
  readonly values?: RemarkValues;
  /** One sentence in English. */
  readonly text: string;
}

/**
 * A remark with its values.
 * @param about its severity, where the table has none, and its sequence
 */
export function remark(
  code: RemarkCode,
  values: RemarkValues = {},
  about: Partial<Pick<Remark, 'severity' | 'sequence'>> = {},
): Remark {
  const { severity } = remarkTable[code];
  if (severity === 'measured' && about.severity === undefined) {
    throw new RangeError(`the remark ${code} needs a severity`);
  }
  const own = severity === 'measured' ? about.severity! : severity;
  const { sequence } = about;
  const text = filledIn(remarkTable[code].en, values, 'en');
  return { severity: own, code, ...(sequence && { sequence }), values, text };
}

/**
 * A remark in a language. Remarks come from files too: where their values do not fit, and in those of
 * earlier versions, it is their own text.
 */
export function remarkIn({ code, values, text }: Remark, language: Language): string {
  if (values === undefined) return text;
  try {
    return filledIn(remarkTable[code][language], values, language);
  } catch {
    return text;
  }
}

function filledIn(text: string, values: RemarkValues, language: Language): string {
  return text.replace(/\{(\w+)(?::(%?)(\w+))?\}/g, (_, name, percent, format) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`a remark needs a value for ${name}`);
    if (format === undefined) return plain(value as string | number, language);
    const word = (key: Word) => words[key][language];
    if (format === 'word') return word(value as Word);
    if (format === 'words') return (value as Word[]).map(word).join(` ${word('and')} `);
    if (format === 'differences') {
      return (value as Difference[])
        .map(({ what, before, now }) =>
          before === undefined || now === undefined
            ? word(what)
            : `${word(what)} ${measure(what, before, language)}, ${word('thereafter')} ${measure(what, now, language)}`,
        )
        .join('; ');
    }
    if (typeof value !== 'number') throw new RangeError(`a remark needs a number for ${name}`);
    const number = ((percent ? 100 : 1) * value).toFixed(format);
    return `${withDecimalSign(number, language)}${percent && ' %'}`;
  });
}

const plain = (value: string | number, language: Language) =>
  typeof value === 'number' ? withDecimalSign(String(value), language) : value;

/** Sizes of voxels are a text of numbers. */
const measure = (what: Word, value: string | number, language: Language) =>
  what === 'voxels'
    ? String(value).replaceAll('.', languages[language].decimalSign)
    : plain(value, language);

const withDecimalSign = (number: string, language: Language) =>
  number.replace('.', languages[language].decimalSign);
