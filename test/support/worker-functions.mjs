export const add = (a, b) => b.reduce((sum, value) => sum + value, a);

export function runForever() {
  for (;;);
}

export function fail() {
  throw new Error('not foreseen');
}
