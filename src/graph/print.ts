import { neededFor } from './graph.js';
import type { Value } from './value.js';

/** A graph as text, one value a line, for people. */
export function printGraph(outputs: Readonly<Record<string, Value>>): string {
  const lines = neededFor(Object.values(outputs)).map((value) => {
    const { source } = value;
    const left = `%${value.id} ${value.element}[${value.shape}] =`;
    if (source.kind === 'input') return `${left} input ${source.name}`;
    if (source.kind === 'constant') {
      const shown = [...source.data.subarray(0, 4)].join(' ');
      return `${left} constant ${shown}${source.data.length > 4 ? ' …' : ''}`;
    }
    const inputs = source.inputs.map(({ id }) => `%${id}`).join(', ');
    const attributes = Object.entries(source.attributes)
      .map(([name, attribute]) => ` ${name}=${[attribute].flat().join(',')}`)
      .join('');
    return `${left} ${source.operator}(${inputs})${attributes}`;
  });
  const ends = Object.entries(outputs).map(([name, { id }]) => `output ${name} = %${id}`);
  return [...lines, ...ends, ''].join('\n');
}
