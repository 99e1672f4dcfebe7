// `npm run bench -- NAME [arguments]` runs bench/NAME.js; without a name it lists what there is.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.js') && file !== 'run.js')
  .map((file) => file.slice(0, -3));
const name = process.argv[2];
if (!name || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [arguments]\nNAME: ${names.join(', ')}`);
  process.exit(2);
}
process.argv.splice(2, 1);
await import(new URL(`${name}.js`, import.meta.url));
