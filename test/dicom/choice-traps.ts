import type { SiteRule } from '../../src/dicom/index.js';
import type { SeriesSpec } from '../support/dicom-series.js';

// Sequences as scanners of several makers describe them.
const flair3d = {
  sequence: 'SE\\IR',
  variant: 'SK\\SP\\MP',
  dimensions: '3D',
  tr: 5000,
  te: 390,
  ti: 1800,
  slices: 160,
  stepMm: 1,
} as const;
const flair2d = {
  sequence: 'IR',
  variant: 'OSP',
  dimensions: '2D',
  tr: 9000,
  te: 100,
  ti: 2500,
} as const;
const dir3d = {
  sequence: 'SE\\IR',
  dimensions: '3D',
  tr: 7500,
  te: 320,
  ti: 3000,
  slices: 140,
  stepMm: 1.2,
} as const;
const t2 = { sequence: 'SE', variant: 'SK', dimensions: '2D', tr: 5000, te: 95 } as const;
const mprage = {
  sequence: 'GR\\IR',
  variant: 'SK\\SP\\MP',
  dimensions: '3D',
  tr: 2300,
  te: 2.9,
  ti: 900,
  flip: 9,
  slices: 176,
  stepMm: 1,
} as const;
const t1se = { sequence: 'SE', dimensions: '2D', tr: 550, te: 12 } as const;
const localizer = {
  sequence: 'GR',
  dimensions: '2D',
  tr: 8.6,
  te: 4,
  flip: 20,
  slices: 3,
  stepMm: 20,
} as const;

/** A made study, and what has to be chosen of it. */
export interface Trap {
  readonly name: string;
  readonly series: readonly SeriesSpec[];
  /** Numbers of the series taken as FLAIR, T2 and T1, with the stack where there are several. */
  readonly chosen: {
    readonly flair?: number | string;
    readonly t2?: number | string;
    readonly t1?: number | string;
  };
  /** What the reason of a series says. */
  readonly reasons?: Readonly<Record<number, RegExp>>;
  readonly rules?: readonly SiteRule[];
}

