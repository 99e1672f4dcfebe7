import { type Language, languages } from '../../remarks.js';

export { type Language, languages };

/**
 * Every text of the report in every language; `{name}` stands for a value. Adding a language is
 * adding it to {@link languages} and to every row, here and in the table of remarks.
 */
export const texts = {
  title: { en: 'MS lesion report', da: 'Rapport om MS-læsioner' },
  refusalTitle: {
    en: 'MS lesion report: exam not analysed',
    da: 'Rapport om MS-læsioner: undersøgelsen er ikke analyseret',
  },
  notAnalysed: {
    en: 'The exam could not be analysed. Nothing is said of lesions.',
    da: 'Undersøgelsen kunne ikke analyseres. Der siges intet om læsioner.',
  },
  notice: {
    en: 'Dawson is not a medical device. Not for primary diagnosis.',
    da: 'Dawson er ikke medicinsk udstyr. Ikke til primær diagnostik.',
  },
  page: { en: 'page', da: 'side' },
  notGiven: { en: 'not given', da: 'ikke oplyst' },

  name: { en: 'Name', da: 'Navn' },
  patientId: { en: 'Patient ID', da: 'Patient-id' },
  birthDate: { en: 'Date of birth', da: 'Fødselsdato' },
  sex: { en: 'Sex', da: 'Køn' },
  examDate: { en: 'Exam', da: 'Undersøgelse' },
  previousExam: { en: 'Previous exam', da: 'Forrige undersøgelse' },
  scanner: { en: 'Scanner', da: 'Skanner' },
  sequences: { en: 'Sequences', da: 'Sekvenser' },
  noPreviousExam: { en: 'none compared with', da: 'ingen sammenlignet' },
  female: { en: 'female', da: 'kvinde' },
  male: { en: 'male', da: 'mand' },
  other: { en: 'other', da: 'andet' },

  conclusion: { en: 'Conclusion', da: 'Konklusion' },
  noLesions: {
    en: 'No white-matter lesion was found.',
    da: 'Der blev ikke fundet læsioner i den hvide substans.',
  },
  oneLesion: {
    en: 'One white-matter lesion, {volume} ml.',
    da: 'Én læsion i den hvide substans, {volume} ml.',
  },
  manyLesions: {
    en: '{count} white-matter lesions, {volume} ml in all.',
    da: '{count} læsioner i den hvide substans, i alt {volume} ml.',
  },
  regionsTouched: {
    en: 'Regions with lesions: {regions}.',
    da: 'Regioner med læsioner: {regions}.',
  },
  firstExam: {
    en: 'Not compared with an earlier exam.',
    da: 'Ikke sammenlignet med en tidligere undersøgelse.',
  },
  changeSince: { en: 'Since {date}: {changes}.', da: 'Siden {date}: {changes}.' },
  changeSincePrevious: {
    en: 'Since the previous exam: {changes}.',
    da: 'Siden forrige undersøgelse: {changes}.',
  },
  noChange: {
    en: 'no lesion new, enlarged, shrunken or gone',
    da: 'ingen læsioner er nye, forstørrede, formindskede eller forsvundne',
  },
  loadChange: {
    en: 'Lesion load {from} ml before, {to} ml now ({percent}).',
    da: 'Læsionsvolumen {from} ml før, {to} ml nu ({percent}).',
  },
  notComparedLesionByLesion: {
    en: 'The exams were not compared lesion by lesion.',
    da: 'Undersøgelserne blev ikke sammenlignet læsion for læsion.',
  },

  load: { en: 'Lesion load', da: 'Læsionsbyrde' },
  thisExam: { en: 'This exam', da: 'Denne undersøgelse' },
  now: { en: 'Now', da: 'Nu' },
  previous: { en: 'Previous', da: 'Forrige' },
  difference: { en: 'Difference', da: 'Forskel' },
  lesionCount: { en: 'Number', da: 'Antal' },
  lesionVolume: { en: 'Volume (ml)', da: 'Volumen (ml)' },
  largestLesion: { en: 'Largest lesion (ml)', da: 'Største læsion (ml)' },
  brainVolume: { en: 'Brain mask (ml)', da: 'Hjernemaske (ml)' },
  loadOverTime: { en: 'Load over time', da: 'Læsionsbyrde over tid' },
  loadAxis: { en: 'Volume of lesions (ml)', da: 'Volumen af læsioner (ml)' },
  examOrder: { en: 'Exam, in order', da: 'Undersøgelse, i rækkefølge' },
  plotCaption: {
    en: 'Numbers above the points: lesions of the exam.',
    da: 'Tal over punkterne: undersøgelsens læsioner.',
  },

  regions: { en: 'Lesions per region', da: 'Læsioner pr. region' },
  region: { en: 'Region', da: 'Region' },
  count: { en: 'Number', da: 'Antal' },
  volumeMl: { en: 'Volume (ml)', da: 'Volumen (ml)' },
  left: { en: 'left', da: 'venstre' },
  right: { en: 'right', da: 'højre' },
  midline: { en: 'midline', da: 'midtlinje' },
  periventricular: { en: 'periventricular', da: 'periventrikulær' },
  'cortical-juxtacortical': {
    en: 'cortical or juxtacortical',
    da: 'kortikal eller jukstakortikal',
  },
  infratentorial: { en: 'infratentorial', da: 'infratentoriel' },
  'deep-white-matter': { en: 'deep white matter', da: 'dyb hvid substans' },
  regionRule: {
    en: 'Rule: mostly in brainstem or cerebellum, infratentorial; else within {ventricles} mm of the ventricles, periventricular; else within {cortex} mm of the cortex, cortical or juxtacortical.',
    da: 'Regel: mest i hjernestamme eller lillehjerne, infratentoriel; ellers inden for {ventricles} mm af ventriklerne, periventrikulær; ellers inden for {cortex} mm af cortex, kortikal eller jukstakortikal.',
  },
  sides: {
    en: 'Left {left} ml, right {right} ml.',
    da: 'Venstre {left} ml, højre {right} ml.',
  },
  dissemination: {
    en: 'With a lesion: {touched} of the {all} McDonald regions of the brain.',
    da: 'Med læsion: {touched} af hjernens {all} McDonald-regioner.',
  },
  locationByAtlas: {
    en: 'Regions from an atlas aligned to this brain, not from its own anatomy: approximate.',
    da: 'Regioner fra et atlas tilpasset hjernen, ikke fra dens egen anatomi: omtrentlige.',
  },
  locationByNetwork: {
    en: 'Regions from the anatomy found in this exam.',
    da: 'Regioner fra anatomien fundet i denne undersøgelse.',
  },

  change: { en: 'Change since {date}', da: 'Ændring siden {date}' },
  changeUndated: { en: 'Change since the previous exam', da: 'Ændring siden forrige undersøgelse' },
  changeClass: { en: 'Lesions', da: 'Læsioner' },
  volumeBefore: { en: 'Before (ml)', da: 'Før (ml)' },
  volumeNow: { en: 'Now (ml)', da: 'Nu (ml)' },
  new: { en: 'new', da: 'ny' },
  enlarged: { en: 'enlarged', da: 'forstørret' },
  shrunken: { en: 'shrunken', da: 'formindsket' },
  disappeared: { en: 'disappeared', da: 'forsvundet' },
  stable: { en: 'stable', da: 'stabil' },
  uncertain: { en: 'uncertain', da: 'usikker' },
  newMany: { en: 'new', da: 'nye' },
  enlargedMany: { en: 'enlarged', da: 'forstørrede' },
  shrunkenMany: { en: 'shrunken', da: 'formindskede' },
  disappearedMany: { en: 'disappeared', da: 'forsvundne' },
  stableMany: { en: 'stable', da: 'stabile' },
  uncertainMany: { en: 'uncertain', da: 'usikre' },
  changeRule: {
    en: 'Enlarged or shrunken: volume by {percent} % or more, and beyond the measurement error of both exams. New or disappeared: at least {minimum} mm³, and not as bright in the other exam.',
    da: 'Forstørret eller formindsket: volumen med {percent} % eller mere og ud over måleusikkerheden i begge undersøgelser. Ny eller forsvundet: mindst {minimum} mm³ og ikke lige så lys i den anden undersøgelse.',
  },
  sensitivity: {
    en: 'New lesions from about {volume} mm³ on would be seen in this pair of exams. Of lesions painted into it were found: {counts}.',
    da: 'Nye læsioner fra omkring {volume} mm³ vil kunne ses i dette par af undersøgelser. Af indtegnede læsioner blev fundet: {counts}.',
  },
  sensitivityLow: {
    en: 'Also new lesions of {volume} mm³ would often be missed in this pair of exams. Of lesions painted into it were found: {counts}.',
    da: 'Selv nye læsioner på {volume} mm³ vil ofte blive overset i dette par af undersøgelser. Af indtegnede læsioner blev fundet: {counts}.',
  },
  sensitivityUnknown: {
    en: 'How small a new lesion may be to be seen in this pair of exams is not known: the exam has no room to paint lesions into.',
    da: 'Hvor lille en ny læsion kan være for at kunne ses i dette par af undersøgelser, vides ikke: undersøgelsen har ikke plads til indtegnede læsioner.',
  },
  sensitivityCount: {
    en: '{found} of {painted} of {volume} mm³',
    da: '{found} af {painted} på {volume} mm³',
  },
  doubts: { en: 'Uncertain: {doubts}.', da: 'Usikker: {doubts}.' },
  'below-measurement-error': {
    en: 'change within the measurement error',
    da: 'ændring inden for måleusikkerheden',
  },
  'bright-in-both': {
    en: 'marked in one exam, as bright in the other',
    da: 'markeret i én undersøgelse, lige så lys i den anden',
  },
  'probable-in-both': {
    en: 'marked in one exam, possible in the other',
    da: 'markeret i én undersøgelse, mulig i den anden',
  },
  'outside-other-exam': {
    en: 'not wholly shown by both exams',
    da: 'ikke helt vist af begge undersøgelser',
  },
  'below-minimum-size': {
    en: 'too small, or changed by too little',
    da: 'for lille, eller ændret for lidt',
  },

  'too-little-overlap': {
    en: 'exams show too little together',
    da: 'undersøgelserne viser for lidt i fællesskab',
  },
  'contrast-not-matched': {
    en: 'exams too unlike to be compared',
    da: 'undersøgelserne er for forskellige til at blive sammenlignet',
  },
  candidates: { en: 'Changes to confirm', da: 'Ændringer, der skal bekræftes' },
  candidatesLegend: {
    en: 'From left: previous exam, this exam at the same place, and their difference (white: brighter now; grey: alike). Dashed: the lesion’s outline in the previous exam; solid: now. SD: standard deviations of unchanged places.',
    da: 'Fra venstre: forrige undersøgelse, denne undersøgelse samme sted, og deres forskel (hvid: lysere nu; grå: ens). Stiplet: læsionens omrids i forrige undersøgelse; fuldt optrukket: nu. SD: standardafvigelser af uændrede steder.',
  },
  candidatesLeftOut: {
    en: 'Shown are the first {shown} of {all}.',
    da: 'Vist er de første {shown} af {all}.',
  },
  candidateDifference: {
    en: 'Mean difference {deviations} SD.',
    da: 'Gennemsnitlig forskel {deviations} SD.',
  },

  overview: { en: 'Overview', da: 'Overblik' },
  overviewCaption: {
    en: 'FLAIR with the outlines of all lesions.',
    da: 'FLAIR med omrids af alle læsioner.',
  },
  rightOnLeft: {
    en: 'R: the person’s right side.',
    da: 'R: personens højre side.',
  },
  frontOnLeft: { en: 'A: the person’s front.', da: 'A: personens forside.' },
  examples: { en: 'Delineation examples', da: 'Eksempler på afgrænsning' },
  examplesPlain: {
    en: 'Left: FLAIR; right: the same with outlines. Solid: the lesion; dotted: other lesions.',
    da: 'Til venstre: FLAIR; til højre: det samme med omrids. Fuldt optrukket: læsionen; prikket: andre læsioner.',
  },
  examplesChange: {
    en: 'Left: previous exam at the same place; right: this exam. Solid: the lesion; dashed: its outline in the previous exam; dotted: other lesions.',
    da: 'Til venstre: forrige undersøgelse samme sted; til højre: denne undersøgelse. Fuldt optrukket: læsionen; stiplet: dens omrids i forrige undersøgelse; prikket: andre læsioner.',
  },
  examplesLeftOut: {
    en: 'Shown are {shown} of {all} new or enlarged lesions, the largest.',
    da: 'Vist er de {shown} største af {all} nye eller forstørrede læsioner.',
  },
  lesion: { en: 'Lesion {id}', da: 'Læsion {id}' },
  slice: { en: 'slice {index}/{count}', da: 'snit {index}/{count}' },

  quality: { en: 'Quality of the images', da: 'Billedkvalitet' },
  severe: { en: 'Severe', da: 'Alvorlig' },
  warning: { en: 'Warning', da: 'Advarsel' },
  info: { en: 'Note', da: 'Bemærkning' },
  limitedQuality: {
    en: 'Read with care: severe findings on image quality, see “{title}”.',
    da: 'Læses med forbehold: alvorlige fund om billedkvalitet, se “{title}”.',
  },
  moreItems: { en: 'and {count} more', da: 'og {count} til' },
  notes: { en: 'Notes', da: 'Noter' },
  charactersNotShown: {
    en: 'Characters for which this document has no glyph are shown as {sign}: {codes}.',
    da: 'Tegn, som dette dokument ikke har en glyf til, er vist som {sign}: {codes}.',
  },
  method: { en: 'Method', da: 'Metode' },
  methodSegmenter: { en: 'Segmentation', da: 'Segmentering' },
  methodRule: { en: 'Lesion', da: 'Læsion' },
  probabilityFrom: {
    en: 'probability at least {minimum}',
    da: 'sandsynlighed mindst {minimum}',
  },
  mostProbableClass: { en: 'the most probable class', da: 'den mest sandsynlige klasse' },
  largestOnly: { en: 'the largest one only', da: 'kun den største' },
  peakFrom: { en: 'somewhere at least {minimum}', da: 'et sted mindst {minimum}' },
  confidenceFrom: { en: 'confidence at least {minimum}', da: 'pålidelighed mindst {minimum}' },
  joinedBy: {
    en: 'voxels joined by {connectivity} neighbours',
    da: 'voxels forbundet ved {connectivity} naboer',
  },
  largerThan: { en: 'larger than {minimum} mm³', da: 'større end {minimum} mm³' },
  ofAnyVolume: { en: 'of any volume', da: 'uanset volumen' },
  methodPreparation: { en: 'Preparation', da: 'Forberedelse' },
  methodInputs: { en: 'Input', da: 'Input' },
  methodVersion: { en: 'Program', da: 'Program' },
} as const satisfies Record<string, Record<Language, string>>;

export type TextKey = keyof typeof texts;

/** Writes texts, numbers and dates in one language. */
export interface Phrases {
  readonly language: Language;
  /** A text with its values in place. */
  readonly text: (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;
  /** A number with so many decimals; a true minus sign; never "-0.00". */
  readonly number: (value: number, digits: number) => string;
  /** The same with its sign in front, also where it is positive. */
  readonly signed: (value: number, digits: number) => string;
}

export function phrasesIn(language: Language): Phrases {
  const number = (value: number, digits: number) => {
    const plain = Math.abs(value).toFixed(digits);
    const negative = value < 0 && /[1-9]/.test(plain);
    return `${negative ? '−' : ''}${plain.replace('.', languages[language].decimalSign)}`;
  };
  return {
    language,
    text: (key, values = {}) =>
      texts[key][language].replace(/\{(\w+)\}/g, (_, name) => {
        if (!(name in values)) throw new RangeError(`the text ${key} needs a value for ${name}`);
        return String(values[name]);
      }),
    number,
    signed: (value, digits) => {
      const text = number(value, digits);
      return text.startsWith('−') || !/[1-9]/.test(text) ? text : `+${text}`;
    },
  };
}
