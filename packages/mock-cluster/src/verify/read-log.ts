import type { Compressions } from '@kiel/codec';
import { check, type Verdict } from './checker.ts';
import type { History } from './history.ts';
import type { JudgedPartition } from './stored.ts';

/** A partition's log as it was read back, with plain records: transactions are not told apart. */
export interface ReadLog {
  readonly topic: string;
  readonly partition: number;
  /** Records below it are gone by an administrator's hand, or by retention. 0 unless given. */
  readonly startOffset?: number | undefined;
  /** Whole batches as fetched, in the order of offsets, none twice. */
  readonly chunks: readonly Uint8Array[];
}

/**
 * The judgement of `MockCluster.verify` for logs that were read back from any other cluster.
 *
 * @param logs - every partition of every topic in the history.
 */
export function verifyLogs(
  history: History,
  logs: readonly ReadLog[],
  options: { readonly compressions: Compressions; readonly purgedTopics?: ReadonlySet<string> },
): Verdict {
  return check({
    history,
    partitions: logs.map(judged),
    compressions: options.compressions,
    requests: [],
    purgedTopics: options.purgedTopics ?? new Set(),
  });
}

function judged({ topic, partition, startOffset = 0, chunks }: ReadLog): JudgedPartition {
  return {
    topic: { name: topic },
    index: partition,
    log: {
      logStartOffset: startOffset,
      // A base offset is asked for only to tell transactions apart.
      entries: () => chunks.map((bytes) => ({ baseOffset: startOffset, bytes })),
      producers: { get: () => undefined },
      aborted: [],
    },
  };
}
