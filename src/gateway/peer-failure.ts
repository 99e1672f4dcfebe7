/** Why a peer did not do what it was asked for, or does not have a result: all of this may pass. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure';
}

/** What a peer gives is beyond a limit, which asking again does not change. */
export class TooMuch extends PeerFailure {}
