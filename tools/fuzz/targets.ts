import {
  CodecError,
  createLz4,
  createSnappy,
  FrameDecoder,
  type Message,
  RecordBatchBuilder,
  readBatches,
  readRecords,
} from '@kiel/codec';
import { decodeRequest, decodeResponse, messages } from '@kiel/codec/apis';
import { nodeCompressions } from '@kiel/codec/node';

/** Something that takes bytes from strangers. */
export interface Target {
  readonly name: string;
  /** What an outcome is like: inputs that bring a new kind are kept and bred from. Throws only CodecError. */
  run(bytes: Uint8Array): string;
  readonly seeds: readonly Uint8Array[];
}

const anyMessage = messages as readonly Message<unknown, unknown>[];

/** Every target: the messages (one input's first two bytes choose which), frames, records, compressions. */
export function targets(): Target[] {
  return [messageTarget(), requestTarget(), responseTarget(), frameTarget(), recordsTarget(), ...compressionTargets()];
}

/** A value that was read must be writable, and read again as the same. */
function assertStable(message: Message<unknown, unknown>, version: number, value: unknown): void {
  const again = message.decode(message.encode(value, version), version);
  const before = JSON.stringify(value, plain);
  const after = JSON.stringify(again, plain);
  if (before !== after) throw new Error(`${message.name} v${version} reads back differently:\n${before}\n${after}`);
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && Number.isNaN(value)) return 'NaN';
  if (Object.is(value, -0)) return '-0';
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')
    : value;
}

const withoutIndexes = (path: string): string => path.replace(/\d+/g, '');

function outcomeOf(error: unknown): string {
  if (!(error instanceof CodecError)) throw error;
  return `${error.code} ${error.messageName ?? ''} ${withoutIndexes(error.path)}`;
}

function messageTarget(): Target {
  const seeds: Uint8Array[] = [];
  for (const [index, message] of anyMessage.entries()) {
    for (let version = message.minVersion; version <= message.maxVersion; version++) {
      const head = Uint8Array.of(index >> 8, index & 255, version);
      // Zeros read as empty arrays, empty strings and no tags in most messages
      seeds.push(Uint8Array.of(...head, ...new Uint8Array(64)), Uint8Array.of(...head, ...new Uint8Array(200).fill(1)));
    }
  }
  return {
    name: 'message',
    seeds,
    run(bytes) {
      if (bytes.length < 3) return 'short';
      const message = anyMessage[((bytes[0]! << 8) | bytes[1]!) % anyMessage.length]!;
      const versions = message.maxVersion - message.minVersion + 1;
      const version = message.minVersion + (bytes[2]! % versions);
      try {
        const value = message.decode(bytes.subarray(3), version);
        assertStable(message, version, value);
        return `value ${message.name} ${version}`;
      } catch (error) {
        return `${outcomeOf(error)} ${version}`;
      }
    },
  };
}

function requestTarget(): Target {
  return {
    name: 'request',
    seeds: [
      Uint8Array.of(0, 18, 0, 3, 0, 0, 0, 1, 0, 1, 97, 0, 2, 97, 2, 98, 0),
      Uint8Array.of(0, 3, 0, 9, 0, 0, 0, 1, 255, 255, 0, 0, 0, 0, 0),
    ],
    run(bytes) {
      try {
        const { apiKey, apiVersion } = decodeRequest(bytes);
        return `value ${apiKey} ${apiVersion}`;
      } catch (error) {
        return outcomeOf(error);
      }
    },
  };
}

function responseTarget(): Target {
  return {
    name: 'response',
    seeds: [new Uint8Array(64), Uint8Array.of(3, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)],
    run(bytes) {
      if (bytes.length < 2) return 'short';
      try {
        decodeResponse(bytes.subarray(2), { apiKey: bytes[0]! % 95, version: bytes[1]! % 20 });
        return `value ${bytes[0]} ${bytes[1]}`;
      } catch (error) {
        return outcomeOf(error);
      }
    },
  };
}

