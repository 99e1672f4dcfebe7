/**
 * Ends this process when the one that started it as a part of larger work is gone, also where that
 * was killed: nobody waits for the result any more, and whoever goes on with the work starts it
 * anew. Results appear whole or not at all, so that nothing half is left.
 */
export function endWithParent(): void {
  if (process.channel === undefined) return;
  process.once('disconnect', () => process.exit(130));
  // Waiting for the end of the parent keeps no process alive.
  process.channel?.unref();
}
