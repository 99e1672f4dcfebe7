import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { DawsonError, type ErrorCode, type FailureDetails } from './errors.js';

/** What a worker is asked to do: call an exported function of one of our modules. */
export interface Call {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What comes back; a DawsonError crosses as its code and details, since cloning drops its class. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly failure: { readonly code: ErrorCode; readonly details: FailureDetails } };

/** Workers run compiled code: a module that is run from src/ (in tests) has its twin in dist/. */
export function compiled(url: URL): string {
  const root = new URL('..', import.meta.url).href;
  return url.href.startsWith(`${root}src/`)
    ? url.href.replace(`${root}src/`, `${root}dist/`).replace(/\.ts$/, '.js')
    : url.href;
}

// biome-ignore lint/suspicious/noExplicitAny: any function with plain arguments can be called
type AnyFunction = (...args: any[]) => unknown;

/**
 * Worker threads that run exported functions of our own modules off the event loop. Arguments and
 * results are structured-cloned; typed arrays on a SharedArrayBuffer are shared.
 */
export class WorkerPool {
  readonly #pool: Piscina;

  constructor(threads = availableParallelism()) {
    this.#pool = new Piscina({
      filename: fileURLToPath(compiled(new URL('./worker-main.js', import.meta.url))),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 1000,
    });
    // Every call reports its own failure. What is left are answers of calls that were stopped just
    // as they ended, which would otherwise end the process.
    this.#pool.on('error', () => {});
  }

  /**
   * Calls `name` of `module` (a URL made with `new URL('./file.js', import.meta.url)`) in a worker;
   * {@link inWorker} makes such calls that cannot name what is not there.
   * @throws what the function throws; the signal's reason when it stops the call.
   */
  async call<F extends AnyFunction>(
    module: URL,
    name: string,
    args: Parameters<F>,
    signal?: AbortSignal,
  ): Promise<Awaited<ReturnType<F>>> {
    const call: Call = { module: compiled(module), name, args };
    const outcome = await this.#run(call, signal);
    if ('failure' in outcome) {
      throw new DawsonError(outcome.failure.code, outcome.failure.details);
    }
    return outcome.value as Awaited<ReturnType<F>>;
  }

  async #run(call: Call, signal?: AbortSignal): Promise<Outcome> {
    signal?.throwIfAborted();
    // As many calls may wait on it as there are cases; Node.js warns of more than ten.
    if (signal) setMaxListeners(0, signal);
    try {
      return await this.#pool.run(call, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw isOutOfMemory(error)
        ? new DawsonError('out-of-memory', {
            expected: `enough memory for ${call.name}`,
            found: (error as Error).message,
          })
        : error;
    }
  }

  /** Stops all workers, at once, also in the middle of a call. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

function isOutOfMemory(error: unknown): boolean {
  return (
    error instanceof Error &&
    ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' ||
      error.message === 'Array buffer allocation failed')
  );
}

/** Where a function of a worker is called, and what stops it. */
export interface Caller {
  readonly pool: WorkerPool;
  readonly signal?: AbortSignal;
}

/** A function that runs in a worker: takes where it is called, then its own arguments. */
export type InWorker<F extends AnyFunction> = (
  caller: Caller,
  ...args: Parameters<F>
) => Promise<Awaited<ReturnType<F>>>;

/**
 * The handle by which a function of a worker is called, which the function's own module exports
 * under its name with `InWorker`: `inWorker<typeof f>(import.meta.url, 'f')`. A handle runs nothing
 * by itself, but its module is loaded with it: what is large there is imported when it is needed.
 */
export function inWorker<F extends AnyFunction>(module: string, name: string): InWorker<F> {
  return ({ pool, signal }, ...args) => pool.call<F>(new URL(module), name, args, signal);
}
