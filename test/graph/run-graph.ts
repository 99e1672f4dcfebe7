import * as ort from 'onnxruntime-node';
import { toOnnx, type Value } from '../../src/graph/index.js';

/** Runs a graph on the CPU in this thread; for tests of graphs without the runtime of network/. */
export async function runGraph(
  outputs: Readonly<Record<string, Value>>,
  feeds: Readonly<Record<string, Float32Array>>,
  fixed: Readonly<Record<string, Float32Array>> = {},
): Promise<
  (inputs?: Readonly<Record<string, Float32Array>>) => Promise<Record<string, Float32Array>>
> {
  const session = await ort.InferenceSession.create(toOnnx(outputs, fixed), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const shapes = new Map(
    session.inputMetadata.flatMap((meta) => (meta.isTensor ? [[meta.name, meta.shape]] : [])) as [
      string,
      number[],
    ][],
  );
  return async (changed = {}) => {
    const all = { ...feeds, ...changed };
    const tensors = Object.fromEntries(
      session.inputNames.map((name) => [name, new ort.Tensor(all[name], shapes.get(name)!)]),
    );
    const results = await session.run(tensors);
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name, tensor.data as Float32Array]),
    );
  };
}
