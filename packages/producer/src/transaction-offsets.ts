import { kindOf } from './kind-of.ts';
import { unknownName } from './nearest-name.ts';
import type { GroupMetadata, TransactionOffset } from './transaction-coordinator.ts';

const ofOffset: ReadonlySet<string> = new Set(['topic', 'partition', 'offset', 'leaderEpoch', 'metadata']);
const ofGroup: ReadonlySet<string> = new Set(['groupId', 'generationId', 'memberId', 'groupInstanceId']);
const largestInt32 = 0x7fff_ffff;
const largestInt64 = 0x7fff_ffff_ffff_ffffn;

/**
 * The offsets as they go to the coordinator: of a partition that is given twice, the last one.
 *
 * @throws TypeError or RangeError for what no offset can be, by its place. Nothing has changed then.
 */
export function readOffsets(offsets: readonly TransactionOffset[]): readonly TransactionOffset[] {
  if (!Array.isArray(offsets)) {
    throw new TypeError(`sendOffsets: needs an array of { topic, partition, offset }, got ${kindOf(offsets)}`);
  }
  const last = new Map<string, TransactionOffset>();
  for (const [i, given] of offsets.entries()) {
    const place = `sendOffsets: offsets[${i}]`;
    if (typeof given !== 'object' || given === null) {
      throw new TypeError(`${place} needs to be { topic, partition, offset }, got ${kindOf(given)}`);
    }
    refuseUnknown(place, given, ofOffset);
    const { topic, partition, offset, leaderEpoch, metadata } = given as TransactionOffset;
    readText(`${place}.topic`, topic);
    readInt32(`${place}.partition`, partition, 0);
    readOffset(`${place}.offset`, offset);
    if (leaderEpoch !== undefined) readInt32(`${place}.leaderEpoch`, leaderEpoch, -1);
    if (metadata !== undefined && metadata !== null && typeof metadata !== 'string') {
      throw new TypeError(`${place}.metadata needs to be text or null, got ${kindOf(metadata)}`);
    }
    last.set(`${partition} ${topic}`, given);
  }
  return [...last.values()];
}

/** @throws TypeError or RangeError for what no group can be. Nothing has changed then. */
export function readGroup(group: GroupMetadata | string): GroupMetadata {
  if (typeof group === 'string') return readGroup({ groupId: group });
  if (typeof group !== 'object' || group === null) {
    throw new TypeError(`sendOffsets: needs a group's id, or { groupId, … }, got ${kindOf(group)}`);
  }
  refuseUnknown('sendOffsets: the group', group, ofGroup);
  const { groupId, generationId, memberId, groupInstanceId } = group;
  readText('sendOffsets: groupId', groupId);
  if (generationId !== undefined) readInt32('sendOffsets: generationId', generationId, -1);
  if (memberId !== undefined && typeof memberId !== 'string') {
    throw new TypeError(`sendOffsets: memberId needs to be text, got ${kindOf(memberId)}`);
  }
  if (groupInstanceId !== undefined && groupInstanceId !== null && typeof groupInstanceId !== 'string') {
    throw new TypeError(`sendOffsets: groupInstanceId needs to be text or null, got ${kindOf(groupInstanceId)}`);
  }
  return group;
}

function readText(place: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`${place} needs to be text, got ${kindOf(value)}`);
  if (value === '') throw new RangeError(`${place} is empty`);
}

function readInt32(place: string, value: unknown, least: number): void {
  if (typeof value !== 'number') throw new TypeError(`${place} needs to be a number, got ${kindOf(value)}`);
  if (!Number.isInteger(value) || value < least || value > largestInt32) {
    throw new RangeError(`${place} needs to be a whole number from ${least} on, got ${value}`);
  }
}

function readOffset(place: string, value: unknown): void {
  if (typeof value !== 'bigint' && typeof value !== 'number') {
    throw new TypeError(`${place} needs to be a bigint or a number, got ${kindOf(value)}`);
  }
  const isWhole = typeof value === 'bigint' ? value <= largestInt64 : Number.isSafeInteger(value);
  if (!isWhole || value < 0) throw new RangeError(`${place} is no offset: ${value}`);
}

function refuseUnknown(place: string, given: object, known: ReadonlySet<string>): void {
  for (const name of Object.keys(given)) {
    if (!known.has(name)) throw new TypeError(`${place}: ${unknownName(name, known)}`);
  }
}
