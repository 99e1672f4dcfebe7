import { add, scalar } from './expressions.js';
import { neededFor } from './graph.js';
import { operators } from './operators.js';
import { type Emitter, requireShape, type Value } from './value.js';

/**
 * Reverse-mode differentiation: adds the gradients of a scalar with respect to some values to the
 * graph, as plain operators.
 * @returns one gradient for each value, of its shape; undefined where the loss does not depend on it
 * @throws RangeError naming an operator on the way that has no gradient.
 */
export function gradients(
  g: Emitter,
  loss: Value,
  values: readonly Value[],
): (Value | undefined)[] {
  requireShape(loss.shape.length === 0 && loss.element === 'float32', 'a loss that is a scalar');
  const order = neededFor([loss]);
  const asked = new Set(values.map(({ id }) => id));
  const leading = new Set<number>();
  for (const { id, source } of order) {
    const inputLeads =
      source.kind === 'operator' &&
      source.operator !== 'StopGradient' &&
      source.inputs.some((input) => leading.has(input.id));
    if (asked.has(id) || inputLeads) leading.add(id);
  }

  const found = new Map<number, Value>([[loss.id, scalar(g, 1)]]);
  for (const output of order.toReversed()) {
    const outputGradient = found.get(output.id);
    const { source } = output;
    if (!outputGradient || source.kind !== 'operator' || !leading.has(output.id)) continue;
    const { operator, inputs, attributes } = source;
    const wanted = inputs.map(({ id }) => leading.has(id));
    if (!wanted.includes(true)) continue;
    const rule = operators[operator].gradient;
    if (rule === 'none') throw new RangeError(`${operator} has no gradient`);
    const given = rule(g, { inputs, attributes, output, outputGradient, wanted });
    for (const [i, { id }] of inputs.entries()) {
      const gradient = given[i];
      if (!wanted[i] || !gradient) continue;
      const before = found.get(id);
      found.set(id, before ? add(g, before, gradient) : gradient);
    }
  }
  return values.map(({ id }) => found.get(id));
}
