/**
 * Writes protocol buffers, as much of them as telemetry needs: length-delimited fields, doubles, fixed 64-bit integers
 * and small varints. Fields come in the order in which they are written.
 */
export class ProtobufWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** A view of what was written so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** A number from 0 to 2^31-1: an enum, a bool as 0 or 1. */
  varint(field: number, value: number): void {
    this.#tag(field, 0);
    this.#uint32(value);
  }

  fixed64(field: number, value: bigint): void {
    this.#tag(field, 1);
    this.#reserve(8);
    this.#view.setBigUint64(this.#at, value, true);
    this.#at += 8;
  }

  double(field: number, value: number): void {
    this.#tag(field, 1);
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  string(field: number, value: string): void {
    this.#delimited(field, Buffer.from(value, 'utf8'));
  }

  message(field: number, write: (writer: ProtobufWriter) => void): void {
    const inner = new ProtobufWriter();
    write(inner);
    this.#delimited(field, inner.bytes);
  }

  #delimited(field: number, bytes: Uint8Array): void {
    this.#tag(field, 2);
    this.#uint32(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #tag(field: number, wireType: number): void {
    this.#uint32((field << 3) | wireType);
  }

  #uint32(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + size));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
