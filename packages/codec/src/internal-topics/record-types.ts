import type { Message } from '../messages/message.ts';
import * as records from './generated/index.ts';

export type AnyRecord = Message<unknown, never>;

/** Key and value message of every record type of a topic. */
export type RecordTypes = ReadonlyMap<number, readonly [key: AnyRecord, value: AnyRecord]>;

export const groupRecords: RecordTypes = /* @__PURE__ */ new Map<number, readonly [AnyRecord, AnyRecord]>([
  [0, [records.LegacyOffsetCommitKey, records.LegacyOffsetCommitValue]],
  [1, [records.OffsetCommitKey, records.OffsetCommitValue]],
  [2, [records.GroupMetadataKey, records.GroupMetadataValue]],
  [3, [records.ConsumerGroupMetadataKey, records.ConsumerGroupMetadataValue]],
  [4, [records.ConsumerGroupPartitionMetadataKey, records.ConsumerGroupPartitionMetadataValue]],
  [5, [records.ConsumerGroupMemberMetadataKey, records.ConsumerGroupMemberMetadataValue]],
  [6, [records.ConsumerGroupTargetAssignmentMetadataKey, records.ConsumerGroupTargetAssignmentMetadataValue]],
  [7, [records.ConsumerGroupTargetAssignmentMemberKey, records.ConsumerGroupTargetAssignmentMemberValue]],
  [8, [records.ConsumerGroupCurrentMemberAssignmentKey, records.ConsumerGroupCurrentMemberAssignmentValue]],
  [10, [records.ShareGroupMemberMetadataKey, records.ShareGroupMemberMetadataValue]],
  [11, [records.ShareGroupMetadataKey, records.ShareGroupMetadataValue]],
  [12, [records.ShareGroupTargetAssignmentMetadataKey, records.ShareGroupTargetAssignmentMetadataValue]],
  [13, [records.ShareGroupTargetAssignmentMemberKey, records.ShareGroupTargetAssignmentMemberValue]],
  [14, [records.ShareGroupCurrentMemberAssignmentKey, records.ShareGroupCurrentMemberAssignmentValue]],
  [15, [records.ShareGroupStatePartitionMetadataKey, records.ShareGroupStatePartitionMetadataValue]],
  [16, [records.ConsumerGroupRegularExpressionKey, records.ConsumerGroupRegularExpressionValue]],
  [17, [records.StreamsGroupMetadataKey, records.StreamsGroupMetadataValue]],
  [19, [records.StreamsGroupMemberMetadataKey, records.StreamsGroupMemberMetadataValue]],
  [20, [records.StreamsGroupTargetAssignmentMetadataKey, records.StreamsGroupTargetAssignmentMetadataValue]],
  [21, [records.StreamsGroupTargetAssignmentMemberKey, records.StreamsGroupTargetAssignmentMemberValue]],
  [22, [records.StreamsGroupCurrentMemberAssignmentKey, records.StreamsGroupCurrentMemberAssignmentValue]],
  [23, [records.StreamsGroupTopologyKey, records.StreamsGroupTopologyValue]],
]);

export const transactionRecords: RecordTypes = /* @__PURE__ */ new Map<number, readonly [AnyRecord, AnyRecord]>([
  [0, [records.TransactionLogKey, records.TransactionLogValue]],
]);

export const shareStateRecords: RecordTypes = /* @__PURE__ */ new Map<number, readonly [AnyRecord, AnyRecord]>([
  [0, [records.ShareSnapshotKey, records.ShareSnapshotValue]],
  [1, [records.ShareUpdateKey, records.ShareUpdateValue]],
]);

export const remoteLogRecords: readonly AnyRecord[] = [
  records.RemoteLogSegmentMetadataRecord,
  records.RemoteLogSegmentMetadataUpdateRecord,
  records.RemotePartitionDeleteMetadataRecord,
  records.RemoteLogSegmentMetadataSnapshotRecord,
];

/** The records of `__cluster_metadata`. Those of remote storage are of the same type, with API keys of their own. */
export function clusterMetadataRecords(): AnyRecord[] {
  return (Object.values(records) as AnyRecord[]).filter(
    (each) => each.type === 'metadata' && !remoteLogRecords.includes(each),
  );
}

/** What every record of `__cluster_metadata` and `__remote_log_metadata` begins with. */
export const METADATA_FRAME_VERSION = 1;
