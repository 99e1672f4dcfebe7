import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { jsonText } from '../formats/json.js';
import type { Gauge, Metrics } from './metrics.js';
import { listening } from './receiver.js';
import type { GatewayStatus } from './status.js';
import { statusPage } from './status-page.js';

const host = '127.0.0.1';

/**
 * Serves the status page, `/status.json`, `/health` and `/metrics` to this machine. It changes
 * nothing, and answers nobody who calls it by another name than this machine's (a page in a browser
 * could otherwise read it through a name of its own).
 */
export async function servePage(
  port: number,
  metrics: Metrics,
  status: () => Promise<GatewayStatus>,
): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response, port, metrics, status).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  server.maxConnections = 100;
  await listening(server, port, host);
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  metrics: Metrics,
  status: () => Promise<GatewayStatus>,
): Promise<void> {
  const say = (code: number, type: string, body: string) => {
    response.writeHead(code, {
      'Content-Type': `${type}; charset=utf-8`,
      'Content-Security-Policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const names = [`${host}:${port}`, `localhost:${port}`];
  if (!names.includes(request.headers.host ?? '')) return say(403, 'text/plain', 'Forbidden\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return say(405, 'text/plain', 'Only GET\n');
  }
  switch (new URL(request.url ?? '/', `http://${host}`).pathname) {
    case '/':
      return say(200, 'text/html', statusPage(await status()));
    case '/status.json':
      return say(200, 'application/json', jsonText(await status()));
    case '/health': {
      const { full, stalled } = await status();
      const wrong = [
        ...(full === undefined ? [] : [`nothing more is taken in: ${full}\n`]),
        ...(stalled === undefined ? [] : [`nothing is analysed: ${stalled}\n`]),
      ];
      return say(wrong.length === 0 ? 200 : 503, 'text/plain', wrong.join('') || 'ok\n');
    }
    case '/metrics':
      return say(200, 'text/plain; version=0.0.4', metrics.text(gaugesOf(await status())));
    default:
      return say(404, 'text/plain', 'Not found\n');
  }
}

const gaugesOf = (status: GatewayStatus): Gauge[] => [
  { name: 'jobs', help: 'Exams by state', values: status.jobs },
  { name: 'deliveries', help: 'Deliveries by state', values: status.deliveries },
  { name: 'arrivingStudies', help: 'Exams that are arriving', values: { '': status.arriving } },
  {
    name: 'freeBytes',
    help: 'Free disk space',
    values: { '': Math.round(status.freeGiB * 2 ** 30) },
  },
  {
    name: 'workers',
    help: 'Workers on machines, where jobs are run by these',
    values: status.workers ? { '': status.workers.length } : {},
  },
  {
    name: 'upSeconds',
    help: 'Seconds since the gateway was started',
    values: { '': status.upSeconds },
  },
];
