import { type Compression, compressionsByCode, logAppendTimeBit } from './batch-header.ts';
import { canBeLegacyEntry, entryAt, type LegacyEntry, readLegacyEntry } from './legacy-entry.ts';
import type { ReadContext } from './read-options.ts';
import {
  CursorIterator,
  type KafkaRecord,
  type ReadHeader,
  type RecordBatch,
  type RecordCursor,
} from './record-batch.ts';
import { malformedBatch, malformedEntry } from './records-error.ts';

/** The attributes' lowest two bits are the compression; zstd, which came later, is not among them. */
const compressionMask = 7;

/** An entry of a message set of magic 0 or 1: one record, or a wrapper around compressed ones. */
export class LegacyBatch implements RecordBatch {
  readonly magic: 0 | 1;
  readonly bytes: Uint8Array;
  readonly lastOffset: bigint;
  readonly nextOffset: bigint;
  readonly compression: Compression;
  readonly timestampType: 'none' | 'createTime' | 'logAppendTime';
  readonly maxTimestamp: bigint;
  readonly crc: number;
  readonly baseTimestamp = -1n;
  readonly deleteHorizonMs = null;
  readonly partitionLeaderEpoch = -1;
  readonly producerId = -1n;
  readonly producerEpoch = -1;
  readonly baseSequence = -1;
  readonly isTransactional = false;
  readonly isControl = false;
  readonly #entry: LegacyEntry;
  readonly #context: ReadContext;

  constructor(bytes: Uint8Array, position: number, context: ReadContext) {
    const entry = readLegacyEntry(bytes, position, context);
    const compression = compressionsByCode[entry.attributes & compressionMask];
    if (compression === undefined || compression === 'zstd') {
      const problem = `magic ${entry.magic} has no compression ${entry.attributes & compressionMask}`;
      throw malformedBatch(entry.offset, problem, position + entryAt.attributes);
    }
    this.magic = entry.magic;
    this.bytes = bytes;
    this.lastOffset = entry.offset;
    this.nextOffset = entry.offset + 1n;
    this.compression = compression;
    this.timestampType =
      entry.magic === 0 ? 'none' : (entry.attributes & logAppendTimeBit) !== 0 ? 'logAppendTime' : 'createTime';
    this.maxTimestamp = entry.timestamp;
    this.crc = entry.crc;
    this.#entry = entry;
    this.#context = context;
  }

  get baseOffset(): bigint {
    if (this.compression === 'none') return this.lastOffset;
    const cursor = this.cursor();
    cursor.next();
    return cursor.offset;
  }

  get count(): number {
    if (this.compression === 'none') return 1;
    return new InnerSet(this.#inner(), this.#entry, this.#context).count;
  }

  cursor(): RecordCursor {
    const entry = this.#entry;
    if (this.compression === 'none') return new LegacyCursor(entry, null);
    return new LegacyCursor(entry, new InnerSet(this.#inner(), entry, this.#context));
  }

  [Symbol.iterator](): Iterator<KafkaRecord, undefined> {
    return new CursorIterator(this.cursor());
  }

  /** The bytes of the wrapped set. */
  #inner(): Uint8Array {
    const { value, offset } = this.#entry;
    if (value === null) throw malformedBatch(offset, 'a compressed entry has no value', entryAt.attributes);
    return this.#context.decompress(this.compression, value, offset);
  }
}

/** The decompressed entries of a wrapper, gone over once for what only the last of them tells. */
class InnerSet {
  readonly count: number;
  /** What to add to the offsets inside. */
  readonly shift: bigint;
  readonly bytes: Uint8Array;
  readonly context: ReadContext;

  constructor(bytes: Uint8Array, wrapper: LegacyEntry, context: ReadContext) {
    this.bytes = bytes;
    this.context = context;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let count = 0;
    let last = 0n;
    for (let at = 0; at < bytes.length; count++) {
      const end = endOfInnerEntry(bytes, view, at, wrapper, count);
      last = view.getBigInt64(at);
      at = end;
    }
    if (count === 0) throw malformedBatch(wrapper.offset, 'a compressed entry wraps nothing', 0);
    this.count = count;
    // Magic 1 counts from the wrapper's first record and puts the last one's offset on the wrapper (KIP-31); a
    // producer that does not assign offsets leaves 0 there, or -1 (KAFKA-5365). Magic 0 has offsets as they are.
    const isAssigned = wrapper.magic === 1 && wrapper.offset > 0n;
    this.shift = isAssigned ? wrapper.offset - last : 0n;
  }
}

function endOfInnerEntry(bytes: Uint8Array, view: DataView, at: number, wrapper: LegacyEntry, index: number): number {
  const fault = (problem: string) => malformedEntry(wrapper.offset, index, problem, at);
  if (bytes.length - at < entryAt.attributes) throw fault('the wrapped entries end within one');
  const size = view.getInt32(at + entryAt.size);
  const magic = view.getInt8(at + entryAt.magic);
  if (magic !== wrapper.magic) throw fault(`it is of magic ${magic} in a wrapper of magic ${wrapper.magic}`);
  const end = at + entryAt.crc + size;
  if (!canBeLegacyEntry(magic as 0 | 1, size) || end > bytes.length) throw fault(`it claims ${size} bytes`);
  if ((view.getInt8(at + entryAt.attributes) & compressionMask) !== 0) throw fault('it is compressed once more');
  return end;
}

class LegacyCursor implements RecordCursor {
  index = -1;
  readonly headerCount = 0;
  readonly sequence = -1;
  readonly #wrapper: LegacyEntry;
  readonly #inner: InnerSet | null;
  #entry: LegacyEntry;
  #at = 0;

  constructor(entry: LegacyEntry, inner: InnerSet | null) {
    this.#wrapper = entry;
    this.#entry = entry;
    this.#inner = inner;
  }

  next(): boolean {
    const inner = this.#inner;
    const count = inner === null ? 1 : inner.count;
    if (this.index >= count - 1) {
      this.index = count;
      return false;
    }
    this.index++;
    if (inner !== null) {
      const view = new DataView(inner.bytes.buffer, inner.bytes.byteOffset, inner.bytes.byteLength);
      const start = this.#at;
      this.#at = start + entryAt.crc + view.getInt32(start + entryAt.size);
      const bytes = inner.bytes.subarray(start, this.#at);
      this.#entry = readLegacyEntry(bytes, start, inner.context, this.#wrapper.offset, this.index);
    }
    return true;
  }

  get offset(): bigint {
    return this.#entry.offset + (this.#inner?.shift ?? 0n);
  }

  get timestamp(): bigint {
    // A broker that stamps wrappers does not touch what is inside.
    return (this.#wrapper.attributes & logAppendTimeBit) !== 0 ? this.#wrapper.timestamp : this.#entry.timestamp;
  }

  get timestampMs(): number {
    return Number(this.timestamp);
  }

  get key(): Uint8Array | null {
    return this.#entry.key;
  }

  get value(): Uint8Array | null {
    return this.#entry.value;
  }

  get keyLength(): number {
    return this.#entry.key?.length ?? -1;
  }

  get valueLength(): number {
    return this.#entry.value?.length ?? -1;
  }

  get headers(): ReadHeader[] {
    return [];
  }

  record(): KafkaRecord {
    return {
      offset: this.offset,
      timestamp: this.timestamp,
      key: this.key,
      value: this.value,
      headers: [],
      sequence: -1,
      isControl: false,
    };
  }
}
