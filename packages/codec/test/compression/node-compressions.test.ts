import { randomFillSync } from 'node:crypto';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { RecordBatchBuilder, readRecords } from '@kiel/codec';
import { createNodeCompressions, nodeCompressions } from '@kiel/codec/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withBoundedWindow, zstdFrames } from '../../src/compression/zstd-frames.ts';

const maxBytes = 1 << 26;
const { gzip, zstd } = nodeCompressions;
const encode = (text: string) => new TextEncoder().encode(text);
const concat = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
const skippable = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

/** As a stream makes it: without the size of the content. */
function streamed(content: Uint8Array): Uint8Array {
  return zstdCompressSync(content, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
}

describe('compressions of node:zlib', () => {
  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('%s gives back what it took, at every kind of size', (name) => {
    const port = nodeCompressions[name];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(30), (unit, times) => {
        const content = concat(...Array.from({ length: times }, () => unit));
        expect(Buffer.compare(port.decompress(port.compress(content), maxBytes), content)).toBe(0);
      }),
    );
  });

  test('levels reach the compressor, and the asynchronous form gives the same content', async () => {
    const content = encode(Array.from({ length: 3000 }, (_, i) => `{"id":${i},"n":${(i * i) % 977}}`).join());
    for (const [port, fast, small] of [
      [gzip, 1, 9],
      [zstd, -5, 19],
    ] as const) {
      expect(port.compress(content, small).length).toBeLessThan(port.compress(content, fast).length);
      const compressed = await port.compressAsync!(content, small);
      expect(compressed.length).toBeLessThan(port.compress(content, fast).length);
      expect(Buffer.compare(port.decompress(compressed, maxBytes), content)).toBe(0);
    }
    await expect(gzip.compressAsync!(content, 99)).rejects.toThrow(/level/);
  });

  test('gzip of several members is one content', () => {
    const members = concat(gzipSync('one '), gzipSync(''), gzipSync('two'));
    expect(gzip.decompress(members, maxBytes)).toEqual(Buffer.from('one two'));
  });

  test('C11: zstd without a content size, several frames, and skippable ones anywhere', () => {
    const [one, two] = [streamed(encode('one ')), zstdCompressSync('two')];
    expect(Buffer.from(zstd.decompress(one, maxBytes)).toString()).toBe('one ');
    for (const frames of [
      [one, two],
      [skippable, one, two],
      [one, skippable, two, skippable],
    ]) {
      expect(Buffer.from(zstd.decompress(concat(...frames), maxBytes)).toString()).toBe('one two');
    }
    expect(zstd.decompress(skippable, maxBytes)).toHaveLength(0);
  });

  test('C11: what comes out is capped while it comes out, over all frames', () => {
    const bomb = zstdCompressSync(new Uint8Array(1 << 26));
    expect(bomb.length).toBeLessThan(10_000);
    // Made before memory is looked at: their content is as large as the bound.
    const [unsizedBomb, gzipBomb] = [streamed(new Uint8Array(1 << 26)), gzipSync(new Uint8Array(1 << 26))];
    const before = process.memoryUsage().arrayBuffers;
    expect(() => zstd.decompress(bomb, 1 << 20)).toThrow(expect.objectContaining({ code: 'DECOMPRESSION_LIMIT' }));
    expect(() => zstd.decompress(unsizedBomb, 1 << 20)).toThrow(/more than 1048576 bytes/);
    expect(() => gzip.decompress(gzipBomb, 1 << 20)).toThrow(/more than 1048576 bytes/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 26);
    const small = zstdCompressSync(new Uint8Array(1000));
    expect(() => zstd.decompress(concat(small, small), 1999)).toThrow(
      expect.objectContaining({ code: 'DECOMPRESSION_LIMIT' }),
    );
    expect(zstd.decompress(concat(small, small), 2000)).toHaveLength(2000);
    expect(() => gzip.decompress(gzipSync('x'), 0)).toThrow(expect.objectContaining({ code: 'DECOMPRESSION_LIMIT' }));
  });

  test('C11: a tiny frame cannot claim the memory of a large one', () => {
    // A frame of one raw block: magic, flags, window of 128 MiB, block header, content.
    const magic = [0x28, 0xb5, 0x2f, 0xfd];
    const window = [0, 17 << 3];
    const frame = Uint8Array.from([...magic, ...window, (2 << 3) | 1, 0, 0, 0x68, 0x69]);
    const [found] = zstdFrames(frame);
    expect(found!.mostBytes).toBe(2);
    const bounded = withBoundedWindow(frame, found!);
    expect(bounded[5]! >> 3).toBe(7); // 128 KiB, the size of a block
    expect(frame[5]! >> 3).toBe(17);
    expect(Buffer.from(zstd.decompress(frame, maxBytes)).toString()).toBe('hi');

    // 64 MiB as the size of the content, which one block cannot hold.
    const claim = Uint8Array.from([...magic, 0xa0, 0, 0, 0, 4, (2 << 3) | 1, 0, 0, 0x68, 0x69]);
    expect(() => zstd.decompress(claim, maxBytes)).toThrow(/claims 67108864 bytes/);
  });

  test('C11: matches still reach back as far as a frame is long', () => {
    const noise = randomFillSync(new Uint8Array(300_000));
    const content = concat(noise, noise, noise);
    const far = streamed(content);
    expect(Buffer.compare(zstd.decompress(concat(far, far), maxBytes), concat(content, content))).toBe(0);
  });

  test.each(['gzip', 'zstd'] as const)('every cut of %s is refused, and so are bytes that are none', (name) => {
    const whole = nodeCompressions[name].compress(encode('some text, some text, some text'));
    for (let cut = 0; cut < whole.length; cut++) {
      expect(() => nodeCompressions[name].decompress(whole.subarray(0, cut), maxBytes)).toThrow(
        expect.objectContaining({ name: 'CodecError', code: 'MALFORMED_COMPRESSION' }),
      );
    }
    for (const wrong of [encode('no such thing at all'), concat(whole, encode('garbage'))]) {
      expect(() => nodeCompressions[name].decompress(wrong, maxBytes)).toThrow(
        expect.objectContaining({ code: 'MALFORMED_COMPRESSION' }),
      );
    }
  });

  test('a reader limits each batch, and all of them by their ratio to what came in', () => {
    const builder = new RecordBatchBuilder({ limitBytes: 4 << 20 });
    builder.tryAppend(1, null, new Uint8Array(3 << 20));
    const batch = builder.sealCompressed('zstd', zstd.compress(builder.body()));
    const field = concat(...Array.from({ length: 20 }, () => batch));
    const compressions = createNodeCompressions();
    const count = (options: object) => {
      let records = 0;
      for (const _ of readRecords(field, { compressions, ...options })) records++;
      return records;
    };
    const overLimit = expect.objectContaining({ code: 'DECOMPRESSION_LIMIT' });
    expect(() => count({ maxDecompressedBytes: 1 << 20 })).toThrow(overLimit);
    expect(() => count({ maxCompressionRatio: 10 })).toThrow(overLimit);
    expect(count({ maxCompressionRatio: 1e6 })).toBe(20);
  });
});

test("decompressing leaves the caller's bytes alone, a Buffer's too, whose slice() is a view", () => {
  const whole = Buffer.from(streamed(encode('in a window far larger than it needs')));
  // A window of 8 MiB, as streams are given, for a content of one block
  whole[5] = 13 << 3;
  const before = Buffer.from(whole).toString('hex');
  expect(Buffer.from(zstd.decompress(whole, maxBytes)).toString()).toBe('in a window far larger than it needs');
  expect(whole.toString('hex')).toBe(before);
});
