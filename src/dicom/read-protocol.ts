import { noContrastAgent } from '../preprocess/foreign-description.js';
import type { Attributes } from './attributes.js';
import type { Protocol } from './instance.js';

/**
 * How an image was acquired. Enhanced objects say it in other attributes than classic ones, many of
 * them in groups of their frames: here both become the terms of the classic ones.
 */
export function readProtocol(attributes: Attributes): Protocol {
  const [shared] = attributes.items('x52009229');
  const [firstFrame] = attributes.items('x52009230');
  const group = (sequence: string) => firstFrame?.item(sequence) ?? shared?.item(sequence);
  const timing = group('x00189112');
  const modifier = group('x00189115');
  const dimensions = attributes.text('x00180023')?.toUpperCase();
  return {
    manufacturer: attributes.written('x00080070'),
    description: attributes.written('x0008103e'),
    name: attributes.written('x00181030'),
    bodyPart:
      attributes.text('x00180015') ?? group('x00209071')?.item('x00082218')?.written('x00080104'),
    ...sequencesOf(attributes, modifier),
    scanOptions: upper(attributes.texts('x00180022')),
    ...((dimensions === '2D' || dimensions === '3D') && { dimensions }),
    repetitionMs: positive(timing?.decimal('x00180080') ?? attributes.decimal('x00180080')),
    inversionsMs: inversionsOf(attributes, modifier),
    flipDegrees: positive(timing?.decimal('x00181314') ?? attributes.decimal('x00181314')),
    contrastAgent: hasContrastAgent(attributes),
    angiography: attributes.text('x00180025')?.toUpperCase() === 'Y',
  };
}

const upper = (texts: readonly string[]) => texts.map((text) => text.toUpperCase());
const positive = (value: number | undefined) =>
  value !== undefined && value > 0 ? value : undefined;

function sequencesOf(attributes: Attributes, modifier: Attributes | undefined) {
  const sequences = upper(attributes.texts('x00180020'));
  const variants = upper(attributes.texts('x00180021'));
  const says = (from: Attributes | undefined, tag: string, value: string) =>
    from?.text(tag)?.toUpperCase() === value;
  const echo = attributes.text('x00189008')?.toUpperCase();
  if (echo === 'SPIN' || echo === 'BOTH') sequences.push('SE');
  if (echo === 'GRADIENT' || echo === 'BOTH') sequences.push('GR');
  if (says(attributes, 'x00189018', 'YES')) sequences.push('EP');
  if (says(modifier, 'x00189009', 'YES')) sequences.push('IR');
  const steadyState = attributes.text('x00189017')?.toUpperCase() ?? 'NONE';
  if (steadyState !== 'NONE') variants.push('SS');
  const spoiling = modifier?.text('x00189016')?.toUpperCase() ?? 'NONE';
  if (spoiling !== 'NONE') variants.push('SP');
  if (says(attributes, 'x00189014', 'YES')) variants.push('PC');
  return { sequences: [...new Set(sequences)], variants: [...new Set(variants)] };
}

/** Two of them are a double inversion. */
function inversionsOf(attributes: Attributes, modifier: Attributes | undefined): number[] {
  const times =
    modifier?.doubles('x00189079') ??
    modifier?.decimals('x00180082') ??
    attributes.doubles('x00189079') ??
    attributes.decimals('x00180082') ??
    [];
  return times.filter((ms) => ms > 0);
}

function hasContrastAgent(attributes: Attributes): boolean {
  const agent = attributes.text('x00180010');
  if (agent !== undefined && !noContrastAgent.test(agent)) return true;
  const volume = attributes.decimal('x00181041') ?? 0;
  return volume > 0 || attributes.items('x00180012').length > 0;
}
