import { afterEach, describe, expect, it } from 'vitest';
import { add, Graph, multiply } from '../../src/graph/index.js';
import { Engine, nextOf } from '../../src/network/index.js';

describe('Engine', () => {
  let engine: Engine;
  afterEach(() => engine.close());

  const vector = (...numbers: number[]) => ({
    shape: [numbers.length],
    data: Float32Array.from(numbers),
  });

  it('keeps the state between runs and replaces it by its next value', async () => {
    engine = new Engine({ device: 'cpu', threads: 1 });
    const g = new Graph();
    const total = g.input('total', [2]);
    const sum = add(g, total, g.input('x', [2]));
    const session = await engine.load(
      { [nextOf('total')]: sum, double: add(g, sum, sum) },
      { total: vector(1, 2) },
    );
    await session.run({ x: vector(10, 20) }, []);
    const { double } = await session.run({ x: vector(100, 200) }, ['double']);
    expect([...double.data]).toEqual([222, 444]);
    expect([...(await session.readState()).total.data]).toEqual([111, 222]);
    await session.release();
    await expect(session.run({}, [])).rejects.toThrow('no session');
  });

  it('says which provider is missing and how to get it', async () => {
    engine = new Engine({ device: 'cuda', threads: 1 });
    const g = new Graph();
    const x = g.input('x', [1]);
    await expect(engine.load({ y: add(g, x, x) }, {})).rejects.toMatchObject({
      code: 'missing-on-machine',
      advice: expect.stringContaining('--onnxruntime-node-install=cuda12'),
    });
  });

  it('says how much memory a network needs that the machine does not have', async () => {
    engine = new Engine({ device: 'cpu', threads: 1 });
    const g = new Graph();
    const large = g.op('Expand', [g.input('x', [1])], { shape: [2 ** 20, 2 ** 20] });
    await expect(engine.load({ y: g.op('Exp', [large]) }, {})).rejects.toMatchObject({
      code: 'out-of-memory',
      details: { expected: '8192.0 GiB of memory for one run of the network' },
      advice: expect.stringContaining('smaller patch'),
    });
  });

  it('rejects at once with the reason of its signal, also within a run', async () => {
    const stop = new AbortController();
    engine = new Engine({ device: 'cpu', threads: 1 }, stop.signal);
    const g = new Graph();
    const x = g.input('x', [400, 400]);
    let y = x;
    for (let i = 0; i < 500; i++)
      y = multiply(g, g.op('Gemm', [y, x], { transA: 0, transB: 0 }), x);
    const session = await engine.load({ y }, {});
    const started = Date.now();
    const running = session.run({ x: { shape: [400, 400], data: new Float32Array(160_000) } }, [
      'y',
    ]);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(running).rejects.toThrow('enough');
    expect(Date.now() - started).toBeLessThan(1000);
    await expect(session.readState()).rejects.toThrow('enough');
  });
});
