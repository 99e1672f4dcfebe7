import { version } from '../../version.js';
import type { RunOutcome } from '../job-place.js';

/** pg-boss never hands an attempt out twice; what is tried again is another attempt. */
export const sending = { retryLimit: 0, expireInHours: 23 } as const;

/** The queue of pg-boss for the jobs of one folder: workers of another version look elsewhere. */
export const pgBossName = (queue: string) => `${queue}-${version}`;

const kinds: ReadonlySet<unknown> = new Set(['done', 'may-pass', 'final', 'stopped']);
const longest = 4000;

/** How an attempt ended, as its worker wrote it down. */
export function outcomeIn(output: unknown): RunOutcome {
  const { kind, reason, machine } = (output ?? {}) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, longest) : '');
  if (!kinds.has(kind)) {
    return { kind: 'may-pass', reason: 'What its worker wrote down of it is not understood.' };
  }
  return { kind, reason: text(reason), machine: text(machine) } as RunOutcome;
}
