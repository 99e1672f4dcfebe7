import { DawsonError } from './errors.js';
import type { Call, Outcome } from './workers.js';

/** The body of every worker thread: calls the function it is asked for. */
export default async function run({ module, name, args }: Call): Promise<Outcome> {
  try {
    const exported = await import(module);
    return { value: await exported[name](...args) };
  } catch (error) {
    if (error instanceof DawsonError) {
      return { failure: { code: error.code, details: error.details } };
    }
    throw error;
  }
}
