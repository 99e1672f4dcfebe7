import { randomBytes } from 'node:crypto';
import type { DicomwebDestination } from '../config.js';
import { DeliveryFailure } from '../delivery-failure.js';
import { type Outgoing, outgoingObjects } from '../outgoing.js';
import { readSmallFile } from '../read-small-file.js';

const longestMs = 120_000;

/** Tags of the answer (PS3.18, 10.5.3): what was stored, what was not, and the identifier in both. */
const referencedSops = '00081199';
const failedSops = '00081198';
const referencedInstance = '00081155';

interface Attribute {
  readonly Value?: readonly unknown[];
}

/**
 * Sends objects of a result by STOW-RS, in one request.
 * @throws DeliveryFailure unless the service says of each that it is stored.
 */
export async function sendByDicomweb(
  destination: DicomwebDestination,
  { objects }: Outgoing,
  signal: AbortSignal,
): Promise<void> {
  const outgoing = await outgoingObjects(objects, destination.objects);
  const boundary = `dawson-${randomBytes(16).toString('hex')}`;
  const parts = outgoing.flatMap(({ bytes }) => [
    Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
  const response = await ask(destination, '/studies', signal, {
    method: 'POST',
    headers: {
      'Content-Type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
      Accept: 'application/dicom+json',
    },
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, Attribute>;
  if (!response.ok) throw new DeliveryFailure(`the service answered ${response.status}`);
  const failed = answer[failedSops]?.Value?.length ?? 0;
  if (failed > 0) throw new DeliveryFailure(`the service did not store ${failed} objects`);
  const stored = new Set(
    (answer[referencedSops]?.Value ?? []).map(
      (item) => (item as Record<string, Attribute>)[referencedInstance]?.Value?.[0],
    ),
  );
  const missing = outgoing.filter(({ sopInstance }) => !stored.has(sopInstance));
  if (missing.length > 0) {
    throw new DeliveryFailure(`the service said nothing of ${missing.length} objects`);
  }
}

/** Asks a service for a sign of life. @throws DeliveryFailure without one. */
export async function queryDicomweb(
  destination: DicomwebDestination,
  signal: AbortSignal,
): Promise<void> {
  const response = await ask(destination, '/studies?limit=1', signal, {
    headers: { Accept: 'application/dicom+json' },
  });
  await response.arrayBuffer();
  if (!response.ok) throw new DeliveryFailure(`the service answered ${response.status}`);
}

async function ask(
  { url, authorizationFile }: DicomwebDestination,
  path: string,
  signal: AbortSignal,
  request: RequestInit & { headers: Record<string, string> },
): Promise<Response> {
  const headers = { ...request.headers };
  if (authorizationFile) headers.Authorization = `${await readSmallFile(authorizationFile)}`.trim();
  try {
    return await fetch(`${url.replace(/\/$/, '')}${path}`, {
      ...request,
      headers,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(longestMs)]),
    });
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code;
    throw new DeliveryFailure(cause ?? (error as Error).message);
  }
}
