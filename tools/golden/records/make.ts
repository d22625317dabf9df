import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { newestRelease, olderRelease } from '../../schema/releases.ts';
import { runRecordVectors } from './java.ts';

/** Makes the committed vectors of record batches and of murmur2 again: `node tools/golden/records/make.ts [SEED]`. */
const seed = process.argv[2] ?? '20261124';
const codecTests = join(import.meta.dirname, '..', '..', '..', 'packages', 'codec', 'test');

const latest = runRecordVectors(newestRelease, ['make', seed]);
const uncompressed = (vectors: string) =>
  vectors.split('\n').filter((line) => !/gzip|snappy|lz4|zstd/.test(line.slice(0, 60)));
const older = runRecordVectors(olderRelease, ['make', seed]);
for (const [i, line] of uncompressed(older).entries()) {
  if (line !== uncompressed(latest)[i])
    console.warn(`${olderRelease} and ${newestRelease} differ: ${line.slice(0, 60)}`);
}
writeFileSync(join(codecTests, 'golden', 'records.ndjson.gz'), gzipSync(latest, { level: 9 }));
writeFileSync(join(codecTests, 'murmur2-vectors.json'), runRecordVectors(newestRelease, ['murmur2', seed]));
