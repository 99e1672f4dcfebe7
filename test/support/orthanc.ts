import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { freePort, has } from './gateway.js';
import { relay } from './relay.mjs';
import { temporaryFolder } from './temporary-folder.js';

const plugin = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';

/** Why tests against an Orthanc are skipped; undefined where it is there. */
export const withoutOrthanc =
  !has('Orthanc') || !existsSync(plugin)
    ? 'orthanc and orthanc-dicomweb are not installed'
    : spawnSync('unshare', ['-rn', 'ip', 'link', 'set', 'lo', 'up']).status !== 0
      ? 'no network namespace can be made (unshare -rn, iproute2)'
      : undefined;

export interface Orthanc {
  /** Ports of 127.0.0.1 that lead to it. */
  readonly http: number;
  readonly dicom: number;
  readonly get: <T>(path: string) => Promise<T>;
  readonly post: <T>(path: string, body: unknown) => Promise<T>;
  /** Kills it; it is started again at once. */
  readonly kill: () => void;
}

/**
 * An Orthanc with DICOMweb, ended with the test. It listens on every address, and is therefore put
 * into a network of its own, into which two ports lead; it reaches a gateway on a port of ours.
 */
export async function startOrthanc(gatewayPort: number): Promise<Orthanc> {
  const at = temporaryFolder();
  mkdirSync(at('storage'));
  writeFileSync(
    at('orthanc.json'),
    JSON.stringify({
      Name: 'T',
      StorageDirectory: at('storage'),
      IndexDirectory: at('storage'),
      HttpPort: 8042,
      RemoteAccessAllowed: true,
      AuthenticationEnabled: false,
      DicomAet: 'ORTHANC',
      DicomPort: 4242,
      DicomCheckCalledAet: false,
      StableAge: 2,
      DicomAlwaysAllowStore: true,
      DicomAlwaysAllowFind: true,
      DicomAlwaysAllowMove: true,
      DicomModalities: { dawson: ['DAWSON', '127.0.0.1', 11112] },
      Plugins: [plugin],
      DicomWeb: { Enable: true, Root: '/dicom-web/' },
    }),
  );
  const [http, dicom] = [await freePort(), await freePort()];
  const servers = [
    relay(`${http}`, at('http')),
    relay(`${dicom}`, at('dicom')),
    relay(at('gateway'), `${gatewayPort}`),
  ];
  const script = fileURLToPath(new URL('relay.mjs', import.meta.url));
  const inside = spawn(
    'unshare',
    [
      ...['-rn', 'bash', '-c'],
      `ip link set lo up; trap 'kill $(cat "$1"/pid) $relay; exit' TERM
       "$2" "$3" "$1/http" 8042 "$1/dicom" 4242 11112 "$1/gateway" & relay=$!
       while :; do Orthanc "$1/orthanc.json" >>"$1/log" 2>&1 & echo $! >"$1/pid"; wait $!; sleep 0.1; done`,
      ...['orthanc', at(), process.execPath, script],
    ],
    { stdio: 'ignore' },
  );
  onTestFinished(async () => {
    for (const server of servers) server.close();
    inside.kill('SIGTERM');
    await new Promise((resolve) => inside.once('close', resolve));
  });
  const request = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${http}${path}`, {
      signal: AbortSignal.timeout(60_000),
      ...init,
    });
    if (!response.ok) throw new Error(`${response.status} of ${path}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  for (let look = 0; ; look++) {
    if (
      await request('/system', { signal: AbortSignal.timeout(1000) }).then(
        () => true,
        () => false,
      )
    )
      break;
    if (look > 600) throw new Error(`Orthanc does not start: ${readFileSync(at('log'), 'utf8')}`);
    await wait(50);
  }
  return {
    http,
    dicom,
    get: request,
    post: (path, body) =>
      request(path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    kill: () => process.kill(Number(readFileSync(at('pid'), 'utf8')), 'SIGKILL'),
  };
}
