import { randomBytes } from 'node:crypto';
import type { DicomwebDestination } from '../config.js';
import { askDicomweb, type DicomJson, jsonOf } from '../dicomweb.js';
import { type Outgoing, outgoingObjects } from '../outgoing.js';
import { PeerFailure } from '../peer-failure.js';

/** Tags of the answer (PS3.18, 10.5.3): what was stored, what was not, and the identifier in both. */
const referencedSops = '00081199';
const failedSops = '00081198';
const referencedInstance = '00081155';

/**
 * Sends objects of a result by STOW-RS, in one request.
 * @throws PeerFailure unless the service says of each that it is stored.
 */
export async function sendByDicomweb(
  destination: DicomwebDestination,
  { objects }: Outgoing,
  signal: AbortSignal,
): Promise<void> {
  const outgoing = await outgoingObjects(objects, destination.objects);
  // An exam without lesions, or without an earlier one, has none of some kinds.
  if (outgoing.length === 0) return;
  const boundary = `dawson-${randomBytes(16).toString('hex')}`;
  const parts = outgoing.flatMap(({ bytes }) => [
    Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
  const response = await askDicomweb(destination, '/studies', signal, {
    method: 'POST',
    headers: {
      'Content-Type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
      Accept: 'application/dicom+json',
    },
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  });
  const answer = ((await jsonOf(response)) ?? {}) as DicomJson;
  const failed = answer[failedSops]?.Value?.length ?? 0;
  if (failed > 0) throw new PeerFailure(`the service did not store ${failed} objects`);
  const stored = new Set(
    (answer[referencedSops]?.Value ?? []).map(
      (item) => (item as DicomJson)[referencedInstance]?.Value?.[0],
    ),
  );
  const missing = outgoing.filter(({ sopInstance }) => !stored.has(sopInstance));
  if (missing.length > 0) {
    throw new PeerFailure(`the service said nothing of ${missing.length} objects`);
  }
}
