import type { Compressions } from '@kiel/codec';
import { Code } from '../codes.ts';
import type { Topic } from '../state/topic.ts';
import {
  Attribute,
  BATCH_HEADER_SIZE,
  type BatchHeader,
  BatchOffset,
  codecs,
  LOG_OVERHEAD,
  readBatchHeader,
  viewOf,
} from './batch-header.ts';
import { crc32c } from './checksum.ts';
import { type WalkResult, walkRecords } from './record-walk.ts';

export interface RecordFault {
  readonly batchIndex: number;
  readonly message: string;
}

export interface Refusal {
  readonly ok: false;
  readonly code: number;
  /** For people: what is wrong. Whether it goes into the answer is the handler's affair. */
  readonly reason: string;
  readonly recordFaults: readonly RecordFault[];
  /** Whether the broker came as far as the log, and so knows where that starts. */
  readonly atLog: boolean;
  /** The bytes cannot even be cut into batches: the one case in which brokers explain it. */
  readonly isFraming?: boolean;
}

export interface CheckedBatch {
  readonly ok: true;
  readonly header: BatchHeader;
  readonly maxTimestamp: number;
}

/** What is needed to judge a batch. */
export interface BatchRules {
  readonly version: number;
  readonly topic: Topic;
  readonly nowMs: number;
  readonly compressions: Required<Compressions>;
  /** Since 2.1 (KIP-110). */
  readonly knowsZstd: boolean;
}

export function refusal(
  code: number,
  reason: string,
  atLog = false,
  recordFaults: readonly RecordFault[] = [],
): Refusal {
  return { ok: false, code, reason, recordFaults, atLog };
}

const MAX_DECOMPRESSED = 512 * 1024 * 1024;

/** Smallest message there is, of magic 0: what Kafka takes as the least size of anything in a set. */
const LEAST_SIZE = 14;

/**
 * The framing of a Produce request's records, judged before the log sees them: from v3 on exactly one batch,
 * of magic 2.
 */
export function checkFraming(bytes: Uint8Array, version: number): Refusal | null {
  const first = frameAt(bytes, 0);
  if (typeof first === 'string') return { ...refusal(Code.CORRUPT_MESSAGE, first), isFraming: true };
  if (first === null) return refusal(Code.INVALID_RECORD, 'there is no whole batch in it');
  if (first.magic !== 2)
    return refusal(Code.INVALID_RECORD, `magic ${first.magic}, and Produce v${version} takes magic 2 only`);
  const codec = viewOf(bytes).getInt16(BatchOffset.attributes) & Attribute.codecMask;
  if (version < 7 && codec === 4)
    return refusal(Code.UNSUPPORTED_COMPRESSION_TYPE, `zstd needs Produce v7, this is v${version}`);
  const second = frameAt(bytes, first.size);
  if (typeof second === 'string') return refusal(Code.CORRUPT_MESSAGE, second);
  if (second !== null) return refusal(Code.INVALID_RECORD, 'more than one batch');
  return null;
}

/** The entry at `at`: null when the bytes end before it does, text when its size or magic are impossible. */
function frameAt(bytes: Uint8Array, at: number): { size: number; magic: number } | string | null {
  if (bytes.length - at < LOG_OVERHEAD) return null;
  const view = viewOf(bytes);
  const size = view.getInt32(at + BatchOffset.length);
  if (size < LEAST_SIZE) return `a batch says it has ${size} bytes, less than any can have`;
  if (bytes.length - at < LOG_OVERHEAD + 5) return null;
  const magic = view.getInt8(at + BatchOffset.magic);
  if (magic < 0 || magic > 2) return `there is no magic ${magic}`;
  if (bytes.length - at - LOG_OVERHEAD < size) return null;
  return { size: size + LOG_OVERHEAD, magic };
}

/** Everything about one batch of magic 2 that does not depend on what is in the log. */
export function checkBatch(bytes: Uint8Array, rules: BatchRules): CheckedBatch | Refusal {
  const { topic } = rules;
  if (bytes.length < BATCH_HEADER_SIZE) return refusal(Code.CORRUPT_MESSAGE, 'a batch shorter than its header');
  const header = readBatchHeader(bytes);
  if (header.baseOffset !== 0)
    return refusal(Code.INVALID_RECORD, `a base offset of ${header.baseOffset}, not 0`, true);
  if (header.size > topic.maxMessageBytes) {
    return refusal(Code.MESSAGE_TOO_LARGE, `${header.size} bytes, and max.message.bytes is ${topic.maxMessageBytes}`);
  }
  const crc = crc32c(bytes.subarray(BatchOffset.attributes, header.size));
  if (crc !== header.crc) return refusal(Code.CORRUPT_MESSAGE, `the checksum is ${header.crc}, and should be ${crc}`);
  return checkHeader(header) ?? checkRecords(bytes, header, rules);
}

