/** Why a peer did not do what it was asked for, or does not have a result: all of this may pass. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure';
}
