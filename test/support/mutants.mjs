// Mutants of valid files, from a seeded source of chance: what damage and malice do to bytes and texts.

const numbers = [
  '-1',
  '0',
  '1e999',
  'NaN',
  '1e39',
  '4294967296',
  '9007199254740993',
  '1e-320',
  '""',
];
const words = [
  'toString',
  '__proto__',
  'constructor',
  'valueOf',
  'null',
  '\r',
  '\0',
  '../..',
  'é\u2028',
];

const replaced = (bytes, at, length, inserted) =>
  Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + length)]);

const mutations = {
  'a bit': (bytes, random) => {
    const copy = Buffer.from(bytes);
    copy[place(bytes, random)] ^= 1 << random.integer(8);
    return copy;
  },
  'some bits': (bytes, random) => {
    const copy = Buffer.from(bytes);
    for (let n = 2 + random.integer(20); n > 0; n--) {
      copy[place(bytes, random)] ^= 1 << random.integer(8);
    }
    return copy;
  },
  'an extreme': (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = place(bytes, random);
    const end = Math.min(bytes.length, at + [1, 2, 4, 8][random.integer(4)]);
    copy.fill([0, 0xff, 0x7f, 0x80][random.integer(4)], at, end);
    return copy;
  },
  'an end too soon': (bytes, random) => bytes.subarray(0, place(bytes, random)),
  'more behind the end': (bytes, random) =>
    Buffer.concat([bytes, Buffer.alloc(1 + random.integer(5000), random.integer(256))]),
  'a piece missing': (bytes, random) => {
    const at = place(bytes, random);
    return replaced(bytes, at, 1 + random.integer(64), Buffer.alloc(0));
  },
  'a piece twice': (bytes, random) => {
    const at = place(bytes, random);
    return replaced(bytes, at, 0, bytes.subarray(at, at + 1 + random.integer(256)));
  },
  'a piece elsewhere': (bytes, random) => {
    const copy = Buffer.from(bytes);
    const [from, to] = [place(bytes, random), place(bytes, random)];
    copy.set(bytes.subarray(from, Math.min(from + 32, from + bytes.length - to)), to);
    return copy;
  },
  'another number': (bytes, random) => {
    const found = [...startOf(bytes).matchAll(/-?\d+(?:\.\d+)?/g)];
    if (found.length === 0) return mutations['an extreme'](bytes, random);
    const { index, 0: text } = found[random.integer(found.length)];
    return replaced(
      bytes,
      index,
      text.length,
      Buffer.from(numbers[random.integer(numbers.length)]),
    );
  },
  'another word': (bytes, random) => {
    const found = [...startOf(bytes).matchAll(/[A-Za-z_]{2,}/g)];
    if (found.length === 0) return mutations['a bit'](bytes, random);
    const { index, 0: text } = found[random.integer(found.length)];
    return replaced(bytes, index, text.length, Buffer.from(words[random.integer(words.length)]));
  },
  'a value of JSON replaced': (bytes, random) => {
    const found = [...startOf(bytes).matchAll(/"[^"\n]*"(?=\s*[,}\]])|\[|\{/g)];
    if (found.length === 0) return mutations['a piece twice'](bytes, random);
    const { index, 0: text } = found[random.integer(found.length)];
    const depth = 1 + random.integer(30_000);
    const values = ['null', '[]', '{}', 'true', `${'['.repeat(depth)}${']'.repeat(depth)}`];
    return replaced(bytes, index, text.length, Buffer.from(values[random.integer(values.length)]));
  },
  'a line repeated': (bytes, random) => {
    const at = place(bytes, random);
    const line = bytes.subarray(at, at + 200);
    const end = line.indexOf(10);
    const piece = end < 0 ? line : line.subarray(0, end + 1);
    const many = Buffer.concat(Array(1 + random.integer(3000)).fill(piece));
    return replaced(bytes, at, 0, many);
  },
};
const names = Object.keys(mutations);

/** Headers are where it hurts: half of all places are there. */
const place = (bytes, random) =>
  random.integer(Math.max(1, random.integer(2) ? bytes.length : Math.min(bytes.length, 600)));

const startOf = (bytes) => bytes.subarray(0, 20_000).toString('latin1');

export function mutantOf(bytes, random) {
  const what = names[random.integer(names.length)];
  return { what, bytes: mutations[what](bytes, random) };
}
