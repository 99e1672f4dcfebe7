/** Parts of a name joined to one that any file system takes; absent parts are passed over. */
export const labelsOnly = (parts: readonly (string | undefined)[]): string =>
  parts
    .filter((part) => part !== undefined)
    .map((part) => part.replace(/[^a-zA-Z0-9.-]/g, ''))
    .join('_');
