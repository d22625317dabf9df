import { CodecError, describeValue } from '../errors.ts';
import { noTaggedFields, type TaggedField } from './tagged-field.ts';
import { getLenientUtf8, getUtf8 } from './utf8.ts';
import { getUuid } from './uuid.ts';
import { unzigzag32 } from './varint.ts';

/** What a reader admits. Counts are checked before anything is made, so these bound memory, not only values. */
export interface ReadLimits {
  /** Elements of one array; 1,000,000 as in Kafka 4.4. */
  readonly maxArrayLength: number;
  /** Tagged fields of one struct; 10,000 as in Kafka 4.4. */
  readonly maxTaggedFields: number;
  /**
   * What to do with text that is not UTF-8: refuse it, or do as Java's classes and read U+FFFD for every malformed
   * sequence, which loses the original.
   */
  readonly malformedUtf8: 'error' | 'replace';
}

/** The limits of a Reader that is given none: Kafka 4.4's own. */
export const defaultReadLimits: ReadLimits = /* @__PURE__ */ Object.freeze({
  maxArrayLength: 1_000_000,
  maxTaggedFields: 10_000,
  malformedUtf8: 'error' as const,
});

/** Java's classes refuse longer text in every version, compact or not. */
const maxStringBytes = 0x7fff;

/**
 * Big-endian input over somebody's bytes, from `pos` to `end`, one method a wire type, every read checked against
 * the end. Byte fields are views of the input: copy them to keep them longer than it.
 */
