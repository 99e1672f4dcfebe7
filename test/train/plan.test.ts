import { describe, expect, it } from 'vitest';
import { planFor } from '../../src/train/plan.js';
import { readGolden } from './nnunet-goldens.js';

describe.each(readGolden('nnunet-plans.json') as never[])(
  'the plan for $name, $architecture, $memoryGb GB',
  (row: ReturnType<typeof readGolden>) => {
    it("is nnU-Net v2's", () => {
      const plans = planFor(
        {
          spacingsMm: row.fingerprint.spacings,
          shapesAfterCrop: row.fingerprint.shapes_after_crop,
          intensities: [],
          orientation: 'RAS',
          medianRelativeSizeAfterCropping: row.fingerprint.median_relative_size_after_cropping,
        },
        {
          name: row.name,
          channelNames: row.channels,
          classCount: row.classes,
          caseCount: row.cases,
        },
        row,
      );
      const full = plans.configurations['3d_fullres'];
      const kwargs = full.architecture.arch_kwargs as Record<string, unknown>;
      expect(plans.transpose_forward).toEqual(row.transpose_forward);
      for (const name of [
        'batch_size',
        'patch_size',
        'median_image_size_in_voxels',
        'spacing',
        'batch_dice',
        'normalization_schemes',
        'use_mask_for_norm',
      ] as const) {
        expect(full[name], name).toEqual(row[name]);
      }
      expect(kwargs).toMatchObject(row.arch);
      expect(kwargs.n_conv_per_stage ?? kwargs.n_blocks_per_stage).toEqual(row.blocks);
    });
  },
);

type Configurations = ReturnType<typeof planFor>['configurations'];
interface Row {
  readonly name: string;
  readonly architecture: 'plain' | 'residual';
  readonly memoryGb: number;
  readonly channels: readonly string[];
  readonly classes: number;
  readonly cases: number;
  readonly fingerprint: ReturnType<typeof readGolden>;
  readonly '2d': Configurations[string];
  readonly '3d_lowres': Configurations[string] | null;
  readonly '3d_cascade_fullres': Configurations[string] | null;
}
const { rows } = readGolden('nnunet-plan-configurations.json') as { rows: readonly Row[] };

function configurationFor(
  row: Omit<Row, 'architecture'> & { readonly architecture: Row['architecture'] | 'compact' },
  configuration: '2d' | '3d_lowres' | '3d_fullres' | '3d_cascade_fullres',
) {
  const { fingerprint, channels: channelNames, classes: classCount, cases: caseCount } = row;
  const { configurations } = planFor(
    {
      spacingsMm: fingerprint.spacings,
      shapesAfterCrop: fingerprint.shapes_after_crop,
      intensities: [],
      orientation: 'RAS',
      medianRelativeSizeAfterCropping: fingerprint.median_relative_size_after_cropping,
    },
    { name: row.name, channelNames, classCount, caseCount },
    { architecture: row.architecture, memoryGb: row.memoryGb, configuration },
  );
  expect(Object.keys(configurations)).toEqual([configuration]);
  return configurations[configuration];
}

describe.each(rows)('for $name, $architecture, $memoryGb GB', (row) => {
  it('slices are planned as nnU-Net v2 does', () => {
    expect(configurationFor(row, '2d')).toEqual(row['2d']);
  });

  it('a network of low resolution is planned as nnU-Net v2 does, and where it does', () => {
    if (row['3d_lowres'] === null) {
      expect(() => configurationFor(row, '3d_lowres')).toThrow(/nnU-Net plans 3d_lowres/);
      return;
    }
    const { spacing, ...theirs } = row['3d_lowres'];
    const { spacing: ours, ...rest } = configurationFor(row, '3d_lowres');
    expect(rest).toEqual(theirs);
    for (const [axis, mm] of spacing.entries()) expect(ours[axis]).toBeCloseTo(mm, 10);
  });
});

describe.each(rows)('for $name, $architecture, $memoryGb GB', (row) => {
  it('the second network of a cascade is planned as nnU-Net v2 does, and where it does', () => {
    const theirs = row['3d_cascade_fullres'];
    expect(theirs === null).toBe(row['3d_lowres'] === null);
    if (theirs === null) {
      const refused = /nnU-Net plans 3d_cascade_fullres/;
      expect(() => configurationFor(row, '3d_cascade_fullres')).toThrow(refused);
    } else {
      // With what it inherits, in the place of the name of that.
      const { inherits_from: parent, ...resolved } = theirs as typeof theirs & {
        readonly inherits_from: string;
      };
      expect(parent).toBe('3d_fullres');
      expect(configurationFor(row, '3d_cascade_fullres')).toEqual(resolved);
    }
  });
});

describe('a compact network', () => {
  it('is planned of volumes alone', () => {
    const compact = { ...rows[0], architecture: 'compact' } as const;
    expect(() => configurationFor(compact, '2d')).toThrow(
      /--architecture plain or residual for 2d/,
    );
  });
});

describe('images of one slice', () => {
  it('are planned as slices alone', () => {
    const row = rows.find(({ name }) => name === 'one-slice')!;
    expect(() => configurationFor(row, '3d_fullres')).toThrow(/images of one slice/);
  });
});
