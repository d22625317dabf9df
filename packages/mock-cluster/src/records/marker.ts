import { crc32c } from '@kiel/codec';
import { Attribute, BATCH_HEADER_SIZE, BatchOffset, LOG_OVERHEAD, setInt64, viewOf } from './batch-header.ts';

export interface Marker {
  readonly producerId: bigint;
  readonly epoch: number;
  readonly commit: boolean;
  readonly coordinatorEpoch: number;
  readonly timestamp: number;
}

/** The control batch that ends a transaction in a partition: one record, key {version, type}, value {version, epoch}. */
export function markerBatch(marker: Marker): Uint8Array {
  const recordSize = 1 + 1 + 1 + 1 + 4 + 1 + 6 + 1;
  const bytes = new Uint8Array(BATCH_HEADER_SIZE + 1 + recordSize);
  const view = viewOf(bytes);
  view.setInt32(BatchOffset.length, bytes.length - LOG_OVERHEAD);
  view.setInt8(BatchOffset.magic, 2);
  view.setInt16(BatchOffset.attributes, Attribute.transactional | Attribute.control);
  setInt64(view, BatchOffset.baseTimestamp, marker.timestamp);
  setInt64(view, BatchOffset.maxTimestamp, marker.timestamp);
  view.setBigInt64(BatchOffset.producerId, marker.producerId);
  view.setInt16(BatchOffset.producerEpoch, marker.epoch);
  view.setInt32(BatchOffset.baseSequence, -1);
  view.setInt32(BatchOffset.count, 1);
  let at = BatchOffset.records;
  bytes[at++] = recordSize * 2; // zigzag
  at += 3; // attributes, timestamp delta, offset delta
  bytes[at++] = 4 * 2;
  at += 2; // key version
  view.setInt16(at, marker.commit ? 1 : 0);
  at += 2;
  bytes[at++] = 6 * 2;
  at += 2; // value version
  view.setInt32(at, marker.coordinatorEpoch);
  view.setUint32(BatchOffset.crc, crc32c(bytes.subarray(BatchOffset.attributes)));
  return bytes;
}
