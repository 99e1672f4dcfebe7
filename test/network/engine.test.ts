import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { add, Graph, multiply } from '../../src/graph/index.js';
import { Engine, nextOf } from '../../src/network/index.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';

describe('Engine', () => {
  let engine: Engine | undefined;
  afterEach(async () => {
    await engine?.close();
    engine = undefined;
  });

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

  it('sends nothing and leaves no files of its own', async () => {
    const folder = temporaryFolder();
    const { CI: _, ORT_DISABLE_TELEMETRY: __, ...others } = process.env;
    const env = { ...others, HOME: folder(), TMPDIR: folder(), XDG_CACHE_HOME: folder('cache') };
    const dist = new URL('../../dist/', import.meta.url);
    const script = `
      import { Engine } from '${dist}network/index.js';
      import { add, Graph } from '${dist}graph/index.js';
      const engine = new Engine({ device: 'cpu', threads: 1 });
      const g = new Graph();
      const x = g.input('x', [1]);
      const session = await engine.load({ y: add(g, x, x) }, {});
      const { y } = await session.run({ x: { shape: [1], data: Float32Array.of(2) } }, ['y']);
      await engine.close();
      console.log(y.data[0]);`;
    const file = temporaryFile('engine.mjs', script);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
    expect(stdout).toBe('4\n');
    expect(readdirSync(folder())).toEqual([]);
  });

  it('does not start in a thread that cannot keep it from sending', async () => {
    const engineFile = new URL('../../dist/network/index.js', import.meta.url);
    const script = `
      import { parentPort } from 'node:worker_threads';
      import { Engine } from '${engineFile}';
      try { new Engine({ device: 'cpu', threads: 1 }) } catch ({ code }) { parentPort.postMessage(code) }`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(script)}`);
    const worker = new Worker(url, { env: {} });
    const [code] = await once(worker, 'message');
    expect(code).toBe('missing-on-machine');
    await worker.terminate();
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
