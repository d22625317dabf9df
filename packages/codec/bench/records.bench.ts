import { RecordBatchBuilder, readBatches, readRecords } from '@kiel/codec';
import { createWasmCodecs } from '@kiel/codec/wasm';
import { bench, do_not_optimize, group, run, summary } from 'mitata';
import { KafkajsDecoder, kafkajsBatch, kafkajsDecode, kafkajsRecord, platformatic } from './peers.ts';

/** Building and reading a batch of 10,000 records of 100 B: divide a figure by 10,000 for one record. */
const count = 10_000;
const value = Buffer.alloc(100, 'x');
const text = value.toString('latin1');
const key = 'customer-12345';
const now = 1_700_000_000_000;
const limitBytes = 4 << 20;
const buffer = new Uint8Array(limitBytes);
const checksum = createWasmCodecs()?.crc32c;

function build(seal: boolean, key: string | null, value: Uint8Array | string): Uint8Array {
  const builder = new RecordBatchBuilder({ limitBytes, buffer, ...(checksum && { checksum }) });
  for (let i = 0; i < count; i++) builder.tryAppend(now + i, key, value);
  return seal ? builder.seal() : builder.body();
}

const messages = Array.from({ length: count }, (_, i) => ({ value, topic: 't', timestamp: BigInt(now + i) }));
const sequences = { getWithDefault: (_: string, fallback: number) => fallback, postIncrement: () => 0 };
const platformaticOptions = { compression: 'none', producerId: 1n, producerEpoch: 0, sequences };

function buildKafkajs() {
  const records = [];
  for (let i = 0; i < count; i++) {
    records.push(kafkajsRecord({ offsetDelta: i, timestampDelta: i, key: null, value, headers: {} }));
  }
  return kafkajsBatch({ firstTimestamp: now, maxTimestamp: now + count, lastOffsetDelta: count - 1, records });
}

const batch = build(true, null, value).slice();

function iterateCursor(options: object): number {
  let sum = 0;
  for (const one of readBatches(batch, options)) {
    const cursor = one.cursor();
    while (cursor.next()) sum += cursor.valueLength;
  }
  return sum;
}

summary(() => {
  group('build a batch of 10,000 x 100 B', () => {
    bench('kiel, bytes, sealed', () => do_not_optimize(build(true, null, value))).baseline(true);
    bench('kiel, bytes, appended only', () => do_not_optimize(build(false, null, value)));
    bench('kiel, text, sealed', () => do_not_optimize(build(true, null, text)));
    bench('kiel, text and key of text, sealed', () => do_not_optimize(build(true, key, text)));
    bench('@platformatic/kafka', () => do_not_optimize(platformatic.createRecordsBatch(messages, platformaticOptions)));
    bench('kafkajs', async () => do_not_optimize(await buildKafkajs()));
  });
});

summary(() => {
  group('read a batch of 10,000 x 100 B', () => {
    bench('kiel, cursor', () => do_not_optimize(iterateCursor({ ...(checksum && { crc32c: checksum }) }))).baseline(
      true,
    );
    bench('kiel, cursor, checksum not looked at', () => do_not_optimize(iterateCursor({ checkCrcs: false })));
    bench('kiel, objects', () => {
      let sum = 0;
      for (const record of readRecords(batch, { ...(checksum && { crc32c: checksum }) })) sum += record.value!.length;
      do_not_optimize(sum);
    });
    bench('@platformatic/kafka (checks no checksum)', () =>
      do_not_optimize(platformatic.readRecordsBatch(platformatic.Reader.from(Buffer.from(batch.buffer)))),
    );
    bench('kafkajs (checks no checksum)', async () =>
      do_not_optimize(await kafkajsDecode(new KafkajsDecoder(Buffer.from(batch.buffer)))),
    );
  });
});

await run();
