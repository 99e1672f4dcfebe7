/** Which trained model was used. */
export interface ModelRecord {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of its `model.json`, which has the hash of every other file. */
  readonly sha256: string;
}
