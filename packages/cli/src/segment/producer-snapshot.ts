import { CodecError, crc32c } from '@kiel/codec';
import { ProducerSnapshot, type ProducerSnapshotProducerEntry } from '@kiel/codec/internal-topics';
import { timeText } from '../decode/render.ts';
import type { SideEntry, SideFile } from './side-file.ts';

const CRC_AT = 2;
const ENTRIES_AT = 6;

/** The state of every idempotent producer at the offset that a `.snapshot` has as its name. */
export function producerSnapshotFile(bytes: Uint8Array): SideFile {
  if (bytes.length < ENTRIES_AT) {
    return { entries: [], faults: [{ at: bytes.length, problem: `${bytes.length} bytes are no producer snapshot` }] };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getInt16(0);
  if (version < ProducerSnapshot.minVersion || version > ProducerSnapshot.maxVersion) {
    const known = `${ProducerSnapshot.minVersion} is known`;
    return { entries: [], faults: [{ at: 0, problem: `a snapshot of version ${version}, and only ${known}` }] };
  }
  const stored = view.getUint32(CRC_AT);
  const found = crc32c(bytes.subarray(ENTRIES_AT)) >>> 0;
  const hex = (crc: number) => `0x${crc.toString(16).padStart(8, '0')}`;
  const crcFaults =
    stored === found ? [] : [{ at: CRC_AT, problem: `the checksum is ${hex(stored)}, the bytes give ${hex(found)}` }];
  try {
    const { producerEntries } = ProducerSnapshot.decode(bytes.subarray(CRC_AT), version);
    return { entries: producerEntries.map(entryOf), faults: crcFaults };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { entries: [], faults: [...crcFaults, { at: CRC_AT + (error.offset ?? 0), problem: error.problem }] };
  }
}

function entryOf(entry: ProducerSnapshotProducerEntry): SideEntry {
  const { producerId, epoch, coordinatorEpoch, currentTxnFirstOffset, lastSequence, lastOffset } = entry;
  const { offsetDelta, timestamp } = entry;
  const isEmpty = lastSequence < 0;
  const firstSequence = isEmpty ? -1 : sequenceBefore(lastSequence, offsetDelta);
  const isOpen = currentTxnFirstOffset >= 0n;
  const text = [
    `producer ${producerId} epoch ${epoch}`,
    isEmpty ? 'no batch' : `sequences ${firstSequence}…${lastSequence}  last offset ${lastOffset}`,
    timestamp >= 0n ? timeText(Number(timestamp)) : '',
    isOpen ? `transaction open since offset ${currentTxnFirstOffset}` : '',
    coordinatorEpoch >= 0 ? `coordinator epoch ${coordinatorEpoch}` : '',
  ];
  return {
    text: text.filter((part) => part !== '').join('  '),
    fields: {
      producerId,
      producerEpoch: epoch,
      coordinatorEpoch,
      currentTxnFirstOffset: isOpen ? currentTxnFirstOffset : null,
      lastTimestamp: timestamp,
      firstSequence,
      lastSequence,
      lastOffset,
      offsetDelta,
    },
  };
}

/** Sequences go around after 2^31 - 1. */
function sequenceBefore(sequence: number, delta: number): number {
  return sequence >= delta ? sequence - delta : 2 ** 31 - (delta - sequence);
}
