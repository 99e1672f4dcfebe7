import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Workers and the command run compiled code: it is that of the source of this moment. */
export default function setup(): void {
  const script = fileURLToPath(new URL('../../scripts/ready.js', import.meta.url));
  execFileSync(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit'] });
}
