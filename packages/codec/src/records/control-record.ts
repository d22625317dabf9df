import { CodecError } from '../errors.ts';
import { KRaftVersionRecord } from '../messages/generated/k-raft-version-record.ts';
import { LeaderChangeMessage } from '../messages/generated/leader-change-message.ts';
import { SnapshotFooterRecord } from '../messages/generated/snapshot-footer-record.ts';
import { SnapshotHeaderRecord } from '../messages/generated/snapshot-header-record.ts';
import { VotersRecord } from '../messages/generated/voters-record.ts';
import type { Message } from '../messages/message.ts';

/** What a marker in a control batch says. */
export type ControlRecord =
  | { type: 'abort' | 'commit'; version: number; coordinatorEpoch: number }
  | { type: 'leaderChange'; message: LeaderChangeMessage }
  | { type: 'snapshotHeader'; message: SnapshotHeaderRecord }
  | { type: 'snapshotFooter'; message: SnapshotFooterRecord }
  | { type: 'kraftVersion'; message: KRaftVersionRecord }
  | { type: 'voters'; message: VotersRecord }
  /** A kind, or a version of a kind, that came after this library: readers are to step over it. */
  | { type: 'unknown'; typeNumber: number; key: Uint8Array; value: Uint8Array | null };

/**
 * Parses a record that has `isControl`.
 *
 * @throws CodecError when it is none: no key of two int16s, or a value that is not what its kind says.
 */
export function parseControlRecord(record: { key: Uint8Array | null; value: Uint8Array | null }): ControlRecord {
  const { key, value } = record;
  if (key === null || key.length < 4) {
    const found = key === null ? 'no key' : `a key of ${key.length} bytes`;
    throw new CodecError('MALFORMED_RECORD', `a control record has a key of at least 4 bytes, this one has ${found}`);
  }
  const typeNumber = int16(key, 2);
  const unknown: ControlRecord = { type: 'unknown', typeNumber, key, value };
  if (typeNumber < 0 || typeNumber > 6) return unknown;
  if (value === null || value.length < 2) {
    throw new CodecError('MALFORMED_RECORD', `a control record of type ${typeNumber} has no value`);
  }
  // All of them begin with their version.
  const version = int16(value, 0);
  if (typeNumber < 2) return endOfTransaction(typeNumber, version, value);
  switch (typeNumber) {
    case 2:
      return has(LeaderChangeMessage, version)
        ? { type: 'leaderChange', message: LeaderChangeMessage.decode(value, version) }
        : unknown;
    case 3:
      return has(SnapshotHeaderRecord, version)
        ? { type: 'snapshotHeader', message: SnapshotHeaderRecord.decode(value, version) }
        : unknown;
    case 4:
      return has(SnapshotFooterRecord, version)
        ? { type: 'snapshotFooter', message: SnapshotFooterRecord.decode(value, version) }
        : unknown;
    case 5:
      return has(KRaftVersionRecord, version)
        ? { type: 'kraftVersion', message: KRaftVersionRecord.decode(value, version) }
        : unknown;
    default:
      return has(VotersRecord, version) ? { type: 'voters', message: VotersRecord.decode(value, version) } : unknown;
  }
}

function has(message: Message<unknown, never>, version: number): boolean {
  return version >= message.minVersion && version <= message.maxVersion;
}

/** Later versions may add to it, as the Java client expects: whether a transaction counts must not hang on that. */
function endOfTransaction(typeNumber: number, version: number, value: Uint8Array): ControlRecord {
  if (version < 0 || value.length < 6) {
    throw new CodecError(
      'MALFORMED_RECORD',
      `the end of a transaction has ${value.length} bytes in version ${version}`,
    );
  }
  const coordinatorEpoch = new DataView(value.buffer, value.byteOffset).getInt32(2);
  return { type: typeNumber === 0 ? 'abort' : 'commit', version, coordinatorEpoch };
}

function int16(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt16(at);
}

/** Key and value of the marker that ends a transaction, for a batch sealed with `control` and `transactional`. */
export function endTransactionMarker(
  type: 'abort' | 'commit',
  coordinatorEpoch: number,
): { key: Uint8Array; value: Uint8Array } {
  const value = new Uint8Array(6);
  new DataView(value.buffer).setInt32(2, coordinatorEpoch);
  return { key: Uint8Array.of(0, 0, 0, type === 'abort' ? 0 : 1), value };
}
