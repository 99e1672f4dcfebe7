import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort, has, run, startGateway, writeStudy } from '../support/gateway.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const reason = has('openssl') ? undefined : 'openssl is not installed';

/** A certificate that signs itself, and its key. */
async function certificate() {
  const at = temporaryFolder();
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', at('key'), '-out', at('crt')],
  ]);
  return { certificate: at('crt'), key: at('key') };
}

describe.skipIf(reason)(`encrypted connections${reason ? ` (skipped: ${reason})` : ''}`, () => {
  it('carry results to peers that are known by their certificates, and to no others', async () => {
    const port = await freePort();
    const [ours, theirs] = [await certificate(), await certificate()];
    const peer = { kind: 'dicom', host: '127.0.0.1', port, title: 'DAWSON', from: 'STORESCU' };
    const gateway = await startGateway({
      // It delivers to its own receiver.
      receiver: {
        ...{ title: 'DAWSON', port, peers: [{ title: 'STORESCU' }] },
        tls: { ...ours, authorities: ours.certificate },
      },
      folders: [{ path: 'inbox' }],
      destinations: [
        { name: 'known', ...peer, tls: { ...ours, authorities: ours.certificate } },
        { name: 'stranger', ...peer, tls: { ...theirs, authorities: ours.certificate } },
        { name: 'mistrusted', ...peer, tls: { ...ours, authorities: theirs.certificate } },
        { name: 'plain', ...peer },
      ],
    });
    writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    const { last } = await gateway.until(
      'tried',
      ({ last }) => last[0]?.deliveries.filter(({ attempts }) => attempts > 0).length === 4,
    );
    const states = last[0].deliveries.map(({ destination, state }) => [destination, state]);
    expect(states).toEqual([
      ['known', 'delivered'],
      ['mistrusted', 'waiting'],
      ['plain', 'waiting'],
      ['stranger', 'waiting'],
    ]);
    expect(last[0].deliveries[1].reason).toMatch(/self.signed certificate/);

    // One that never says anything does not hold up the end.
    const silent = connect(port, '127.0.0.1');
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    silent.on('error', () => {});
    await gateway.stop();
    await closed;
  });
});
