import { describe, expect, it } from 'vitest';
import {
  add,
  costOf,
  Graph,
  multiply,
  neededFor,
  type OperatorName,
  operatorNames,
  operators,
  printGraph,
  toOnnx,
} from '../../src/graph/index.js';
import { runGraph } from './run-graph.js';

describe('Graph', () => {
  it('makes the same value of the same operator on the same values', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    expect(multiply(g, x, x)).toBe(multiply(g, x, x));
    expect(g.constant(Float32Array.of(1, 2), [2])).toBe(g.constant(Float32Array.of(1, 2), [2]));
  });

  it('tells 0 from -0 and one shape from another', () => {
    const g = new Graph();
    expect(g.constant(Float32Array.of(0), [])).not.toBe(g.constant(Float32Array.of(-0), []));
    expect(g.constant(Float32Array.of(0), [])).not.toBe(g.constant(Float32Array.of(0), [1]));
  });

  it('leaves out what the outputs do not need', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    const y = add(g, x, x);
    multiply(g, x, x);
    expect(neededFor([y])).toEqual([x, y]);
  });

  it('names an operator without a row', () => {
    expect(() => new Graph().op('Celu' as OperatorName, [])).toThrow('Celu has no row');
  });

  it('names the operator that shapes do not fit', () => {
    const g = new Graph();
    expect(() => add(g, g.input('a', [2]), g.input('b', [3]))).toThrow(/^Add: .*\[2\] and \[3\]/);
  });

  it('refuses one input name for two types, and values of another graph', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    expect(g.input('x', [2])).toBe(x);
    expect(() => g.input('x', [3])).toThrow(RangeError);
    expect(() => g.input('x', [2], 'uint8')).toThrow(RangeError);
    expect(() => add(new Graph(), x, x)).toThrow('another graph');
  });

  it('has a complete row for every operator', () => {
    for (const name of operatorNames) {
      expect(operators[name]).toMatchObject({
        shape: expect.any(Function),
        cost: expect.any(Function),
      });
      expect(['function', 'string']).toContain(typeof operators[name].gradient);
    }
  });
});

describe('toOnnx', () => {
  it('gives the same bytes for the same graph, and a value under two names', async () => {
    const build = () => {
      const g = new Graph();
      const x = g.input('x', [2]);
      const y = add(g, x, g.constant(Float32Array.of(1), []));
      return { first: y, second: y, input: x };
    };
    expect(toOnnx(build())).toEqual(toOnnx(build()));
    const run = await runGraph(build(), { x: Float32Array.of(1, 2) });
    expect(await run()).toEqual({
      first: Float32Array.of(2, 3),
      second: Float32Array.of(2, 3),
      input: Float32Array.of(1, 2),
    });
  });
});

describe('costOf', () => {
  it('counts a convolution as two operations for each tap, input and output', () => {
    const g = new Graph();
    const y = g.op('Conv', [g.input('x', [1, 3, 8, 8, 8]), g.input('w', [5, 3, 3, 3, 3])], {
      kernel_shape: [3, 3, 3],
      strides: [1, 1, 1],
      pads: [1, 1, 1, 1, 1, 1],
    });
    const cost = costOf([y]);
    expect(cost.flops).toBe(2 * 27 * 3 * 5 * 512);
    expect(cost.bytes).toBe(4 * (3 * 512 + 5 * 3 * 27 + 5 * 512));
    expect(cost.byOperator.get('Conv')?.count).toBe(1);
  });

  it('holds results until their last use, and a reshaped tensor once', () => {
    const g = new Graph();
    const x = g.input('x', [10]);
    let y = x;
    for (let i = 0; i < 5; i++) y = g.op('Exp', [y]);
    // The input, and of the chain an argument and its result.
    expect(costOf([y]).peakLiveBytes).toBe(3 * 40);
    expect(costOf([g.op('Reshape', [y], { shape: [2, 5] })]).peakLiveBytes).toBe(3 * 40);
  });

  it('leaves out what is computed when the graph is loaded', () => {
    const g = new Graph();
    const weight = g.op('Exp', [g.op('Exp', [g.input('weight', [10])])]);
    const y = g.op('Add', [g.op('Neg', [g.input('x', [10])]), weight]);
    const cost = costOf([y], ['weight']);
    expect([...cost.byOperator.keys()]).toEqual(['Neg', 'Add']);
    // The input, the computed weight, and the operands' difference and sum.
    expect(cost.peakLiveBytes).toBe(4 * 40);
  });
});

describe('printGraph', () => {
  it('shows every value with its type, and the outputs', () => {
    const g = new Graph();
    const sum = g.op('ReduceSum', [g.input('x', [2, 3])], { axes: [0, 1], keepdims: 0 });
    expect(printGraph({ sum })).toBe(
      [
        '%0 float32[2,3] = input x',
        '%1 float32[] = ReduceSum(%0) axes=0,1 keepdims=0',
        'output sum = %1',
        '',
      ].join('\n'),
    );
  });
});
