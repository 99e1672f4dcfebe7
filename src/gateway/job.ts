import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, errorTable } from '../errors.js';
import { resultFiles } from '../quantify/result-folder.js';
import { type ChildOutcome, runChild } from './child.js';
import type { JobsConfig } from './config.js';

/** What a job is computed from, and where its results go. */
export interface JobInput {
  /** Folder with the images. */
  readonly input: string;
  readonly studyUid: string;
  readonly result: string;
  readonly objects: string;
  /** Folders of the results of earlier exams, the earliest first. */
  readonly earlier: readonly string[];
  /** Its result is only compared with, and not delivered. */
  readonly onlyCompared: boolean;
}

/** The command lines, for Node.js, that make the result of a job, one after the other. */
export type JobSteps = (input: JobInput, config: JobsConfig) => readonly (readonly string[])[];

/** `may-pass`: it can go well another time; `final`: it cannot, for the same images. */
export type JobOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'may-pass' | 'final'; readonly reason: string }
  | { readonly kind: 'stopped' };

const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));

/** `dawson segment`, `dawson report` where there are earlier exams, `dawson dicom export`. */
export const dawsonSteps: JobSteps = (job, config) => {
  const { input, studyUid, result, objects, earlier, onlyCompared } = job;
  const { threads, rules, language, paper } = config;
  const option = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [name, `${value}`];
  const look = [...option('--language', language), ...option('--paper', paper)];
  const segment = [
    ...['segment', '--dicom', input, '--study', studyUid, '--out', result],
    ...[...option('--threads', threads), ...option('--rules', rules), ...look],
    // The one below is made with the earlier exams.
    ...(earlier.length > 0 ? ['--no-report'] : []),
  ];
  // Of an attempt with earlier exams, which are none any more, there is none.
  const lacksReport = holdsResult(result) && !existsSync(join(result, resultFiles.pdf.file));
  const report = [
    ...['report', result, ...(earlier.length > 0 ? ['--previous', ...earlier] : [])],
    ...['--out', join(result, resultFiles.pdf.file)],
    ...['--html', join(result, resultFiles.html.file), ...look],
  ];
  const send = ['dicom', 'export', result, '--dicom', input, '--out', objects];
  // Results appear whole: one that is there is that of the last attempt.
  const steps = [
    ...(holdsResult(result) ? [] : [segment]),
    ...(earlier.length > 0 || lacksReport ? [report] : []),
    ...(onlyCompared ? [] : [send]),
  ];
  return steps.map((step) => [program, ...step, '--json']);
};

/** Failures that may go well another time; those of an exam do not. */
const mayPass: ReadonlySet<string> = new Set<ErrorCode>([
  'output-failed',
  'out-of-memory',
  'missing-on-machine',
  'interrupted',
  // Of no exam, and perhaps put right meanwhile.
  'bad-rules',
  'internal',
]);

/**
 * Runs the steps of a job, each in a process of its own. A step whose result is there is done again:
 * it replaces it whole.
 */
export async function runJob(
  steps: readonly (readonly string[])[],
  { minutes, memoryGiB }: JobsConfig,
  signal: AbortSignal,
  onStep: (seconds: number) => void = () => {},
): Promise<JobOutcome> {
  for (const step of steps) {
    const startMs = performance.now();
    const outcome = await runChild(step, { minutes, memoryGiB, signal });
    onStep((performance.now() - startMs) / 1000);
    if (signal.aborted) return { kind: 'stopped' };
    if (outcome.exitCode !== 0) return failureOf(outcome, minutes, memoryGiB);
  }
  return { kind: 'done' };
}

function failureOf(
  { exitCode, stoppedBecause, said }: ChildOutcome,
  minutes: number,
  memoryGiB: number,
): JobOutcome {
  if (stoppedBecause === 'time') {
    return { kind: 'may-pass', reason: `It took more than ${minutes} minutes.` };
  }
  if (stoppedBecause === 'memory') {
    return { kind: 'may-pass', reason: `It took more than ${memoryGiB} GiB of memory.` };
  }
  const error = errorIn(said);
  if (!error)
    return { kind: 'may-pass', reason: `The process ended with ${exitCode ?? 'a signal'}.` };
  const { title, expected, found, code } = error;
  const reason = `${title}: expected ${expected}; found ${found}.`;
  return { kind: mayPass.has(code) ? 'may-pass' : 'final', reason };
}

interface SaidError {
  readonly code: string;
  readonly title: string;
  readonly expected: string;
  readonly found: string;
}

/** The error that a command with --json says in its last line. */
function errorIn(said: string): SaidError | undefined {
  for (const line of said.trimEnd().split('\n').reverse()) {
    try {
      const { error } = JSON.parse(line);
      if (error?.code in errorTable) return error;
    } catch {
      // Another line.
    }
  }
  return undefined;
}

/** Whether a result that later exams can be compared with lies in a folder. */
export const holdsResult = (folder: string) => existsSync(join(folder, resultFiles.findings.file));
