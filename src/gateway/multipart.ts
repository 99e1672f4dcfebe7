import { PeerFailure } from './peer-failure.js';

/** What a multipart message holds, as it comes. */
export type MultipartEvent =
  | { readonly kind: 'begin' | 'end' }
  | { readonly kind: 'bytes'; readonly bytes: Buffer };

/** Headers of a part, and what stands before the first one, are short. */
const longestHeaderBytes = 16_384;

/** The boundary that a Content-Type names (RFC 2046, 5.1.1); undefined for another kind of content. */
export function boundaryOf(contentType: string | null): string | undefined {
  if (!/^multipart\/related\b/i.test(contentType ?? '')) return undefined;
  const [, quoted, plain] =
    /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70}))/i.exec(contentType!) ?? [];
  return quoted ?? plain;
}

/**
 * The parts of a multipart message, without keeping more of it than a piece.
 * @throws PeerFailure where it does not keep to its boundary or ends too early.
 */
export async function* multipart(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<MultipartEvent> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first boundary may stand at the very beginning.
  let held = Buffer.from('\r\n');
  let place: 'before' | 'header' | 'part' = 'before';
  for await (const chunk of body) {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      if (place === 'header') {
        if (held.subarray(0, 2).toString('latin1') === '--') return;
        const end = held.indexOf('\r\n\r\n');
        requireShort(end < 0 ? held.length : end);
        if (end < 0) break;
        held = held.subarray(end + 4);
        place = 'part';
        yield { kind: 'begin' };
        continue;
      }
      const at = held.indexOf(delimiter);
      if (place === 'before') requireShort(at < 0 ? held.length : at);
      // A boundary may be cut by the end of a piece.
      const sure = at < 0 ? Math.max(0, held.length - delimiter.length + 1) : at;
      if (place === 'part') {
        if (sure > 0) yield { kind: 'bytes', bytes: held.subarray(0, sure) };
        held = held.subarray(sure);
        if (at >= 0) yield { kind: 'end' };
      }
      if (at < 0) break;
      held = held.subarray(place === 'part' ? delimiter.length : at + delimiter.length);
      place = 'header';
    }
  }
  throw new PeerFailure('its answer ended in the middle');
}

function requireShort(bytes: number): void {
  if (bytes > longestHeaderBytes)
    throw new PeerFailure('its answer is no message of several parts');
}