export const traps: readonly Trap[] = [
  {
    name: 'a plain exam',
    series: [
      { number: 2, ...t2 },
      { number: 3, ...flair2d },
      { number: 4, ...t1se },
    ],
    chosen: { t2: 2, flair: 3, t1: 4 },
    reasons: { 3: /inversion recovery, TR 9000, TE 100, TI 2500: dark fluid/ },
  },
  {
    name: 'T1 before and after contrast agent, the later one 3D',
    series: [
      { number: 1, ...flair3d },
      { number: 2, ...t1se },
      { number: 3, ...mprage, agent: 'Gadovist' },
    ],
    chosen: { flair: 1, t1: 2 },
    reasons: { 3: /after contrast agent; series 2 is the T1: before contrast agent/ },
  },
  {
    name: 'contrast agent that only the name tells',
    series: [
      { number: 1, ...flair3d },
      { number: 2, ...mprage, description: 'T1 MPRAGE +C' },
      { number: 3, ...mprage, description: 'T1 MPRAGE' },
    ],
    chosen: { flair: 1, t1: 3 },
  },
  {
    name: 'only a T1 after contrast agent',
    series: [
      { number: 1, ...flair2d },
      { number: 2, ...mprage, agent: 'Dotarem' },
    ],
    chosen: { flair: 1, t1: 2 },
    reasons: { 2: /after contrast agent/ },
  },
  {
    name: 'a site that writes that no agent was given',
    series: [
      { number: 1, ...flair2d },
      { number: 2, ...mprage, agent: 'NONE' },
      { number: 3, ...t1se },
    ],
    chosen: { flair: 1, t1: 2 },
  },
  {
    name: 'a double inversion beside the FLAIR, told by its times',
    series: [
      { number: 1, ...dir3d, description: 'SPACE dark' },
      { number: 2, ...flair2d },
    ],
    chosen: { flair: 2 },
    reasons: { 1: /too late for one inversion/ },
  },
  {
    name: 'a double inversion with the times of a FLAIR, told by its name',
    series: [
      { number: 1, ...flair3d, description: 'sag DIR 3D' },
      { number: 2, ...flair2d },
    ],
    chosen: { flair: 2 },
    reasons: { 1: /its name says DIR/ },
  },
  {
    name: 'a 2D and a 3D FLAIR',
    series: [
      { number: 1, ...flair2d },
      { number: 2, ...flair3d },
    ],
    chosen: { flair: 2 },
    reasons: { 1: /series 2 is the FLAIR: 3D/ },
  },
  {
    name: 'a FLAIR that was repeated',
    series: [
      { number: 4, ...flair2d, elements: { '00080031': ['TM', '101500'] } },
      { number: 7, ...flair2d, elements: { '00080031': ['TM', '103000.123'] } },
    ],
    chosen: { flair: 7 },
    reasons: { 4: /the later one/ },
  },
  {
    name: 'reformatted images of a 3D FLAIR',
    series: [
      { number: 1, ...flair3d, plane: 'sagittal' },
      { number: 2, ...flair3d, slices: 50, stepMm: 3, imageType: 'DERIVED\\SECONDARY\\MPR' },
    ],
    chosen: { flair: 1 },
    reasons: { 2: /series 1 is the FLAIR: original, not reformatted/ },
  },
  {
    name: 'reformatted images without their original',
    series: [
      {
        number: 2,
        ...flair3d,
        slices: 50,
        stepMm: 3,
        imageType: 'DERIVED\\SECONDARY\\REFORMATTED',
      },
    ],
    chosen: { flair: 2 },
    reasons: { 2: /reformatted from another series/ },
  },
  {
    name: 'subtractions, marked and only named',
    series: [
      { number: 1, ...flair2d },
      { number: 2, ...mprage, imageType: 'DERIVED\\SECONDARY\\SUB' },
      { number: 3, ...mprage, description: 'T1 SUB post-pre' },
      { number: 4, ...t1se },
    ],
    chosen: { flair: 1, t1: 4 },
    reasons: { 2: /a subtraction, by its image type/, 3: /a subtraction, by its name/ },
  },
  {
    name: 'proton density and T2 in one series',
    series: [
      { number: 1, ...flair2d },
      {
        number: 2,
        ...t2,
        slices: 60,
        ofSlice: (at) => ({
          '00180081': ['DS', at < 30 ? 12 : 95],
          '00200032': ['DS', [-60, -60, 5 * (at % 30)]],
        }),
      },
    ],
    chosen: { flair: 1, t2: '2.2' },
  },
  {
    name: 'localizers in three directions',
    series: [
      {
        number: 1,
        ...localizer,
        slices: 9,
        ofSlice: (at) => ({
          '00200037': [
            'DS',
            [
              [1, 0, 0, 0, 1, 0],
              [0, 1, 0, 0, 0, -1],
              [1, 0, 0, 0, 0, -1],
            ][at % 3],
          ],
        }),
      },
      { number: 2, ...flair2d },
      { number: 3, ...localizer, description: 'Scout' },
    ],
    chosen: { flair: 2 },
    reasons: { 1: /localizer/, 3: /localizer/ },
  },
  {
    name: 'a stray slice of another direction in the FLAIR',
    series: [
      {
        number: 1,
        ...flair2d,
        ofSlice: (at) =>
          at === 29
            ? { '00200037': ['DS', [0, 1, 0, 0, 0, -1]] }
            : { '00200037': ['DS', [1, 0, 0, 0, 1, 0]] },
      },
    ],
    chosen: { flair: '1.1' },
  },
  {
    name: 'names that lie',
    series: [
      { number: 1, ...t2, description: 'FLAIR axial' },
      { number: 2, ...flair2d, description: 'T1 sagittal' },
      { number: 3, ...mprage, description: 'T2 TSE' },
    ],
    chosen: { t2: 1, flair: 2, t1: 3 },
  },
  {
    name: 'a FLAIR whose inversion time is not written down, told by its name',
    series: [
      {
        number: 1,
        sequence: 'RM',
        variant: 'NONE',
        dimensions: '2D',
        tr: 10002,
        te: 160,
        description: 'FLAIR',
      },
      { number: 2, ...t2 },
    ],
    chosen: { flair: 1, t2: 2 },
    reasons: { 1: /TI not known; its name says FLAIR/ },
  },
  {
    name: 'diffusion, perfusion, angiography, susceptibility, fat suppression',
    series: [
      {
        number: 1,
        sequence: 'EP\\SE',
        tr: 6000,
        te: 90,
        dimensions: '2D',
        elements: { '00189087': ['FD', [1000]] },
      },
      { number: 2, sequence: 'EP\\GR', tr: 1500, te: 30, dimensions: '2D' },
      {
        number: 3,
        sequence: 'GR',
        variant: 'TOF',
        tr: 21,
        te: 3.4,
        flip: 18,
        dimensions: '3D',
        slices: 160,
        stepMm: 1,
      },
      {
        number: 4,
        sequence: 'GR',
        variant: 'SP',
        tr: 27,
        te: 20,
        flip: 15,
        dimensions: '3D',
        slices: 100,
        stepMm: 2,
      },
      { number: 5, sequence: 'SE\\IR', tr: 4000, te: 60, ti: 160, dimensions: '2D' },
      { number: 6, ...flair2d },
    ],
    chosen: { flair: 6 },
  },
  {
    name: 'a field map of two echoes and a phase image',
    series: [
      {
        number: 1,
        sequence: 'GR',
        tr: 400,
        flip: 60,
        slices: 60,
        dimensions: '2D',
        ofSlice: (at) => ({
          '00180081': ['DS', at < 30 ? 4.92 : 7.38],
          '00200032': ['DS', [-60, -60, 5 * (at % 30)]],
        }),
      },
      { number: 2, ...mprage, imageType: 'ORIGINAL\\PRIMARY\\P' },
      { number: 3, ...flair2d },
    ],
    chosen: { flair: 3 },
    reasons: { 1: /field map/, 2: /the phase part/ },
  },
  {
    name: 'slabs, a spine, and other kinds of objects',
    series: [
      { number: 1, ...flair3d, slices: 40, stepMm: 1 },
      { number: 2, ...t2, elements: { '00180015': ['CS', 'CSPINE'] } },
      { number: 3, ...t1se, elements: { '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.7'] } },
      { number: 4, ...flair2d, elements: { '00080070': ['LO', 'Dawson'] } },
      { number: 5, ...flair2d, slices: 25 },
    ],
    chosen: { flair: 5 },
    reasons: {
      1: /not a whole head: 40 slices over 40 mm/,
      2: /spine/,
      3: /another kind of object/,
      4: /a result of Dawson/,
    },
  },
  {
    name: 'a FLAIR with a gap',
    series: [
      {
        number: 1,
        ...flair3d,
        ofSlice: (at) => ({ '00200032': ['DS', [-60, -60, at > 80 ? at + 7 : at - 60]] }),
      },
      { number: 2, ...flair2d },
    ],
    chosen: { flair: 2 },
    reasons: { 1: /missing/ },
  },
  {
    name: 'no times at all, as anonymised exams have it',
    series: [
      {
        number: 1,
        dimensions: '3D',
        slices: 160,
        stepMm: 1,
        description: 't2_space_dark-fluid_sag',
      },
      { number: 2, dimensions: '3D', slices: 160, stepMm: 1, description: 'T1_MPRAGE' },
      { number: 3, slices: 30, description: 'AX T2' },
      { number: 4, slices: 30, description: 'series four' },
    ],
    chosen: { flair: 1, t1: 2, t2: 3 },
    reasons: { 1: /its name says FLAIR/, 4: /TR or TE is not known/ },
  },
  {
    name: 'rules of the site',
    series: [
      { number: 1, ...flair3d, description: 'MS FLAIR research' },
      { number: 2, ...flair2d, description: 'Ax FLAIR routine' },
      { number: 3, ...t2 },
    ],
    rules: [
      { use: 'none', where: { description: '*research*' } },
      { use: 'none', where: { echoMs: { least: 90, most: 96 }, plane: 'axial', dimensions: '2D' } },
    ],
    chosen: { flair: 2 },
    reasons: { 1: /left out by rule 1/, 3: /left out by rule 2/ },
  },
  {
    name: 'a series pinned by number',
    series: [
      { number: 1, ...flair3d },
      { number: 2, ...flair2d },
    ],
    rules: [{ use: 'flair', where: { seriesNumber: 2, manufacturer: 'm*d*' } }],
    chosen: { flair: 2 },
    reasons: {
      1: /series 2 is the FLAIR: named by a rule of the site/,
      2: /by rule 1 of the site/,
    },
  },
];
