import {
  CodecError,
  createLz4,
  createSnappy,
  MessageSetBuilder,
  RecordBatchBuilder,
  readBatches,
  readRecords,
} from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { createWasmCodecs } from '@kiel/codec/wasm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const encode = (text: string) => new TextEncoder().encode(text);
const concat = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
const compressions = ['gzip', 'snappy', 'lz4', 'zstd'] as const;

/** One of everything: each magic with each compression. */
const samples: [name: string, bytes: Uint8Array][] = [];
{
  const builder = new RecordBatchBuilder({ limitBytes: 10_000 });
  for (let i = 0; i < 12; i++)
    builder.tryAppend(1000 + i * 100, `key ${i % 3}`, `some value, some value ${i}`, [
      ['h', 'x'],
      ['n', null],
    ]);
  const body = builder.body().slice();
  for (const name of compressions) {
    samples.push([`2 ${name}`, builder.sealCompressed(name, nodeCompressions[name].compress(body)).slice()]);
  }
  samples.push(['2 none', builder.seal({ producerId: 5n, producerEpoch: 1, baseSequence: 9 }).slice()]);
  for (const magic of [0, 1] as const) {
    const set = new MessageSetBuilder({ magic });
    for (let i = 0; i < 12; i++) set.append(1000 + i, `key ${i % 3}`, `some value, some value ${i}`);
    samples.push([`${magic} none`, set.entries().slice()]);
    for (const name of ['gzip', 'snappy', 'lz4'] as const) {
      samples.push([`${magic} ${name}`, set.wrapped(name, nodeCompressions[name]).slice()]);
    }
  }
}

/** Takes all that is to be had from the bytes: ends in a value or in a CodecError, and how long it took is bounded. */
function exhaust(bytes: Uint8Array, checkCrcs: boolean): 'read' | 'refused' {
  try {
    const options = { compressions: nodeCompressions, checkCrcs, maxDecompressedBytes: 1 << 20 };
    for (const batch of readBatches(bytes, options)) {
      void [batch.baseOffset, batch.count, batch.nextOffset];
      for (const record of batch) void [record.offset, record.timestamp, record.headers.length];
    }
    return 'read';
  } catch (error) {
    if (error instanceof CodecError) return 'refused';
    throw error;
  }
}

describe('hostile bytes', () => {
  test.each(samples)('magic %s: every truncation keeps the whole batches and reports the rest', (_, bytes) => {
    const ends = new Map<number, number>([[0, 0]]);
    let seen = 0;
    for (const batches = readBatches(bytes, { compressions: nodeCompressions }); ; ) {
      const next = batches.next();
      if (next.done) break;
      seen += next.value.count;
      ends.set(batches.position, seen);
    }
    expect(ends.get(bytes.length)).toBe(12);
    for (let cut = 0; cut < bytes.length; cut++) {
      const records = readRecords(bytes.subarray(0, cut), { compressions: nodeCompressions });
      const read = [...records].length;
      const start = records.incomplete?.position ?? cut;
      expect([read, records.incomplete?.bytes ?? 0]).toEqual([ends.get(start), cut - start]);
    }
  });

  test.each(samples)(
    'magic %s: any flips of bytes give a value or a CodecError, checksums looked at or not',
    (_, bytes) => {
      const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      });
      fc.assert(
        fc.property(flips, (flips) => {
          const mangled = bytes.slice();
          for (const [at, mask] of flips) mangled[at]! ^= mask;
          exhaust(mangled, true);
          exhaust(mangled, false);
        }),
        { numRuns: 300 },
      );
    },
  );

  test.each(samples)('magic %s: each single byte set to 0, 0x7f, 0x80 and 0xff', (_, bytes) => {
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 0x7f, 0x80, 0xff]) {
        const mangled = bytes.slice();
        mangled[at] = value;
        exhaust(mangled, false);
      }
    }
  });

  test('any bytes at all, alone and behind a whole batch', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...samples), (noise, [, bytes]) => {
        exhaust(noise, false);
        exhaust(concat(bytes, noise), true);
        exhaust(concat(bytes.subarray(0, 61), noise), false);
      }),
      { numRuns: 500 },
    );
  });

  test('the decoders of snappy, LZ4, gzip and zstd give a value or a CodecError for any bytes', () => {
    const wasm = createWasmCodecs()!;
    const content = encode('some text, some text, some other text, some text again and again and again');
    const ports = [
      createSnappy(),
      createSnappy({ framing: 'raw' }),
      createLz4(),
      nodeCompressions.gzip,
      nodeCompressions.zstd,
      wasm.lz4,
      wasm.snappy,
    ];
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 5 });
    for (const port of ports) {
      const compressed = port.compress(content).slice();
      fc.assert(
        fc.property(flips, fc.uint8Array({ maxLength: 20 }), fc.nat(compressed.length), (flips, tail, cut) => {
          const mangled = concat(compressed.subarray(0, cut), tail);
          for (const [at, mask] of flips) if (mangled.length > 0) mangled[at % mangled.length]! ^= mask;
          try {
            expect(port.decompress(mangled, 10_000).length).toBeLessThanOrEqual(10_000);
          } catch (error) {
            if (!(error instanceof CodecError)) throw error;
          }
        }),
        { numRuns: 1000 },
      );
    }
  });

  test('claims of sizes reserve no memory: a batch of 61 bytes with 2^31-1 records, a block of 4 GiB', () => {
    const builder = new RecordBatchBuilder({ limitBytes: 1000 });
    const batch = builder.seal().slice();
    new DataView(batch.buffer).setInt32(57, 0x7fff_ffff);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => [...readRecords(batch, { checkCrcs: false })]).toThrow(/cannot hold/);
    const claim = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1);
    expect(() => createSnappy().decompress(claim, 2 ** 32)).toThrow(/cannot hold/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });
});
