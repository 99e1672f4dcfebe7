// Carries connections between a network namespace and the one around it, by sockets in the file system:
//   node relay.mjs FROM TO [FROM TO ...]     each a port of 127.0.0.1 or the path of a socket
import { connect, createServer } from 'node:net';

const place = (text) =>
  /^\d+$/.test(text) ? { port: Number(text), host: '127.0.0.1' } : { path: text };

export function relay(from, to) {
  const server = createServer((near) => {
    const far = connect(place(to));
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      socket.setNoDelay?.(true);
      socket.on('error', () => {});
      // What is still on its way to the other side gets there.
      socket.on('close', () => (socket === near ? far : near).destroySoon());
    }
  });
  server.on('error', (error) => {
    throw error;
  });
  server.listen(place(from));
  return server;
}

if (process.argv[1].endsWith('relay.mjs')) {
  for (let at = 2; at < process.argv.length; at += 2) relay(process.argv[at], process.argv[at + 1]);
}
