import { expect, it } from 'vitest';
import { anatomyOfTissue } from '../../src/synthesize/anatomy-of-tissues.js';
import { isBrain, tissue, tissues } from '../../src/synthesize/tissues.js';
import { anatomyLabel, anatomyNames } from '../../src/volume/anatomy-labels.js';

it('gives every tissue of the brain and its fluid an anatomy label, and nothing else', () => {
  for (const [number, { name }] of tissues.entries()) {
    const inside = isBrain[number] !== 0 || name === 'csf';
    expect(anatomyNames.has(anatomyOfTissue[number]), name).toBe(inside);
  }
  expect(anatomyOfTissue[tissue.cortex]).toBe(anatomyLabel.cortex);
  expect(anatomyOfTissue[tissue.ventricle]).toBe(anatomyLabel.ventricles);
});
