// Bundles the page and serves it on loopback.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const { outputFiles } = await build({
  entryPoints: [here('page.ts')],
  bundle: true,
  minify: true,
  format: 'esm',
  write: false,
});
const files: Record<string, { type: string; content: string }> = {
  '/': { type: 'text/html', content: readFileSync(here('index.html'), 'utf8') },
  '/page.js': { type: 'text/javascript', content: outputFiles[0]!.text },
};
const server = createServer(({ url }, response) => {
  const file = files[url ?? ''];
  response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.type ?? 'text/plain' });
  response.end(file?.content ?? 'There is nothing here.');
});
server.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
