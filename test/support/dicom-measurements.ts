import type { Attributes } from '../../src/dicom/attributes.js';
import { tags } from '../../src/dicom/write/tags.js';

const tag = (keyword: keyof typeof tags) => `x${tags[keyword][0]}`;
const items = (from: Attributes, keyword: keyof typeof tags) => from.items(tag(keyword));
const text = (from: Attributes, keyword: keyof typeof tags) => from.text(tag(keyword));

/** The measurement groups of a report (TID 1500): texts and codes by the names of their concepts. */
export function groupsOf(report: Attributes) {
  const named = (item: Attributes) =>
    text(items(item, 'ConceptNameCodeSequence')[0], 'CodeMeaning');
  const measurements = items(report, 'ContentSequence').find(
    (item) =>
      items(item, 'ConceptNameCodeSequence').length > 0 && named(item) === 'Imaging Measurements',
  )!;
  return items(measurements, 'ContentSequence').map((group) => {
    const content = items(group, 'ContentSequence');
    const find = (name: string) => content.filter((item) => named(item) === name);
    const code = (name: string) =>
      find(name).map((item) => text(items(item, 'ConceptCodeSequence')[0], 'CodeMeaning'))[0];
    const [volume] = find('Volume').map((item) =>
      items(item, 'MeasuredValueSequence')[0].decimal(tag('NumericValue')),
    );
    return {
      label: text(find('Tracking Identifier')[0], 'TextValue'),
      uid: text(find('Tracking Unique Identifier')[0], 'UID'),
      volumeMm3: volume!,
      site: code('Finding Site'),
      change: code('Changed status'),
      region: find('Comment').map((item) => text(item, 'TextValue'))[0],
    };
  });
}
