/** Prints what a bundle weighs for the ways in which the packages are used: minified, and gzipped as a browser gets it. */

import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');

const bundles: readonly (readonly [name: string, source: string])[] = [
  ['one message', "export { MetadataRequest } from '@kiel/codec';"],
  ['what a producer needs of the codec', producerMessages()],
  ['all messages', "export * from '@kiel/codec/apis';"],
  ['the whole main entry', "export * from '@kiel/codec';"],
  ['internal topics', "export * from '@kiel/codec/internal-topics';"],
  ['the producer, xstate included', "export { createProducer } from '@kiel/producer';"],
];

function producerMessages(): string {
  const apis = ['ApiVersions', 'Metadata', 'Produce', 'InitProducerId', 'SaslHandshake', 'SaslAuthenticate'];
  const names = apis.flatMap((api) => [`${api}Request`, `${api}Response`]);
  return `export { ${names.join(', ')}, FrameDecoder, encodeRequestChunks, decodeResponseAs, RecordBatchBuilder } from '@kiel/codec';`;
}

for (const [name, contents] of bundles) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(root, 'packages/producer'), loader: 'ts' },
    bundle: true,
    platform: contents.includes('@kiel/producer') ? 'node' : 'browser',
    write: false,
    minify: true,
    format: 'esm',
    conditions: ['@kiel/source'],
  });
  const bytes = outputFiles[0]!.contents;
  console.log(`${name.padEnd(36)} ${kilobytes(bytes.length)} kB, gzipped ${kilobytes(gzipSync(bytes).length)} kB`);
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1).padStart(7);
}
