import { createHash } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { resolve } from 'node:path';
import { DawsonError } from '../errors.js';
import { answers, listenAlone } from '../formats/lock-folder.js';
import type { GatewayStatus } from './status.js';

/** What `dawson gateway status`, `retry` and `cancel` ask a running gateway. */
export interface Controls {
  status(): Promise<GatewayStatus>;
  /** Whether there was anything to do. */
  retry(job: string): boolean;
  cancel(job: string): boolean;
}

/** Longer paths of sockets are cut by the system (108 bytes with the end on Linux, 104 elsewhere). */
const longestPath = 100;

/** A socket in the folder of the state; on Windows, where these have names of their own, a pipe. */
function controlPath(path: string): string {
  if (process.platform === 'win32') {
    const name = createHash('sha256').update(resolve(path)).digest('hex').slice(0, 32);
    return `\\\\.\\pipe\\dawson-gateway-${name}`;
  }
  if (Buffer.byteLength(path) <= longestPath) return path;
  throw new DawsonError('bad-configuration', {
    file: path,
    expected: `a folder of the state with a path of at most ${longestPath - 13} bytes`,
    found: `${Buffer.byteLength(path)} bytes with the name of its socket`,
  });
}

/**
 * Listens on the socket by which a gateway is asked and told, to which only its user has access. It is
 * also the lock of the state: the system ends it with the process.
 * @throws DawsonError `output-exists` where another gateway has the state.
 */
export async function serveControls(socket: string, controls: Controls): Promise<Server> {
  const path = controlPath(socket);
  const server = createServer(async (incoming, response) => {
    incoming.resume();
    const [, verb, job = ''] = (incoming.url ?? '').split('/');
    const say = (value: object) => response.end(JSON.stringify(value));
    try {
      if (verb === 'status') say(await controls.status());
      else if (verb === 'retry' || verb === 'cancel') say({ changed: controls[verb](job) });
      else response.writeHead(404).end();
    } catch (error) {
      response.writeHead(500).end(JSON.stringify({ error: (error as Error).message }));
    }
  });
  if (!(await listenAlone(server, path))) {
    if (await answers(path)) {
      throw new DawsonError('output-exists', {
        file: socket,
        expected: 'a folder of the state of no other gateway',
        found: 'another gateway that runs',
        advice: 'End the other gateway, or name another state in the configuration.',
      });
    }
    throw new DawsonError('output-failed', {
      file: socket,
      expected: 'a place where a socket can be made',
      found: 'none',
    });
  }
  if (process.platform !== 'win32') await chmod(path, 0o600);
  return server;
}

/** Whether a gateway has a state, also where it does not answer yet. */
export const isGatewayRunning = (socket: string): Promise<boolean> => answers(controlPath(socket));

/**
 * Asks the gateway that runs with a state.
 * @throws DawsonError `gateway-not-running`, also of one that cannot answer now, which is said.
 */
export function askGateway<T>(socket: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const notRunning = (found = 'none') =>
      reject(new DawsonError('gateway-not-running', { expected: 'a gateway that answers', found }));
    const asked = request(
      { socketPath: controlPath(socket), path, timeout: 30_000 },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('end', () =>
          response.statusCode === 200
            ? resolve(JSON.parse(body))
            : notRunning(`one that says: ${reasonIn(body)}`),
        );
      },
    );
    asked.on('error', () => notRunning()).on('timeout', () => asked.destroy());
    asked.end();
  });
}

/** What a gateway said that could not answer. */
function reasonIn(body: string): string {
  try {
    return String(JSON.parse(body).error);
  } catch {
    return 'nothing';
  }
}
