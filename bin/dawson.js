#!/usr/bin/env node
// Imports one by one, so that an older Node.js is told so before it meets what it does not know.
try {
  await import('../dist/require-node.js');
} catch (error) {
  console.error(`${error.title}.\n  ${error.message}\n  ${error.advice}`);
  process.exit(error.exitCode);
}
const { main } = await import('../dist/cli/main.js');
await main(process.argv);
