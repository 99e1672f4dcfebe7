import { closeSync, fdatasyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { version } from '../version.js';

/** What an entry says beside its event: no names, no identifiers of patients, no file of theirs. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined | null>>;

/**
 * The log, a line of JSON an event on standard output, and the audit: what came, what was computed
 * by which version and what went where, in a file to which lines are only added. An audited event is
 * on the disk when `audit` returns.
 */
export class Journal {
  readonly #file: number;
  readonly #write: (line: string) => void;

  constructor(auditFile: string, write: (line: string) => void = toStandardOutput) {
    mkdirSync(dirname(auditFile), { recursive: true });
    this.#file = openSync(auditFile, 'a', 0o600);
    this.#write = write;
  }

  log(event: string, fields: Fields = {}): void {
    this.#write(lineOf(event, fields));
  }

  audit(event: string, fields: Fields = {}): void {
    writeSync(this.#file, lineOf(event, { version, ...fields }));
    fdatasyncSync(this.#file);
    this.log(event, fields);
  }

  close(): void {
    closeSync(this.#file);
  }
}

const toStandardOutput = (text: string): void => {
  process.stdout.write(text);
};

/** A line of JSON that says when something happened. */
export const lineOf = (event: string, fields: Fields) =>
  `${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`;
