import {
  FetchRequest,
  FetchResponse,
  type FetchResponsePartitionData,
  type KafkaRecord,
  ListOffsetsRequest,
  ListOffsetsResponse,
  type MetadataResponseTopic,
  readBatches,
  zeroUuid,
} from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { Failure } from '../failure.ts';
import { type ClusterClient, pause } from './cluster-client.ts';
import { errorText } from './error-text.ts';
import { Unreachable } from './socket.ts';

/** Asked of ListOffsets instead of a time. */
export const END = -1n;
export const BEGINNING = -2n;

/** The last version of Fetch that names topics by their names. */
const LAST_BY_NAME = 12;
const FIRST_BATCH_ALWAYS_WHOLE = 3;
const OFFSET_OUT_OF_RANGE = 1;
const FETCH_WAIT_MS = 500;
const RETRY_MS = 200;
const RESPONSE_BYTES = 32 * 1024 * 1024;

export interface PartitionRange {
  readonly partition: number;
  readonly from: bigint;
  /** Where to stop, before it; null is never. */
  readonly to: bigint | null;
}

export interface ReadOptions {
  /** Leaves out records of transactions that were taken back or are open. */
  readonly committed?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadRecords {
  readonly partition: number;
  readonly records: KafkaRecord[];
  /** Markers of transactions are counted here and not given. */
  readonly nextOffset: bigint;
}

interface Position {
  readonly partition: number;
  readonly to: bigint | null;
  next: bigint;
  fetchBytes: number;
}

/** Errors that end when the leader is known again, or has caught up. */
const passing = new Set([3, 5, 6, 7, 9, 13, 74, 75, 76, 78, 100, 103]);

/**
 * Offsets at a time: the first record not older than `timestamp`, or `END`, or `BEGINNING`. A partition that has
 * nothing so young gives its end.
 */
export async function offsetsAt(
  client: ClusterClient,
  topic: MetadataResponseTopic,
  partitions: readonly number[],
  timestamp: bigint,
  committed = false,
): Promise<Map<number, bigint>> {
  const offsets = new Map<number, bigint>();
  const name = topic.name ?? '';
  for (const [leader, members] of byLeader(topic, partitions)) {
    const answer = await client.requestFrom(leader, ListOffsetsRequest, ListOffsetsResponse, (version) => ({
      replicaId: -1,
      ...(version >= 2 ? { isolationLevel: committed ? 1 : 0 } : {}),
      topics: [{ name, partitions: members.map((partitionIndex) => ({ partitionIndex, timestamp })) }],
    }));
    for (const each of answer.topics.flatMap((answered) => answered.partitions)) {
      if (each.errorCode !== 0) {
        throw new Failure(`${name}, partition ${each.partitionIndex}: ${errorText(each.errorCode)}.`);
      }
      offsets.set(each.partitionIndex, each.oldStyleOffsets[0] ?? each.offset);
    }
  }
  const none = [...offsets].filter(([, offset]) => offset === -1n).map(([partition]) => partition);
  if (none.length > 0 && timestamp >= 0n) {
    for (const [partition, offset] of await offsetsAt(client, topic, none, END, committed))
      offsets.set(partition, offset);
  }
  return offsets;
}

function byLeader(topic: MetadataResponseTopic, partitions: readonly number[]): Map<number, number[]> {
  const wanted = new Set(partitions);
  const leaders = new Map<number, number[]>();
  for (const { partitionIndex, leaderId } of topic.partitions) {
    if (!wanted.has(partitionIndex)) continue;
    leaders.set(leaderId, [...(leaders.get(leaderId) ?? []), partitionIndex]);
  }
  return leaders;
}

/**
 * Reads ranges of a topic's partitions, in offset order within each. Leaders that move and brokers that go away
 * are waited for, up to the client's time limit without any progress.
 */
export class TopicReader {
  readonly #client: ClusterClient;
  #topic: MetadataResponseTopic;
  readonly #positions: Position[];
  readonly #options: ReadOptions;
  #deadline: number;