function checkHeader(header: BatchHeader): Refusal | null {
  const span = header.lastOffsetDelta + 1;
  if (span <= 0) return refusal(Code.INVALID_RECORD, `a last offset delta of ${header.lastOffsetDelta}`, true);
  if (header.count <= 0) return refusal(Code.INVALID_RECORD, `a count of ${header.count} records`, true);
  if (span !== header.count) return refusal(Code.INVALID_RECORD, `${header.count} records over ${span} offsets`, true);
  if ((header.attributes & Attribute.control) !== 0)
    return refusal(Code.INVALID_RECORD, 'a control batch from a client', true);
  if (header.producerId >= 0n && header.baseSequence < 0) {
    return refusal(
      Code.INVALID_RECORD,
      `producer ${header.producerId} without a sequence (${header.baseSequence})`,
      true,
    );
  }
  return null;
}

function checkRecords(bytes: Uint8Array, header: BatchHeader, rules: BatchRules): CheckedBatch | Refusal {
  const { topic, nowMs, compressions } = rules;
  const codec = codecs[header.attributes & Attribute.codecMask];
  if (codec === undefined)
    return refusal(Code.UNKNOWN_SERVER_ERROR, `there is no compression ${header.attributes & 7}`, true);
  const before = topic.isLogAppendTime ? Number.POSITIVE_INFINITY : topic.timestampBeforeMaxMs;
  const after = topic.isLogAppendTime ? Number.POSITIVE_INFINITY : topic.timestampAfterMaxMs;
  const walkRules = {
    needsKeys: topic.isCompacted,
    baseTimestamp: header.baseTimestamp,
    minTimestamp: nowMs - before,
    maxTimestamp: nowMs + after,
  };
  let walk: WalkResult;
  if (codec === 'none') {
    walk = walkRecords(bytes, BATCH_HEADER_SIZE, header.size, header.count, walkRules);
  } else {
    let plain: Uint8Array;
    try {
      if (codec === 'zstd' && !rules.knowsZstd) throw new Error('this broker has none');
      plain = compressions[codec].decompress(bytes.subarray(BATCH_HEADER_SIZE, header.size), MAX_DECOMPRESSED);
    } catch (error) {
      return refusal(Code.UNKNOWN_SERVER_ERROR, `${codec}: ${(error as Error).message}`, true);
    }
    walk = walkRecords(plain, 0, plain.length, header.count, walkRules);
  }
  if (walk.fault !== null) return refusal(Code.INVALID_RECORD, walk.fault, true);
  if (walk.keyless.length > 0) {
    const message = 'a compacted topic takes no record without a key';
    return refusal(
      Code.INVALID_RECORD,
      message,
      true,
      walk.keyless.map((batchIndex) => ({ batchIndex, message })),
    );
  }
  if (walk.untimely.length > 0) {
    const message = `a timestamp outside of the allowed range around the broker's time`;
    return refusal(
      Code.INVALID_TIMESTAMP,
      message,
      true,
      walk.untimely.map((batchIndex) => ({ batchIndex, message })),
    );
  }
  return { ok: true, header, maxTimestamp: walk.maxTimestamp };
}

/** Writes what the broker decides about time into the batch, and the checksum if that changed. */
export function stampBatch(bytes: Uint8Array, checked: CheckedBatch, topic: Topic, nowMs: number): BatchHeader {
  const { header } = checked;
  const attributes = topic.isLogAppendTime
    ? header.attributes | Attribute.logAppendTime
    : header.attributes & ~Attribute.logAppendTime;
  const maxTimestamp = topic.isLogAppendTime ? nowMs : checked.maxTimestamp;
  if (attributes === header.attributes && maxTimestamp === header.maxTimestamp) return header;
  const view = viewOf(bytes);
  view.setInt16(BatchOffset.attributes, attributes);
  view.setBigInt64(BatchOffset.maxTimestamp, BigInt(maxTimestamp));
  view.setUint32(BatchOffset.crc, crc32c(bytes.subarray(BatchOffset.attributes, header.size)));
  return readBatchHeader(bytes);
}
