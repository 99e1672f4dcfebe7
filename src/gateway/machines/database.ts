import pg from 'pg';
import PgBoss from 'pg-boss';
import { decodeText } from '../../formats/index.js';
import { readSmallFile } from '../read-small-file.js';

/** What pg-boss and the table of workers lie in. */
const schema = 'dawson';

/** A server that says nothing is gone. */
const silentMs = 10_000;

/** Where the queue of several machines is. */
export interface DatabaseConfig {
  /** postgres://user@machine/database, without a password. */
  readonly queue: string;
  readonly queuePasswordFile?: string;
}

/** A PostgreSQL with the queue of pg-boss, and the table in which workers say that they are there. */
export interface Database {
  readonly boss: PgBoss;
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * Takes a name for as long as this database stays open and connected.
   * @param lost is called when the connection that holds it breaks
   * @returns whether nobody else has it
   */
  take(name: string, lost: () => void): Promise<boolean>;
  close(): Promise<void>;
}

const workersTable = `
  select pg_advisory_xact_lock(hashtextextended('dawson gateway tables', 0));
  create table if not exists ${schema}.gateway_workers (
    id uuid primary key, queue text not null, version text not null, machine text not null,
    slots integer not null, tickets text[] not null, beats bigint not null,
    seen timestamptz not null default now()
  );`;

/**
 * Connects, and makes the tables where they are not there yet.
 * @throws Error as `pg` says it; {@link databaseReason} says it in words.
 */
export async function openDatabase(config: DatabaseConfig): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: await withPassword(config),
    max: 4,
    connectionTimeoutMillis: silentMs,
    query_timeout: silentMs,
    keepAlive: true,
    // A machine that lost its power gives back what it had taken.
    options: '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3',
    application_name: 'dawson gateway',
  });
  // Whoever asks next is told that it is gone.
  pool.on('error', () => {});
  const boss = new PgBoss({
    ...{ schema, schedule: false },
    db: { executeSql: (sql: string, values: unknown[]) => pool.query(sql, values) },
    ...{ deleteAfterDays: 30, retentionDays: 30 },
  });
  boss.on('error', () => {});
  let holder: pg.PoolClient | undefined;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      holder?.removeAllListeners('end').release(true);
      await boss.stop({ graceful: false }).catch(() => {});
      await pool.end().catch(() => {});
    })();
    return closing;
  };
  try {
    await boss.start();
    await pool.query(workersTable);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    boss,
    query: async (sql, values = []) => (await pool.query(sql, [...values])).rows,
    take: async (name, lost) => {
      const client = await pool.connect();
      const taking = 'select pg_try_advisory_lock(hashtextextended($1, 0)) as taken';
      const { rows } = await client.query<{ taken: boolean }>(taking, [name]);
      if (!rows[0].taken) {
        client.release();
        return false;
      }
      holder = client;
      client.on('error', () => {}).on('end', lost);
      return true;
    },
    close,
  };
}

/** As a parameter, since a URL without a machine takes no password before it. */
async function withPassword({ queue, queuePasswordFile: file }: DatabaseConfig): Promise<string> {
  if (file === undefined) return queue;
  const password = decodeText(await readSmallFile(file)).text.replace(/\r?\n$/, '');
  const url = new URL(queue);
  url.searchParams.set('password', password);
  return url.href;
}

/** What went wrong between us and the database, without its address: its name may be told to nobody. */
export function databaseReason(error: unknown): string {
  const { code, message = '' } = error as { code?: string; message?: string };
  // Several addresses of one name were tried.
  const inner = (error as AggregateError).errors?.[0] as { code?: string } | undefined;
  const known = reasons[code ?? inner?.code ?? ''];
  if (known !== undefined) return known;
  if (/password must be a string/.test(message)) {
    return 'it asks for a password, and none is given (queuePasswordFile, or PGPASSWORD in the environment)';
  }
  if (/timeout|terminated|closed/i.test(message)) return 'it does not answer';
  return message;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it ended the connection',
  ENOTFOUND: 'no machine has this name',
  EAI_AGAIN: 'the name of its machine is not resolved',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'its machine cannot be reached',
  '28P01': 'wrong user or password',
  '28000': 'it does not let this user in from here (pg_hba.conf)',
  '3D000': 'it has no database of this name',
  '42501': 'this user must not make tables in it (it should own the database)',
  '53300': 'it has too many connections',
  '57P01': 'it is being shut down',
  '57P03': 'it is starting, or being shut down',
};
