/** What runs inside the browser: the codec's main entry and its lookups, nothing of Node. */
import { crc32, crc32c, createLz4, createSnappy, readBatches } from '@kiel/codec';
import { messageByName } from '@kiel/codec/apis';

export interface MessageVector {
  readonly message: string;
  readonly version: number;
  readonly case: string;
  readonly bytes: string;
}

interface JavaRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: string | null;
  readonly value: string | null;
}

export interface RecordVector {
  readonly name: string;
  readonly bytes: string;
  readonly batches: readonly { readonly compression: string; readonly records: readonly JavaRecord[] }[];
}

export interface Finding {
  checked: number;
  wrong: string[];
}

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const toBase64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

/** Java's bytes, decoded and encoded again, are Java's bytes. */
export function checkMessages(vectors: readonly MessageVector[]): Finding {
  const finding: Finding = { checked: 0, wrong: [] };
  for (const { message, version, case: name, bytes } of vectors) {
    finding.checked++;
    try {
      const codec = messageByName(message);
      const again = toBase64(codec.encode(codec.decode(fromBase64(bytes), version), version));
      if (again !== bytes) finding.wrong.push(`${message} v${version} ${name}: other bytes`);
    } catch (error) {
      finding.wrong.push(`${message} v${version} ${name}: ${error}`);
    }
  }
  return finding;
}

/** Batches and message sets that Java wrote hold the records that Java read. */
export function checkRecords(vectors: readonly RecordVector[]): Finding {
  const finding: Finding = { checked: 0, wrong: [] };
  for (const { name, bytes, batches } of vectors) {
    finding.checked++;
    try {
      const read: JavaRecord[] = [];
      for (const batch of readBatches(fromBase64(bytes))) {
        for (const { offset, timestamp, key, value } of batch) {
          read.push({ offset: `${offset}`, timestamp: `${timestamp}`, key: toBase64(key), value: toBase64(value) });
        }
      }
      const wanted = batches.flatMap((batch) =>
        batch.records.map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key, value })),
      );
      if (JSON.stringify(read) !== JSON.stringify(wanted)) finding.wrong.push(`${name}: other records`);
    } catch (error) {
      finding.wrong.push(`${name}: ${error}`);
    }
  }
  return finding;
}

/** Checksums against known values; snappy and LZ4 both ways. */
export function checkBytes(): Finding {
  const finding: Finding = { checked: 0, wrong: [] };
  const expect = (what: string, ok: boolean): void => {
    finding.checked++;
    if (!ok) finding.wrong.push(what);
  };
  const digits = new TextEncoder().encode('123456789');
  expect('CRC-32 check value', crc32(digits) === 0xcbf43926);
  expect('CRC-32C check value', crc32c(digits) === 0xe3069283);
  const text = new TextEncoder().encode('In the browser, too, the same bytes. '.repeat(5_000));
  for (const [name, codec] of Object.entries({ snappy: createSnappy(), lz4: createLz4() })) {
    const packed = codec.compress(text).slice();
    expect(`${name} makes it smaller`, packed.length < text.length / 5);
    const out = codec.decompress(packed, text.length);
    expect(`${name} gives it back`, out.length === text.length && out.every((byte, i) => byte === text[i]));
  }
  return finding;
}