  constructor(
    client: ClusterClient,
    topic: MetadataResponseTopic,
    ranges: readonly PartitionRange[],
    options: ReadOptions = {},
  ) {
    this.#client = client;
    this.#topic = topic;
    this.#options = options;
    this.#positions = ranges.map(({ partition, from, to }) => ({
      partition,
      to,
      next: from,
      fetchBytes: 4 * 1024 * 1024,
    }));
    this.#deadline = performance.now() + client.timeoutMs;
  }

  async *read(): AsyncGenerator<ReadRecords> {
    for (;;) {
      const open = this.#positions.filter(({ next, to }) => to === null || next < to);
      if (open.length === 0 || this.#options.signal?.aborted === true) return;
      const leaders = byLeader(
        this.#topic,
        open.map(({ partition }) => partition),
      );
      const answers = await Promise.all([...leaders].map(([leader, members]) => this.#fetch(leader, members)));
      let trouble = false;
      for (const answer of answers) {
        if (answer === null) trouble = true;
        else
          for (const data of answer) {
            const position = this.#positions.find(({ partition }) => partition === data.partitionIndex)!;
            if (data.errorCode !== 0) {
              this.#refuse(data);
              trouble = true;
              continue;
            }
            const read = this.#take(position, data);
            if (read !== null) yield read;
          }
      }
      if (trouble) await this.#refresh();
      if (performance.now() > this.#deadline && open.some(({ to }) => to !== null)) throw this.#stuck(open);
    }
  }

  /** @returns null when the leader cannot be asked now. */
  async #fetch(leader: number, partitions: readonly number[]): Promise<FetchResponsePartitionData[] | null> {
    const { name, topicId } = this.#topic;
    const wanted = this.#positions.filter(({ partition }) => partitions.includes(partition));
    const most = topicId === zeroUuid ? LAST_BY_NAME : FetchRequest.maxVersion;
    const build = (version: number) => ({
      ...(version < 15 ? { replicaId: -1 } : {}),
      maxWaitMs: FETCH_WAIT_MS,
      minBytes: 1,
      ...(version >= FIRST_BATCH_ALWAYS_WHOLE ? { maxBytes: RESPONSE_BYTES } : {}),
      ...(version >= 4 ? { isolationLevel: this.#options.committed === true ? 1 : 0 } : {}),
      topics: [
        {
          ...(version > LAST_BY_NAME ? { topicId } : { topic: name ?? '' }),
          partitions: wanted.map(({ partition, next, fetchBytes }) => ({
            partition,
            fetchOffset: next,
            partitionMaxBytes: fetchBytes,
          })),
        },
      ],
    });
    try {
      const timeoutMs = this.#client.timeoutMs + FETCH_WAIT_MS;
      const answer = await this.#client.requestFrom(leader, FetchRequest, FetchResponse, build, most, timeoutMs);
      if (answer.errorCode !== 0) {
        if (!passing.has(answer.errorCode)) throw new Failure(`Topic ${name}: ${errorText(answer.errorCode)}.`);
        return null;
      }
      return answer.responses.flatMap((each) => each.partitions);
    } catch (error) {
      if (error instanceof Unreachable || leader < 0) return null;
      throw error;
    }
  }

  #take(position: Position, data: FetchResponsePartitionData): ReadRecords | null {
    const bytes = data.records ?? new Uint8Array(0);
    const aborted = [...(data.abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset));
    const abortedIds = new Set<bigint>();
    const records: KafkaRecord[] = [];
    const before = position.next;
    const batches = readBatches(bytes, { compressions: nodeCompressions, malformedUtf8: 'replace' });
    for (const batch of batches) {
      while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.lastOffset)
        abortedIds.add(aborted.shift()!.producerId);
      if (batch.isControl) abortedIds.delete(batch.producerId);
      const isTakenBack = batch.isTransactional && abortedIds.has(batch.producerId) && this.#options.committed === true;
      if (!batch.isControl && !isTakenBack) {
        for (const record of batch) {
          // A batch is given whole, also when reading starts or stops within it.
          if (record.offset >= before && (position.to === null || record.offset < position.to)) records.push(record);
        }
      }
      if (batch.nextOffset > position.next) position.next = batch.nextOffset;
    }
    // Before version 3 a batch over the limit came cut off, for ever.
    if (position.next === before && batches.incomplete !== null) position.fetchBytes *= 2;
    if (position.next > before) this.#deadline = performance.now() + this.#client.timeoutMs;
    return position.next === before ? null : { partition: position.partition, records, nextOffset: position.next };
  }

  #refuse({ partitionIndex, errorCode, logStartOffset, highWatermark }: FetchResponsePartitionData): void {
    if (passing.has(errorCode)) return;
    if (errorCode === OFFSET_OUT_OF_RANGE) {
      const range = highWatermark >= 0n ? `It has offsets ${logStartOffset} to ${highWatermark - 1n}.` : undefined;
      throw new Failure(`Partition ${partitionIndex} does not have the offset asked for.`, {
        hint: range ?? 'Use --from beginning.',
      });
    }
    throw new Failure(`Partition ${partitionIndex} of ${this.#topic.name}: ${errorText(errorCode)}.`);
  }

  async #refresh(): Promise<void> {
    await pause(RETRY_MS, this.#options.signal);
    this.#topic = await this.#client.topic(this.#topic.name ?? '', { signal: this.#options.signal });
  }

  #stuck(open: readonly Position[]): Failure {
    const where = open.map(({ partition, next, to }) => `partition ${partition} at ${next} of ${to}`).join(', ');
    return new Failure(`Nothing came for ${this.#client.timeoutMs / 1000} s: ${where}.`, {
      hint: 'Do all partitions have a leader? kiel meta shows it.',
    });
  }
}
