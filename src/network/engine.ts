import { totalmem } from 'node:os';
import { Worker } from 'node:worker_threads';
import { DawsonError } from '../errors.js';
import { costOf, toOnnx, type Value } from '../graph/index.js';
import { compiled } from '../workers.js';
import {
  type Device,
  type EngineReply,
  type EngineRequest,
  type EngineSettings,
  nextPrefix,
  type Tensors,
} from './engine-messages.js';
import { withoutTelemetry } from './without-telemetry.js';

/** A graph that is ready to run. */
export interface Session {
  /**
   * Runs the graph once. Runs of one engine follow each other.
   * @returns the outputs asked for
   */
  run(feeds: Tensors, fetches: readonly string[]): Promise<Tensors>;
  /** The inputs that stay between runs, as they are now. */
  readState(): Promise<Tensors>;
  /** Loads another graph that works on the same state. */
  loadBeside(outputs: Readonly<Record<string, Value>>): Promise<Session>;
  /** Gives the memory back. */
  release(): Promise<void>;
}

/**
 * ONNX Runtime in a thread of its own, which it blocks while it computes. Sessions fail with
 * DawsonError `missing-on-machine` where the device's provider is absent, `out-of-memory`, and with
 * the signal's reason: at once, while the thread ends after the run that it is in.
 * @throws DawsonError as {@link withoutTelemetry}; the signal's reason.
 */
export class Engine {
  readonly #worker: Worker;
  readonly device: Device;
  readonly #open = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (reason: unknown) => void }
  >();
  #requests = 0;
  #closed = false;
  #ended: { readonly reason: unknown } | undefined;

  constructor(settings: EngineSettings, signal?: AbortSignal) {
    signal?.throwIfAborted();
    this.device = settings.device;
    withoutTelemetry();
    this.#worker = new Worker(new URL(compiled(new URL('./engine-worker.js', import.meta.url))), {
      workerData: settings,
    });
    this.#worker.unref();
    this.#worker.on('message', (reply: EngineReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', () => {
      this.#closed = true;
      this.#end(new Error('the engine is closed'));
    });
    const stop = () => {
      void this.close();
      this.#end(signal?.reason);
    };
    signal?.addEventListener('abort', stop, { once: true });
    this.#worker.once('exit', () => signal?.removeEventListener('abort', stop));
  }

  /**
   * @param outputs by name; one named by {@link nextOf} an input replaces that input's state
   * @param state inputs that stay in the engine between runs, such as weights in training
   * @param fixed inputs that are part of the graph, such as weights in prediction; see {@link toOnnx}
   */
  load(
    outputs: Readonly<Record<string, Value>>,
    state: Tensors,
    fixed: Readonly<Record<string, Float32Array>> = {},
  ): Promise<Session> {
    return this.#load(outputs, state, fixed);
  }

  async #load(
    outputs: Readonly<Record<string, Value>>,
    state: number | Tensors,
    fixed: Readonly<Record<string, Float32Array>> = {},
  ): Promise<Session> {
    if (this.device === 'cpu') requireMemory(outputs, Object.keys(fixed));
    const model = toOnnx(outputs, fixed);
    // A model holds the weights: it goes over without a copy, unless it shares a small buffer.
    const isWhole = model.byteLength === model.buffer.byteLength;
    const session = (await this.#ask(
      { kind: 'load', model, state },
      isWhole ? [model.buffer as ArrayBuffer] : [],
    )) as number;
    return {
      run: (feeds, fetches) =>
        this.#ask({ kind: 'run', session, feeds, fetches }) as Promise<Tensors>,
      readState: () => this.#ask({ kind: 'readState', session }) as Promise<Tensors>,
      loadBeside: (others) => this.#load(others, session),
      release: async () => {
        await this.#ask({ kind: 'release', session });
      },
    };
  }

  /**
   * Ends the thread, after the run that it is in: ONNX Runtime takes the whole process down when its
   * thread is stopped in the middle.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#worker.ref();
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.postMessage({ id: -1, request: { kind: 'close' } satisfies EngineRequest });
    await exited;
  }

  #ask(request: EngineRequest, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended.reason);
    const id = this.#requests++;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      // A process does not end while something is asked of the engine.
      this.#worker.ref();
      this.#worker.postMessage({ id, request }, transfer);
    });
  }

  #settle(reply: EngineReply): void {
    const asked = this.#open.get(reply.id);
    if (!asked) return;
    this.#open.delete(reply.id);
    if (this.#open.size === 0 && !this.#ended) this.#worker.unref();
    if ('value' in reply) asked.resolve(reply.value);
    else if ('failure' in reply) {
      asked.reject(new DawsonError(reply.failure.code, reply.failure.details));
    } else asked.reject(new Error(reply.defect));
  }

  #end(reason: unknown): void {
    this.#ended ??= { reason };
    for (const { reject } of this.#open.values()) reject(this.#ended.reason);
    this.#open.clear();
  }
}

/** Where memory is promised before it is there, too much of it ends the process without a word. */
function requireMemory(outputs: Readonly<Record<string, Value>>, fixed: readonly string[]): void {
  const { peakLiveBytes } = costOf(Object.values(outputs), fixed);
  if (peakLiveBytes <= totalmem()) return;
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  throw new DawsonError('out-of-memory', {
    expected: `${gigabytes(peakLiveBytes)} of memory for one run of the network`,
    found: `${gigabytes(totalmem())} in this machine`,
    advice: 'Use a smaller patch or batch: a smaller memory budget in the plan.',
  });
}

/** The name of the output that is an input's value in the next run. */
export const nextOf = (input: string): string => `${nextPrefix}${input}`;
