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

/** What a graph costs, before it runs, with its operators in the order in which they were built. */
export function costOf(outputs: readonly Value[]): GraphCost {
  const order = neededFor(outputs);
  const byOperator = new Map<OperatorName, { count: number; flops: number; bytes: number }>();
  for (const value of order) {
    if (value.source.kind !== 'operator') continue;
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
    peakLiveBytes: peakLiveBytes(order, outputs),
    byOperator,
  };
}

function peakLiveBytes(order: readonly Value[], outputs: readonly Value[]): number {
  /** A reshaped tensor is the same memory. */
  const owner = new Map<number, Value>();
  const ownerOf = (value: Value) => owner.get(value.id) ?? value;
  const lastUse = new Map<number, number>();
  for (const [at, value] of order.entries()) {
    if (value.source.kind !== 'operator') continue;
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
    if (value.source.kind !== 'operator') live += bytesOf(value);
    else if (ownerOf(value) === value && !kept.has(value.id)) {
      const at = lastUse.get(value.id)!;
      ending.set(at, (ending.get(at) ?? 0) + bytesOf(value));
    }
  }
  let peak = live;
  for (const [at, value] of order.entries()) {
    if (value.source.kind === 'operator' && ownerOf(value) === value) live += bytesOf(value);
    peak = Math.max(peak, live);
    live -= ending.get(at) ?? 0;
  }
  return peak;
}
