// Images a second that the gateway's receiver takes from dcmtk's storescu, each flushed to the disk
// before it is answered, beside dcmtk's storescp, which does not flush; and its memory. In a network
// namespace, since storescp listens on every address.
//
//   npm run bench -- gateway-receive [--images 10000]
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeDicomSeries } from './support/dicom-series.js';

const perSeries = 1000;
const program = fileURLToPath(new URL('../bin/dawson.js', import.meta.url));
const { values: flags } = parseArgs({
  options: {
    images: { type: 'string', default: '10000' },
    inside: { type: 'boolean', default: false },
  },
});

if (flags.inside) await compare(Number(flags.images) / perSeries);
else {
  const inside = [fileURLToPath(import.meta.url), '--inside', '--images', flags.images];
  const shell = 'ip link set lo up; exec "$0" "$@"';
  const args = ['-rn', 'bash', '-c', shell, process.execPath, ...inside];
  process.exitCode = spawnSync('unshare', args, { stdio: 'inherit' }).status ?? 1;
}

async function compare(series) {
  const work = mkdtempSync(join(tmpdir(), 'dawson-gateway-receive-'));
  const children = [];
  try {
    writeSeries(work, series);
    mkdirSync(join(work, 'scp'));
    children.push(
      spawn('storescp', ['-od', join(work, 'scp'), '11113'], { stdio: 'ignore' }),
      spawn(process.execPath, [program, 'gateway', '--quiet', '--config', writeConfig(work)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    );
    await wait(5000);
    const seconds = { gateway: 0, storescp: 0 };
    for (let at = 0; at < series; at++) {
      seconds.storescp += send(11113, 'STORESCP', join(work, `series-${at}`));
      seconds.gateway += send(11112, 'DAWSON', join(work, `series-${at}`));
      console.log(`${(at + 1) * perSeries} images: ${residentMiB(children[1].pid)} MiB`);
    }
    const [study] = readdirSync(join(work, 'state', 'studies'));
    const kept = readdirSync(join(work, 'state', 'studies', study)).length;
    const rate = (name) => ((series * perSeries) / seconds[name]).toFixed(0);
    console.log(`kept: ${kept} of ${series * perSeries}`);
    console.log(`gateway ${rate('gateway')} images a second, storescp ${rate('storescp')}`);
    console.log(`ratio ${(seconds.gateway / seconds.storescp).toFixed(2)}`);
  } finally {
    for (const child of children) child.kill();
    await wait(1000);
    rmSync(work, { recursive: true, force: true });
  }
}

function writeSeries(work, series) {
  const size = [128, 128, perSeries];
  const affine = [-1, 0, 0, 64, 0, -1, 0, 64, 0, 0, 1, 0, 0, 0, 0, 1];
  const data = new Uint16Array(size[0] * size[1] * size[2]).map((_, at) => at % 1000);
  for (let at = 0; at < series; at++) {
    const folder = join(work, `series-${at}`);
    writeDicomSeries({ size, affine, data }, folder, { number: at + 1, acquired: {} });
  }
}

function writeConfig(work) {
  const config = {
    ...{ schema: 'dawson-gateway', schemaVersion: 1, state: 'state', quietSeconds: 86400 },
    receiver: { title: 'DAWSON', port: 11112, peers: [{ title: 'STORESCU' }] },
    destinations: [{ name: 'out', kind: 'folder', path: 'out' }],
    limits: { freeGiB: 0, instancesPerMinute: 10_000_000 },
  };
  const file = join(work, 'gateway.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** Sends a folder; the seconds that it took. */
function send(port, title, folder) {
  const startMs = performance.now();
  const args = ['-aec', title, '127.0.0.1', `${port}`, '+sd', folder];
  const { status, stderr } = spawnSync('storescu', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr.slice(-2000));
  return (performance.now() - startMs) / 1000;
}

function residentMiB(pid) {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(kib) / 1024);
}
