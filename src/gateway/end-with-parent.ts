/**
 * Loaded before a step of a job: ends the process when the gateway is gone, killed too, so that no
 * two processes compute one job.
 */
process.on('disconnect', () => process.exit(130));
process.channel?.unref();
