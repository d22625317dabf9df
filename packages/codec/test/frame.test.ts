import { type CodecError, FrameDecoder } from '@kiel/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

function frameOf(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(payload.length + 4);
  new DataView(frame.buffer).setInt32(0, payload.length);
  frame.set(payload, 4);
  return frame;
}

function errorOf(attempt: () => unknown): CodecError {
  try {
    attempt();
  } catch (error) {
    return error as CodecError;
  }
  throw new Error('no error');
}

describe('a frame decoder', () => {
  test('gives the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 4, maxLength: 40 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 200 }),
        (payloads, cuts) => {
          const stream = Buffer.concat(payloads.map(frameOf));
          const decoder = new FrameDecoder();
          const frames: Uint8Array[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = at + cuts[i % cuts.length]!;
            frames.push(...decoder.push(stream.subarray(at, end)));
            at = end;
          }
          decoder.end();
          expect(frames.map((frame) => [...frame])).toEqual(payloads.map((payload) => [...payload]));
        },
      ),
    );
  });

  test('gives a frame that lies in one chunk without a copy', () => {
    const chunk = frameOf(Uint8Array.of(1, 2, 3, 4));
    expect(new FrameDecoder().push(chunk)[0]?.buffer).toBe(chunk.buffer);
  });

  test('takes a big frame in many small chunks', () => {
    const decoder = new FrameDecoder();
    const size = 8 * 1024 * 1024;
    decoder.push(frameOf(new Uint8Array(size)).subarray(0, 4));
    const kilobyte = new Uint8Array(1024);
    for (let i = 0; i < size / 1024 - 1; i++) decoder.push(kilobyte);
    expect(decoder.pendingBytes).toBe(size - 1024);
    expect(decoder.push(kilobyte)[0]).toHaveLength(size);
  });

  test('says when the stream ends inside a frame', () => {
    const decoder = new FrameDecoder();
    decoder.push(Uint8Array.of(0, 0, 0, 9, 1));
    expect(errorOf(() => decoder.end())).toMatchObject({ code: 'TRUNCATED', offset: 5 });
    const between = new FrameDecoder();
    between.push(frameOf(new Uint8Array(4)));
    expect(() => between.end()).not.toThrow();
  });

  test('a chunk that is no bytes is refused by its type, and the stream goes on', () => {
    const decoder = new FrameDecoder();
    for (const wrong of ['abcd', undefined, null, [0, 0, 0, 4], new ArrayBuffer(4)]) {
      expect(errorOf(() => decoder.push(wrong as never))).toMatchObject({ name: 'CodecError', code: 'WRONG_TYPE' });
    }
    expect(decoder.push(frameOf(new Uint8Array(4)))).toHaveLength(1);
  });

  describe('C13: a size that no frame has', () => {
    test.each([
      ['a TLS alert', [0x15, 3, 3, 0], /TLS/],
      ['a TLS hello', [0x16, 3, 1, 2], /TLS/],
      ['an HTTP answer', [...Buffer.from('HTTP')], /HTTP/],
      ['an HTTP request', [...Buffer.from('GET ')], /HTTP/],
      ['text', [...Buffer.from('-ERR')], /text "-ERR"/],
      ['a negative size', [0x80, 0, 0, 0], /-2147483648 bytes/],
      ['no bytes at all', [0, 0, 0, 0], /0 bytes, and the least is 4/],
      ['too few bytes for a correlation id', [0, 0, 0, 3], /3 bytes/],
      ['more than the limit', [0x7f, 255, 255, 255], /limit is 134217728/],
    ])('%s is refused with a hint and nothing allocated for it', (_name, bytes, hint) => {
      const error = errorOf(() => new FrameDecoder().push(Uint8Array.from([...bytes, 1, 2, 3])));
      expect(error.code).toBe('FRAME_SIZE');
      expect(error.message).toMatch(hint);
    });

    test('the stream stays out of step for good', () => {
      const decoder = new FrameDecoder();
      const first = errorOf(() => decoder.push(Uint8Array.of(0x80, 0, 0, 0)));
      expect(errorOf(() => decoder.push(frameOf(new Uint8Array(4))))).toBe(first);
      expect(errorOf(() => decoder.end())).toBe(first);
    });

    test('does not take the whole frames before it along', () => {
      const decoder = new FrameDecoder();
      const chunk = Buffer.concat([frameOf(Uint8Array.of(1, 2, 3, 4)), Uint8Array.of(0x80, 0, 0, 0)]);
      expect(decoder.push(chunk)).toEqual([Buffer.of(1, 2, 3, 4)]);
      expect(decoder.failure).toMatchObject({ code: 'FRAME_SIZE', offset: 8 });
      expect(errorOf(() => decoder.push(Uint8Array.of(0)))).toBe(decoder.failure);
    });

    test('a size cut into 1 and 3 bytes is read right', () => {
      const decoder = new FrameDecoder();
      const frame = frameOf(Uint8Array.of(1, 2, 3, 4, 5));
      expect(decoder.push(frame.subarray(0, 1))).toEqual([]);
      expect(decoder.push(frame.subarray(1))).toEqual([Uint8Array.of(1, 2, 3, 4, 5)]);
    });

    test('the limit itself is a legal size, and one more is not', () => {
      expect(new FrameDecoder({ maxFrameBytes: 1039 }).push(frameOf(new Uint8Array(1039)))).toHaveLength(1);
      expect(errorOf(() => new FrameDecoder({ maxFrameBytes: 1039 }).push(frameOf(new Uint8Array(1040)))).code).toBe(
        'FRAME_SIZE',
      );
    });
  });
});
