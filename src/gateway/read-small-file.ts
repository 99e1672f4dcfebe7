import { readWholeFile } from '../formats/open-file.js';

/** A file of the gateway's configuration: settings, a certificate, a key, a secret. @throws as `readWholeFile`. */
export const readSmallFile = (file: string): Promise<Buffer> =>
  readWholeFile(file, { mostBytes: 2 ** 20, kind: 'a part of a configuration' });
