import type { OutputOptions } from './terminal.js';

/**
 * Shows on standard error how many cases are done, how fast, and how long the rest will take: on a
 * terminal as a live line, elsewhere as a line at every tenth.
 */
export function caseProgress(
  { quiet, json }: OutputOptions,
  what: string,
  stream = process.stderr,
): (done: number, all: number) => void {
  if (quiet || json) return () => {};
  const startMs = performance.now();
  let tenths = 0;
  return (done, all) => {
    const seconds = (performance.now() - startMs) / 1000;
    const left = (seconds / done) * (all - done);
    const line =
      `  ${what}: ${done} of ${all} cases, ${(done / seconds).toFixed(1)} a second` +
      (done < all ? `, ${left.toFixed(0)} s left` : '');
    if (stream.isTTY) stream.write(`\r\u001b[2K${line}${done === all ? '\n' : ''}`);
    else if (Math.floor((10 * done) / all) > tenths) stream.write(`${line}\n`);
    tenths = Math.floor((10 * done) / all);
  };
}
