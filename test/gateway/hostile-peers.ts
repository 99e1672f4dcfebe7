import { connect } from 'node:net';
import { type Random, seededRandom } from '../../src/volume/random.js';

/** A PDU of PS3.8, 9.3. */
function pdu(type: number, body: Buffer, length = body.length): Buffer {
  const head = Buffer.from([type, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 2);
  return Buffer.concat([head, body]);
}

function item(type: number, body: Buffer): Buffer {
  const head = Buffer.from([type, 0, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

const mrImage = '1.2.840.10008.5.1.4.1.1.4';

/** A request to associate, for MR images in Implicit VR Little Endian. */
function associate(called = 'DAWSON', calling = 'STORESCU'): Buffer {
  const context = Buffer.concat([
    Buffer.from([1, 0, 0, 0]),
    item(0x30, Buffer.from(mrImage)),
    item(0x40, Buffer.from('1.2.840.10008.1.2')),
  ]);
  const longest = Buffer.from([0, 0, 0x40, 0]);
  return pdu(
    1,
    Buffer.concat([
      Buffer.from([0, 1, 0, 0]),
      Buffer.from(called.padEnd(16) + calling.padEnd(16)),
      Buffer.alloc(32),
      item(0x10, Buffer.from('1.2.840.10008.3.1.1.1')),
      item(0x20, context),
      item(0x50, item(0x51, longest)),
    ]),
  );
}

const data = (flags: number, body: Buffer) => {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(body.length + 2, 0);
  head[4] = 1;
  head[5] = flags;
  return pdu(4, Buffer.concat([head, body]));
};

/** A C-STORE-RQ (PS3.7, 9.3.1.1). */
function storeCommand(): Buffer {
  const element = (number: number, body: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(number, 2);
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body]);
  };
  const short = (value: number) => Buffer.from([value & 255, value >> 8]);
  const text = (value: string) => Buffer.from(value.length % 2 ? `${value}\0` : value);
  const rest = Buffer.concat([
    element(0x0002, text(mrImage)),
    element(0x0100, short(1)),
    element(0x0110, short(7)),
    element(0x0700, short(0)),
    element(0x0800, short(1)),
    element(0x1000, text('1.2.3.1.1')),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(rest.length);
  return Buffer.concat([element(0, length), rest]);
}

/** Connections that a peer should not make, each with a random part. */
const hostile: Readonly<Record<string, (random: Random) => Buffer>> = {
  noise: (random) => Buffer.from(Array.from({ length: 200 }, () => random.integer(256))),
  'an HTTP request': () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  'a PDU of 4 GiB': () => pdu(1, Buffer.alloc(1000), 0xffff_fff0),
  'data without an association': () => data(3, storeCommand()),
  'a cut request to associate': (random) => {
    const whole = associate();
    return whole.subarray(0, random.integer(whole.length));
  },
  'a changed request to associate': (random) => {
    const changed = Buffer.from(associate());
    for (let change = 0; change < 5; change++) {
      changed[6 + random.integer(changed.length - 6)] = random.integer(256);
    }
    return changed;
  },
  'two requests to associate': () => Buffer.concat([associate(), associate()]),
  'a command that lies': (random) => {
    const command = storeCommand();
    command[random.integer(command.length)] ^= 1 << random.integer(8);
    return Buffer.concat([associate(), data(3, command), data(2, Buffer.alloc(100, 8))]);
  },
  'a data set of noise': (random) => {
    const noise = Buffer.from(Array.from({ length: 500 }, () => random.integer(256)));
    return Buffer.concat([associate(), data(3, storeCommand()), data(2, noise)]);
  },
  'a data set that ends in the middle': () =>
    Buffer.concat([associate(), data(3, storeCommand()), data(0, Buffer.alloc(500))]),
  'data in two pieces of one PDU, and more behind its end': () =>
    Buffer.concat([
      ...[
        associate(),
        data(3, storeCommand()),
        data(2, Buffer.alloc(10)),
        data(2, Buffer.alloc(10)),
      ],
      ...[data(3, storeCommand()), data(3, storeCommand())],
    ]),
  'a fragment that is longer than its PDU': () => {
    const broken = data(3, storeCommand());
    broken.writeUInt32BE(60_000, 6);
    return Buffer.concat([associate(), broken]);
  },
};

/** Makes `count` connections of all kinds, twelve at a time. */
export async function attack(port: number, count: number): Promise<void> {
  const random = seededRandom(5);
  const kinds = Object.values(hostile);
  for (let at = 0; at < count; at += 12) {
    await Promise.all(
      Array.from({ length: 12 }, (_, one) =>
        connection(port, kinds[(at + one) % kinds.length](random), 20 + random.integer(60)),
      ),
    );
  }
}

/** Sends bytes, and ends the connection after a moment. */
function connection(port: number, bytes: Buffer, lastsMs: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes);
      setTimeout(() => socket.destroy(), lastsMs);
    });
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => resolve());
  });
}
