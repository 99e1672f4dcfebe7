import type { DicomwebService } from './config.js';
import { PeerFailure } from './peer-failure.js';
import { readSmallFile } from './read-small-file.js';

/** Attributes by their tags (PS3.18, Annex F). */
export type DicomJson = Readonly<
  Record<string, { readonly Value?: readonly unknown[] } | undefined>
>;

const longestMs = 120_000;
const longestJsonBytes = 2 ** 24;

/**
 * Asks a service, and does not follow it elsewhere.
 * @throws PeerFailure where it does not answer with success.
 */
export async function askDicomweb(
  { url, authorizationFile }: DicomwebService,
  path: string,
  signal: AbortSignal,
  request: RequestInit & { headers: Record<string, string> },
  mostMs = longestMs,
): Promise<Response> {
  const headers = { ...request.headers };
  // Orthanc takes seconds to compress an image, and closes a connection on which nothing was asked
  // for a second, also while what it sent is still being unpacked: fetch takes that for a loss.
  headers['Accept-Encoding'] = 'identity';
  if (authorizationFile) headers.Authorization = `${await readSmallFile(authorizationFile)}`.trim();
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}${path}`, {
      ...request,
      headers,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(mostMs)]),
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new PeerFailure(`the service answered ${response.status}`);
  } catch (error) {
    throw asPeerFailure(error);
  }
}

/** What went wrong with a connection, by its cause. */
export function asPeerFailure(error: unknown): PeerFailure {
  if (error instanceof PeerFailure) return error;
  const cause = (error as { cause?: { code?: string } }).cause?.code;
  return new PeerFailure(cause ?? (error as Error).message);
}

/**
 * The JSON that an answer holds; undefined where it holds none.
 * @throws PeerFailure where it is too long or breaks off.
 */
export async function jsonOf(response: Response): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > longestJsonBytes) throw new PeerFailure('its answer is too long');
      parts.push(part);
    }
  } catch (error) {
    throw asPeerFailure(error);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** What has to match, by keyword, and tags of what else is asked for. */
export interface QueryParameters {
  readonly matching: Readonly<Record<string, string>>;
  readonly include?: readonly string[];
}

/**
 * What a service finds (QIDO-RS; PS3.18, 10.6), as far as it is of the form that it should have.
 * @throws PeerFailure where it gives more than `most`.
 */
export async function queryDicomweb(
  service: DicomwebService,
  path: string,
  { matching, include = [] }: QueryParameters,
  most: number,
  signal: AbortSignal,
): Promise<DicomJson[]> {
  const query = new URLSearchParams({ ...matching, limit: `${most + 1}` });
  // Some services take no list of them.
  for (const tag of include) query.append('includefield', tag);
  const response = await askDicomweb(service, `${path}?${query}`, signal, {
    headers: { Accept: 'application/dicom+json' },
  });
  const answer = (await jsonOf(response)) ?? [];
  if (!Array.isArray(answer)) throw new PeerFailure('its answer is no list');
  if (answer.length > most) throw new PeerFailure(`it gives more than ${most} answers`);
  return answer.filter((item) => typeof item === 'object' && item !== null);
}

/** Asks for a patient that nobody has. @throws PeerFailure where the service does not answer. */
export async function checkDicomweb(service: DicomwebService, signal: AbortSignal): Promise<void> {
  await queryDicomweb(
    service,
    '/studies',
    { matching: { PatientID: 'DAWSON-CHECK' } },
    1000,
    signal,
  );
}

/** The value of a text or of an identifier; values of several joined as in DICOM. */
export function textIn(item: DicomJson, tag: string): string | undefined {
  const values = item[tag]?.Value;
  if (!Array.isArray(values)) return undefined;
  const texts = values.map((value) =>
    typeof value === 'object' && value !== null
      ? (value as { Alphabetic?: unknown }).Alphabetic
      : value,
  );
  const known = texts.filter((text) => typeof text === 'string' || typeof text === 'number');
  return known.length > 0 ? known.join('\\').trim() : undefined;
}
