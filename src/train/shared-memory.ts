/** A copy of plain values whose arrays of numbers lie on memory that workers share. */
export function onSharedMemory<T>(value: T): T {
  if (ArrayBuffer.isView(value)) {
    const from = value as unknown as Uint8Array;
    const Numbers = from.constructor as Uint8ArrayConstructor;
    const copy = new Numbers(new SharedArrayBuffer(from.byteLength));
    copy.set(from);
    return copy as unknown as T;
  }
  if (Array.isArray(value)) return value.map(onSharedMemory) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, onSharedMemory(part)]),
  ) as T;
}