function frameTarget(): Target {
  return {
    name: 'frame',
    seeds: [Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 5, 1, 2, 3, 4, 5), Uint8Array.of(22, 3, 1, 2, 0, 1)],
    run(bytes) {
      const whole = cutStream(bytes, Math.max(1, bytes.length));
      const pieces = cutStream(bytes, 1 + (bytes.length % 7));
      if (Buffer.concat(whole.frames).compare(Buffer.concat(pieces.frames)) !== 0) {
        throw new Error('chunking changed the frames');
      }
      if (whole.failure?.message !== pieces.failure?.message) throw new Error('chunking changed the error');
      if (whole.failure !== null) return outcomeOf(whole.failure);
      return `${Math.min(whole.frames.length, 5)} frames, ${whole.pendingBytes > 0 ? 'rest' : 'even'}`;
    },
  };
}

/** What a decoder makes of a stream in chunks of one size, up to the error that ends it. */
function cutStream(
  bytes: Uint8Array,
  step: number,
): { frames: Uint8Array[]; failure: CodecError | null; pendingBytes: number } {
  const decoder = new FrameDecoder();
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length && decoder.failure === null; at += step) {
    try {
      frames.push(...decoder.push(bytes.subarray(at, at + step)));
    } catch (error) {
      if (error !== decoder.failure) throw error;
    }
  }
  return { frames, failure: decoder.failure, pendingBytes: decoder.pendingBytes };
}

const text = new TextEncoder();

function sampleBatch(records: number): Uint8Array {
  const builder = new RecordBatchBuilder({ limitBytes: 65_536 });
  for (let i = 0; i < records; i++) {
    builder.tryAppend(
      1_700_000_000_000 + i,
      i % 3 === 0 ? null : text.encode(`key ${i}`),
      text.encode('value '.repeat(i)),
    );
  }
  return builder.seal({ producerId: 5n, producerEpoch: 1, baseSequence: 0 }).slice();
}

function recordsTarget(): Target {
  return {
    name: 'records',
    seeds: [sampleBatch(1), sampleBatch(9), Buffer.concat([sampleBatch(2), sampleBatch(3)])],
    run(bytes) {
      // With checksums off the damage gets deep; with them on, both must agree that sound batches are sound
      const options = { checkCrcs: false, compressions: nodeCompressions, maxDecompressedBytes: 1 << 20 };
      let shape = '';
      try {
        for (const batch of readBatches(bytes, options)) {
          shape = `${batch.magic} ${batch.compression} ${batch.isControl}`;
        }
        let records = 0;
        for (const record of readRecords(bytes, options)) {
          if (typeof record.offset !== 'bigint') throw new Error('an offset that is no bigint');
          records++;
        }
        shape += ` ${Math.min(records, 4)}`;
      } catch (error) {
        return `${shape} ${outcomeOf(error)}`;
      }
      return `value ${shape}`;
    },
  };
}

function compressionTargets(): Target[] {
  const sample = text.encode('to be packed, and packed again '.repeat(20));
  const codecs = { ...nodeCompressions, snappy: createSnappy(), lz4: createLz4() };
  return Object.entries(codecs).map(([name, codec]) => ({
    name,
    seeds: [
      codec.compress(sample).slice(),
      codec.compress(sample.subarray(0, 5)).slice(),
      codec.compress(new Uint8Array(0)).slice(),
    ],
    run(bytes: Uint8Array): string {
      const maxBytes = 1 << 16;
      try {
        const out = codec.decompress(bytes, maxBytes);
        if (out.length > maxBytes) throw new Error(`${out.length} bytes came out, over the cap of ${maxBytes}`);
        return `value ${Math.ceil(Math.log2(out.length + 1))}`;
      } catch (error) {
        return outcomeOf(error);
      }
    },
  }));
}
