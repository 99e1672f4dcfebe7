import { DawsonError } from './errors.js';

/** The oldest version of Node.js that Dawson runs on; package.json names the same. */
const oldest = [20, 20] as const;

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  throw new DawsonError('missing-on-machine', {
    expected: `Node.js ${oldest.join('.')} or newer`,
    found: `Node.js ${process.versions.node}`,
    advice: 'Install a newer Node.js: https://nodejs.org.',
  });
}