export class Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  pos: number;
  end: number;
  readonly limits: ReadLimits;

  constructor(bytes: Uint8Array, pos = 0, end: number = bytes?.length, limits: ReadLimits = defaultReadLimits) {
    if (!(bytes instanceof Uint8Array)) {
      throw new CodecError('WRONG_TYPE', `bytes to read must be a Uint8Array, not ${describeValue(bytes)}`);
    }
    if (!(pos >= 0 && pos <= end && end <= bytes.length)) {
      throw new CodecError('OUT_OF_RANGE', `cannot read from ${pos} to ${end} of ${bytes.length} bytes`);
    }
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = pos;
    this.end = end;
    this.limits = limits;
  }

  get remaining(): number {
    return this.end - this.pos;
  }

  int8(): number {
    return this.view.getInt8(this.take(1));
  }

  int16(): number {
    return this.view.getInt16(this.take(2));
  }

  int32(): number {
    return this.view.getInt32(this.take(4));
  }

  uint8(): number {
    return this.bytes[this.take(1)]!;
  }

  uint16(): number {
    return this.view.getUint16(this.take(2));
  }

  uint32(): number {
    return this.view.getUint32(this.take(4));
  }

  int64(): bigint {
    return this.view.getBigInt64(this.take(8));
  }

  /** An int64 as a number: exact up to 2^53 - 1 either way, rounded beyond. */
  int64Number(): number {
    const at = this.take(8);
    return this.view.getInt32(at) * 0x100000000 + this.view.getUint32(at + 4);
  }

  float64(): number {
    return this.view.getFloat64(this.take(8));
  }

  /** As in Java, any byte but zero is true. */
  bool(): boolean {
    return this.bytes[this.take(1)] !== 0;
  }

  uuid(): string {
    return getUuid(this.bytes, this.take(16));
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(): number {
    const first = this.bytes[this.take(1)]!;
    return first < 0x80 ? first : this.#longUvarint(first);
  }

  #longUvarint(first: number): number {
    const start = this.pos - 1;
    let value = first & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.bytes[this.take(1)]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.bytes[this.take(1)]!;
    if (last > 0x0f) throw new CodecError('MALFORMED_VARINT', 'a varint of more than 32 bits', { offset: start });
    return (value | (last << 28)) >>> 0;
  }

  /** A zigzag varint of 32 bits. */
  varint(): number {
    return unzigzag32(this.uvarint()) | 0;
  }

  /** A zigzag varint of 64 bits. */
  varlong(): bigint {
    const start = this.pos;
    let value = 0n;
    for (let shift = 0n; shift < 63n; shift += 7n) {
      const byte = this.bytes[this.take(1)]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
    }
    const last = this.bytes[this.take(1)]!;
    if (last > 1) throw new CodecError('MALFORMED_VARINT', 'a varint of more than 64 bits', { offset: start });
    value |= BigInt(last) << 63n;
    return (value >> 1n) ^ -(value & 1n);
  }

  string(): string {
    const start = this.pos;
    const length = this.int16();
    if (length < 0) throw unexpectedNull(start);
    return this.#text(length, start);
  }

  nullableString(): string | null {
    const start = this.pos;
    const length = this.int16();
    if (length < 0) return null;
    return this.#text(length, start);
  }

  compactString(): string {
    const start = this.pos;
    const length = this.uvarint() - 1;
    if (length < 0) throw unexpectedNull(start);
    return this.#text(length, start);
  }

  compactNullableString(): string | null {
    const start = this.pos;
    const length = this.uvarint() - 1;
    if (length < 0) return null;
    return this.#text(length, start);
  }

  #text(length: number, start: number): string {
    if (length > maxStringBytes) {
      throw new CodecError('INVALID_LENGTH', `text of ${length} bytes, and Kafka allows ${maxStringBytes}`, {
        offset: start,
      });
    }
    const at = this.take(length);
    return this.limits.malformedUtf8 === 'error'
      ? getUtf8(this.bytes, at, this.pos)
      : getLenientUtf8(this.bytes, at, this.pos);
  }

  /** An int32 length and that many bytes, as a view. */
  byteArray(): Uint8Array {
    const start = this.pos;
    const length = this.int32();
    if (length < 0) throw unexpectedNull(start);
    return this.raw(length);
  }

  nullableByteArray(): Uint8Array | null {
    const length = this.int32();
    return length < 0 ? null : this.raw(length);
  }

  compactByteArray(): Uint8Array {
    const start = this.pos;
    const length = this.uvarint() - 1;
    if (length < 0) throw unexpectedNull(start);
    return this.raw(length);
  }

  compactNullableByteArray(): Uint8Array | null {
    const length = this.uvarint() - 1;
    return length < 0 ? null : this.raw(length);
  }

  /** The next `length` bytes, as a view. */
  raw(length: number): Uint8Array {
    if (length < 0) throw new CodecError('INVALID_LENGTH', `a length of ${length}`, { offset: this.pos });
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** @param elementSize - the fewest bytes one element takes: a count that the rest cannot hold is refused. */
  arrayLength(elementSize: number): number {
    const start = this.pos;
    const length = this.int32();
    if (length < 0) throw unexpectedNull(start);
    return this.#checkCount(length, elementSize, start);
  }

  /** -1 for null. */
  nullableArrayLength(elementSize: number): number {
    const start = this.pos;
    const length = this.int32();
    return length < 0 ? -1 : this.#checkCount(length, elementSize, start);
  }

  compactArrayLength(elementSize: number): number {
    const start = this.pos;
    const length = this.uvarint() - 1;
    if (length < 0) throw unexpectedNull(start);
    return this.#checkCount(length, elementSize, start);
  }

  /** -1 for null. */
  compactNullableArrayLength(elementSize: number): number {
    const start = this.pos;
    const length = this.uvarint() - 1;
    return length < 0 ? -1 : this.#checkCount(length, elementSize, start);
  }

  #checkCount(length: number, elementSize: number, start: number): number {
    if (length * elementSize > this.end - this.pos) {
      throw new CodecError('TRUNCATED', `${length} elements announced, and only ${this.remaining} bytes left`, {
        offset: start,
      });
    }
    if (length > this.limits.maxArrayLength) {
      throw new CodecError('LIMIT_EXCEEDED', `${length} elements, and the limit is ${this.limits.maxArrayLength}`, {
        offset: start,
      });
    }
    return length;
  }

  int32Array(): number[] {
    const start = this.pos;
    const count = this.int32();
    if (count < 0) throw unexpectedNull(start);
    return this.#int32s(count, start);
  }

  nullableInt32Array(): number[] | null {
    const start = this.pos;
    const count = this.int32();
    return count < 0 ? null : this.#int32s(count, start);
  }

  compactInt32Array(): number[] {
    const start = this.pos;
    const count = this.uvarint() - 1;
    if (count < 0) throw unexpectedNull(start);
    return this.#int32s(count, start);
  }

  compactNullableInt32Array(): number[] | null {
    const start = this.pos;
    const count = this.uvarint() - 1;
    return count < 0 ? null : this.#int32s(count, start);
  }

  /** Replicas, mostly: literals of up to three cost less than half of an array that is filled. */
  #int32s(count: number, start: number): number[] {
    const { view } = this;
    const at = this.pos;
    const end = at + count * 4;
    if (end > this.end || count > this.limits.maxArrayLength) this.#checkCount(count, 4, start);
    this.pos = end;
    switch (count) {
      case 0:
        return [];
      case 1:
        return [view.getInt32(at)];
      case 2:
        return [view.getInt32(at), view.getInt32(at + 4)];
      case 3:
        return [view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8)];
    }
    const values: number[] = new Array(count);
    for (let i = 0; i < count; i++) values[i] = view.getInt32(at + i * 4);
    return values;
  }

  /** Tagged fields of a struct whose definition has none of its own. */
  taggedFields(): readonly TaggedField[] {
    const count = this.taggedFieldCount();
    if (count === 0) return noTaggedFields;
    const fields: TaggedField[] = [];
    for (let i = 0; i < count; i++) {
      const tag = this.uvarint();
      fields.push({ tag, data: this.raw(this.uvarint()) });
    }
    return fields;
  }

  /** How many tagged fields follow; each takes two bytes at least. */
  taggedFieldCount(): number {
    const start = this.pos;
    const count = this.uvarint();
    if (count === 0) return 0;
    if (count * 2 > this.end - this.pos) {
      throw new CodecError('TRUNCATED', `${count} tagged fields announced, and only ${this.remaining} bytes left`, {
        offset: start,
      });
    }
    if (count > this.limits.maxTaggedFields) {
      throw new CodecError(
        'LIMIT_EXCEEDED',
        `${count} tagged fields, and the limit is ${this.limits.maxTaggedFields}`,
        {
          offset: start,
        },
      );
    }
    return count;
  }

  /** Reads the size of a tagged field and returns where the field must end. */
  beginTag(): number {
    const size = this.uvarint();
    if (size > this.end - this.pos) throw this.#truncated(size);
    return this.pos + size;
  }

  /** Reads a field of an unknown tag up to `end` and returns the list with it added. */
  unknownTag(fields: readonly TaggedField[], tag: number, end: number): readonly TaggedField[] {
    const field = { tag, data: this.raw(end - this.pos) };
    if (fields === noTaggedFields) return [field];
    // Begun by this method, so nobody else has it yet.
    (fields as TaggedField[]).push(field);
    return fields;
  }

  /** A known field that is shorter or longer than its size says is damage: nothing could tell what the rest means. */
  endTag(tag: number, end: number): void {
    if (this.pos !== end) {
      throw new CodecError(
        'INVALID_TAG',
        `the field of tag ${tag} ends ${Math.abs(this.pos - end)} bytes ${this.pos > end ? 'after' : 'before'} its size`,
        {
          offset: this.pos,
        },
      );
    }
  }

  /** Moves past `size` bytes and returns where they begin. */
  take(size: number): number {
    const at = this.pos;
    if (size > this.end - at) throw this.#truncated(size);
    this.pos = at + size;
    return at;
  }

  #truncated(size: number): CodecError {
    return new CodecError('TRUNCATED', `needs ${size} more bytes, and ${this.remaining} are left`, {
      offset: this.pos,
    });
  }
}

function unexpectedNull(offset: number): CodecError {
  return new CodecError('NOT_NULLABLE', 'is null, which this version does not allow', { offset });
}
