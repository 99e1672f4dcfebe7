import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { DawsonError } from '../errors.js';
import {
  type Device,
  type EngineReply,
  type EngineRequest,
  type EngineSettings,
  nextPrefix,
  type Tensor,
  type Tensors,
} from './engine-messages.js';

/** The body of the engine's thread: holds sessions and their state, and answers requests in turn. */

const settings = workerData as EngineSettings;
// What fails is thrown as well; the log would only repeat it.
ort.env.logLevel = 'fatal';

interface Loaded {
  readonly session: ort.InferenceSession;
  /** Inputs that stay here between runs. */
  readonly state: Record<string, ort.Tensor>;
  /** Outputs that replace them. */
  readonly next: readonly string[];
}
const sessions = new Map<number, Loaded>();
let loadedCount = 0;

async function answer(request: EngineRequest): Promise<number | Tensors | undefined> {
  if (request.kind === 'load') return load(request.model, request.state);
  if (request.kind === 'close') return process.exit();
  const loaded = loadedSession(request.session);
  switch (request.kind) {
    case 'run':
      return run(loaded, request.feeds, request.fetches);
    case 'readState':
      return mapped(loaded.state, fromOrt);
    case 'release':
      sessions.delete(request.session);
      await loaded.session.release();
      return undefined;
  }
}

function loadedSession(id: number): Loaded {
  const loaded = sessions.get(id);
  if (!loaded) throw new RangeError(`no session ${id}`);
  return loaded;
}

async function load(model: Uint8Array, state: number | Tensors): Promise<number> {
  requireProvider(settings.device);
  const session = await ort.InferenceSession.create(model, {
    executionProviders: settings.device === 'cpu' ? ['cpu'] : [settings.device, 'cpu'],
    intraOpNumThreads: settings.threads,
    // Reusing the memory of the first run doubles the peak, and saves no time.
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: settings.spinning ? '1' : '0' } } },
  }).catch((error: unknown) => {
    throw failureOf(error, 'loading the network');
  });
  sessions.set(loadedCount, {
    session,
    state: typeof state === 'number' ? loadedSession(state).state : mapped(state, toOrt),
    next: session.outputNames.filter((name) => name.startsWith(nextPrefix)),
  });
  return loadedCount++;
}

async function run(
  { session, state, next }: Loaded,
  feeds: Tensors,
  fetches: readonly string[],
): Promise<Tensors> {
  const given = { ...state, ...mapped(feeds, toOrt) };
  // A state may be shared by graphs that do not use all of it.
  const used = Object.fromEntries(session.inputNames.map((name) => [name, given[name]]));
  const results = await session.run(used, [...fetches, ...next]).catch((error: unknown) => {
    throw failureOf(error, 'running the network');
  });
  for (const name of next) state[name.slice(nextPrefix.length)] = results[name];
  return Object.fromEntries(fetches.map((name) => [name, fromOrt(results[name])]));
}

/** How to get what is not in the package. */
const providerAdvice: Readonly<Record<Device, string>> = {
  cpu: 'Install Dawson again: the package onnxruntime-node is incomplete.',
  webgpu: 'Install a current graphics driver (Vulkan, Metal or Direct3D 12), or use --device cpu.',
  cuda:
    'On Linux with CUDA 12 and cuDNN 9 run "npm rebuild onnxruntime-node --ignore-scripts=false ' +
    '--onnxruntime-node-install=cuda12" in the folder of Dawson (for CUDA 13 see docs/models.md), or ' +
    'use --device cpu.',
};

function requireProvider(device: Device): void {
  const available = ort.listSupportedBackends().map(({ name }) => name);
  if (available.includes(device)) return;
  throw new DawsonError('missing-on-machine', {
    expected: `ONNX Runtime with the provider ${device}`,
    found: `the providers ${available.join(', ')}`,
    advice: providerAdvice[device],
  });
}

/** What the user can do about a network that is too large. */
const memoryAdvice =
  'Use a smaller patch or batch (a smaller memory budget in the plan), or close other programs.';

function failureOf(error: unknown, during: string): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const bytes = /requested buffer of size (\d+)/.exec(message)?.[1];
  if (bytes !== undefined || /bad_alloc|out of memory/i.test(message)) {
    return new DawsonError('out-of-memory', {
      expected: `enough memory for ${during}`,
      found: bytes ? `none for ${(Number(bytes) / 2 ** 30).toFixed(2)} GiB more` : 'too little',
      advice: memoryAdvice,
    });
  }
  if (settings.device !== 'cpu' && /adapter|provider|driver|\.so|\.dll|cuda/i.test(message)) {
    return new DawsonError('missing-on-machine', {
      expected: `a working provider ${settings.device}`,
      found: message.slice(Math.max(0, message.length - 200)).trim(),
      advice: providerAdvice[settings.device],
    });
  }
  return error;
}

const toOrt = ({ data, shape }: Tensor) => new ort.Tensor(data, shape);
const fromOrt = (tensor: ort.Tensor): Tensor => ({
  shape: tensor.dims,
  data: tensor.data as Float32Array | Uint8Array,
});

function mapped<A, B>(
  values: Readonly<Record<string, A>>,
  change: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}

let last: Promise<void> = Promise.resolve();
parentPort?.on('message', ({ id, request }: { id: number; request: EngineRequest }) => {
  const reply = (message: EngineReply) => parentPort?.postMessage(message);
  last = last.then(async () => {
    try {
      reply({ id, value: await answer(request) });
    } catch (error) {
      if (error instanceof DawsonError) {
        reply({ id, failure: { code: error.code, details: error.details } });
      } else {
        reply({ id, defect: error instanceof Error ? error.message : String(error) });
      }
    }
  });
});
