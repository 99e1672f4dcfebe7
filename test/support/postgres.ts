import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { freePort } from './gateway.js';
import { type PostgresServer, postgresServer, withoutServer } from './postgres-server.mjs';

/** Why tests against a PostgreSQL are skipped; undefined where it is there. */
export const withoutPostgres = withoutServer();

/** A PostgreSQL for all tests of a file: gateways in one database know nothing of each other. */
export function postgresOfFile(): () => PostgresServer {
  let folder: string | undefined;
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    if (withoutPostgres !== undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'dawson-test-'));
    server = postgresServer(folder, await freePort());
    await server.start();
  });
  afterAll(async () => {
    await server?.end();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  return () => server!;
}
