import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Compressor, createLz4, createSnappy, MessageSetBuilder, RecordBatchBuilder } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { createWasmCodecs } from '@kiel/codec/wasm';
import { newestRelease } from '../../schema/releases.ts';
import { runRecordVectors } from './java.ts';

/**
 * Lets Kafka's classes read what kiel writes, in every magic, compression and level, and compares with the records
 * that went in: `node --conditions=@kiel/source tools/golden/records/check.ts`.
 */
interface Vector {
  name: string;
  with?: {
    magic: 0 | 1 | 2;
    compression: string;
    records: { timestamp: string; key: string | null; value: string | null; headers?: [string, string | null][] }[];
  };
}

const file = join(import.meta.dirname, '../../../packages/codec/test/golden/records.ndjson.gz');
const vectors: Vector[] = gunzipSync(readFileSync(file))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));
const bytesOf = (text: string | null) => (text === null ? null : Uint8Array.from(Buffer.from(text, 'base64')));

type Name = 'gzip' | 'snappy' | 'lz4' | 'zstd';
const compressors: Record<Name, { compressor: Compressor; levels: (number | undefined)[] }[]> = {
  gzip: [{ compressor: nodeCompressions.gzip, levels: [undefined, 1, 9] }],
  snappy: [createSnappy(), createSnappy({ framing: 'raw' })].map((compressor) => ({ compressor, levels: [undefined] })),
  lz4: [{ compressor: createLz4(), levels: [undefined, 2, 5, 9, 13] }],
  zstd: [{ compressor: nodeCompressions.zstd, levels: [undefined, -5, 1, 19] }],
};
const wasm = createWasmCodecs();
if (wasm !== null) {
  compressors.snappy.push({ compressor: wasm.snappy, levels: [undefined] });
  compressors.lz4.push({ compressor: wasm.lz4, levels: [undefined] });
}

const lines: string[] = [];
const expected = new Map<string, string>();
const seen = new Set<string>();
for (const { name, with: input } of vectors) {
  if (input === undefined || seen.has(`${input.magic} ${JSON.stringify(input.records)}`)) continue;
  seen.add(`${input.magic} ${JSON.stringify(input.records)}`);
  for (const [label, bytes] of written(input)) {
    const id = `${name} as ${label}`;
    lines.push(`${id}\t${Buffer.from(bytes).toString('base64')}`);
    const records = input.records.map((record) => ({
      ...record,
      timestamp: input.magic === 0 ? '-1' : record.timestamp,
    }));
    expected.set(id, JSON.stringify(records));
  }
}

function* written(input: NonNullable<Vector['with']>): Generator<[label: string, bytes: Uint8Array]> {
  const builder = new RecordBatchBuilder({ limitBytes: 1 << 24 });
  const set = new MessageSetBuilder({ magic: input.magic === 2 ? 1 : input.magic });
  for (const record of input.records) {
    const [key, value] = [bytesOf(record.key), bytesOf(record.value)];
    const headers = (record.headers ?? []).map(([name, value]) => [name, bytesOf(value)] as const);
    if (input.magic === 2) builder.tryAppend(Number(record.timestamp), key, value, headers);
    else set.append(Number(record.timestamp), key, value);
  }
  for (const name of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    if (name === 'zstd' && input.magic !== 2) continue;
    for (const [i, { compressor, levels }] of compressors[name].entries()) {
      // Kafka reads LZ4 of magic 0 with either checksum; what it wrote itself had the old one.
      const used = input.magic === 0 && name === 'lz4' && i === 0 ? createLz4({ oldHeaderChecksum: true }) : compressor;
      for (const level of levels) {
        const label = `magic ${input.magic} ${name} ${i} level ${level ?? 'default'}`;
        if (input.magic !== 2) yield [label, set.wrapped(name as 'gzip', used, level)];
        else yield [label, builder.sealCompressed(name, used.compress(builder.body(), level))];
      }
    }
  }
  yield [`magic ${input.magic} none`, input.magic === 2 ? builder.seal() : set.entries()];
}

let failures = 0;
const answers = runRecordVectors(newestRelease, ['read'], lines.join('\n') + '\n')
  .trimEnd()
  .split('\n');
if (answers.length !== lines.length) throw new Error(`${lines.length} questions, ${answers.length} answers`);
for (const answer of answers) {
  const { name, batches, error } = JSON.parse(answer);
  const records = (batches ?? []).flatMap((batch: { records: object[] }) =>
    batch.records.map((record) => ({ ...record, offset: undefined, sequence: undefined })),
  );
  if (error === undefined && JSON.stringify(records) === expected.get(name)) continue;
  failures++;
  console.error(`${name}: ${error ?? 'Kafka reads other records'}`);
}
console.log(`Kafka's classes read ${answers.length - failures} of ${answers.length} record sets as they were written`);
if (failures > 0) process.exitCode = 1;
