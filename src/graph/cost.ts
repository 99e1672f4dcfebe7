import { neededFor } from './graph.js';
import { operators } from './operators.js';
import { bytesOf, type OperatorName, type Value } from './value.js';

export interface GraphCost {
  /** Floating-point operations, a multiply-add as 2. */
  readonly flops: number;
  /** Bytes that the operators read and write. */
  readonly bytes: number;
  /** Most bytes held at once: inputs, constants, outputs, and results until their last use. */
  readonly peakLiveBytes: number;
  readonly byOperator: ReadonlyMap<
    OperatorName,
    { readonly count: number; readonly flops: number; readonly bytes: number }
  >;
}

/**
 * What a run of a graph costs, before it runs, with its operators in the order in which they were built.
 * @param fixed names of inputs that are part of the graph: what depends on nothing else is computed
 *   when the graph is loaded, and is there in each run
 */
export function costOf(outputs: readonly Value[], fixed: Iterable<string> = []): GraphCost {
  const { order, computed } = runOf(outputs, new Set(fixed));
  const byOperator = new Map<OperatorName, { count: number; flops: number; bytes: number }>();
  for (const value of order) {
    if (value.source.kind !== 'operator' || !computed.has(value.id)) continue;
    const { operator, inputs, attributes } = value.source;
    const { flops, bytes } = operators[operator].cost(inputs, value, attributes);
    const sum = byOperator.get(operator) ?? { count: 0, flops: 0, bytes: 0 };
    byOperator.set(operator, {
      count: sum.count + 1,
      flops: sum.flops + flops,
      bytes: sum.bytes + bytes,
    });
  }
  const rows = [...byOperator.values()];
  return {
    flops: rows.reduce((sum, row) => sum + row.flops, 0),
    bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
    peakLiveBytes: peakLiveBytes(order, computed, outputs),
    byOperator,
  };
}

/** The values that a run uses, and of them those that it computes; the others are there before. */
function runOf(outputs: readonly Value[], fixed: ReadonlySet<string>) {
  const needed = neededFor(outputs);
  const varying = new Set<number>();
  const used = new Set(outputs.map(({ id }) => id));
  const computed = new Set<number>();
  for (const { id, source } of needed) {
    if (source.kind === 'input' && !fixed.has(source.name)) varying.add(id);
    if (source.kind !== 'operator' || !source.inputs.some((input) => varying.has(input.id)))
      continue;
    varying.add(id);
    computed.add(id);
    for (const input of source.inputs) used.add(input.id);
  }
  return { order: needed.filter(({ id }) => used.has(id)), computed };
}

function peakLiveBytes(
  order: readonly Value[],
  computed: ReadonlySet<number>,
  outputs: readonly Value[],
): number {
  /** A reshaped tensor is the same memory. */
  const owner = new Map<number, Value>();
  const ownerOf = (value: Value) => owner.get(value.id) ?? value;
  const lastUse = new Map<number, number>();
  for (const [at, value] of order.entries()) {
    if (value.source.kind !== 'operator' || !computed.has(value.id)) continue;
    const { operator, inputs } = value.source;
    if (operator === 'Reshape' || operator === 'StopGradient') {
      owner.set(value.id, ownerOf(inputs[0]));
    }
    for (const input of inputs) lastUse.set(ownerOf(input).id, at);
  }
  const kept = new Set(outputs.map((value) => ownerOf(value).id));
  const ending = new Map<number, number>();
  let live = 0;
  for (const value of order) {
    if (!computed.has(value.id)) live += bytesOf(value);
    else if (ownerOf(value) === value && !kept.has(value.id)) {
      const at = lastUse.get(value.id)!;
      ending.set(at, (ending.get(at) ?? 0) + bytesOf(value));
    }
  }
  let peak = live;
  for (const [at, value] of order.entries()) {
    if (computed.has(value.id) && ownerOf(value) === value) live += bytesOf(value);
    peak = Math.max(peak, live);
    live -= ending.get(at) ?? 0;
  }
  return peak;
}
