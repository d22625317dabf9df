#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(`kiel needs Node 22.15 or newer; this is ${process.version}.\n`);
  process.exitCode = 2;
} else {
  await import('../dist/main.js');
}
