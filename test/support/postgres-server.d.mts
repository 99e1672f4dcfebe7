export interface PostgresServer {
  /** Without its password. */
  readonly url: string;
  readonly password: string;
  readonly passwordFile: string;
  query(sql: string): Promise<Record<string, unknown>[]>;
  start(): Promise<void>;
  kill(): void;
  end(): Promise<void>;
}
export function withoutServer(): string | undefined;
export function postgresServer(folder: string, port: number): PostgresServer;
