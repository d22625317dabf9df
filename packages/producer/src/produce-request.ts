import type { ProduceResponse, ProduceResponsePartitionProduceResponse } from '@kiel/codec/client';
import type { Batch } from './batch.ts';
import type { Topic } from './topic.ts';

/** The batches of a Produce request by topic, each sealed as it goes over the wire. */
export function byTopic(batches: readonly Batch[], seal: (batch: Batch) => Uint8Array) {
  const topics = new Map<
    Topic,
    { name: string; topicId?: string; partitionData: { index: number; records: Uint8Array }[] }
  >();
  for (const batch of batches) {
    const { topic, index } = batch.queue;
    let data = topics.get(topic);
    if (data === undefined) {
      data = { name: topic.name, ...(topic.id === null ? {} : { topicId: topic.id }), partitionData: [] };
      topics.set(topic, data);
    }
    data.partitionData.push({ index, records: seal(batch) });
  }
  return [...topics.values()];
}

/**
 * Gives each batch what the broker says of it.
 *
 * @returns the batches of which it says nothing.
 */
export function matchAnswers(
  batches: readonly Batch[],
  body: ProduceResponse,
  version: number,
  settle: (batch: Batch, answer: ProduceResponsePartitionProduceResponse) => void,
): Batch[] {
  const left = [...batches];
  let at = 0;
  for (const topic of body.responses) {
    for (const partition of topic.partitionResponses) {
      // Brokers nearly always answer in the order of the request.
      if (!isOf(left[at], topic, partition.index, version)) {
        at = left.findIndex((batch) => isOf(batch, topic, partition.index, version));
        if (at < 0) {
          at = 0;
          continue;
        }
      }
      const [batch] = at === 0 ? [left.shift()!] : left.splice(at, 1);
      at = 0;
      settle(batch!, partition);
    }
  }
  return left;
}

function isOf(
  batch: Batch | undefined,
  topic: { readonly name: string; readonly topicId: string },
  index: number,
  version: number,
): boolean {
  if (batch === undefined || batch.queue.index !== index) return false;
  return version >= 13 ? batch.queue.topic.id === topic.topicId : batch.queue.topic.name === topic.name;
}
