import type { Batch } from '../batch.ts';
import type { BrokerLink } from '../broker-link.ts';
import type { PartitionQueue } from '../partition-queue.ts';
import type { EngineView } from './engine-view.ts';
import { type BrokerView, mostBrokers, mostPartitions, type PartitionView } from './feed-format.ts';
import type { TrafficWatch } from './traffic-watch.ts';

/**
 * Batches looked at for one frame. A full buffer of the default size has 2,000 of the default size; with more than
 * this, smaller ones, amounts by partition are of the oldest.
 */
const mostBatches = 20_000;
const mostText = 300;

interface Amounts {
  readonly queue: PartitionQueue;
  readonly oldest: Batch;
  inFlight: number;
  queued: number;
  retrying: number;
  records: number;
  bytes: number;
}

/** What lies where at this moment, from the batches that are not settled: topics that are quiet cost nothing. */
export function amountsOf(
  view: EngineView,
  traffic: TrafficWatch,
): { brokers: BrokerView[]; partitions: PartitionView[]; morePartitions: number } {
  const nowMs = view.clock.now();
  const byQueue = new Map<PartitionQueue, Amounts>();
  let left = mostBatches;
  for (const batch of view.accumulator.batches()) {
    if (left-- === 0) break;
    add(byQueue, batch);
  }
  const all = [...byQueue.values()].sort((a, b) => b.bytes - a.bytes);
  return {
    brokers: brokersOf(view, traffic, all, nowMs),
    partitions: all.slice(0, mostPartitions).map((amounts) => partitionView(amounts, nowMs)),
    morePartitions: Math.max(0, all.length - mostPartitions),
  };
}

function add(byQueue: Map<PartitionQueue, Amounts>, batch: Batch): void {
  const { queue } = batch;
  let amounts = byQueue.get(queue);
  if (amounts === undefined) {
    amounts = { queue, oldest: batch, inFlight: 0, queued: 0, retrying: 0, records: 0, bytes: 0 };
    byQueue.set(queue, amounts);
  }
  if (batch.isInFlight) amounts.inFlight++;
  else if (batch.attempts > 0) amounts.retrying++;
  else amounts.queued++;
  amounts.records += batch.count;
  amounts.bytes += batch.sizeBytes;
}

function brokersOf(view: EngineView, traffic: TrafficWatch, amounts: readonly Amounts[], nowMs: number): BrokerView[] {
  const byLeader = new Map<BrokerLink, { queued: number; retrying: number; partitions: number }>();
  for (const { queue, queued, retrying } of amounts) {
    if (queue.leader === null) continue;
    const sum = byLeader.get(queue.leader) ?? { queued: 0, retrying: 0, partitions: 0 };
    sum.queued += queued;
    sum.retrying += retrying;
    sum.partitions++;
    byLeader.set(queue.leader, sum);
  }
  const links = [...view.links.values()].sort((a, b) => (a.nodeId ?? -1) - (b.nodeId ?? -1));
  return links.slice(0, mostBrokers).map((link) => ({
    actor: link.key,
    nodeId: link.nodeId,
    address: `${link.host.includes(':') ? `[${link.host}]` : link.host}:${link.port}`,
    rack: link.rack,
    inFlight: link.inFlight,
    ...(byLeader.get(link) ?? { queued: 0, retrying: 0, partitions: 0 }),
    throttledMs: traffic.throttledMs(link, nowMs),
    requestLatency: traffic.takeRequests(link),
    lastError: link.lastError?.message.slice(0, mostText) ?? null,
  }));
}

function partitionView({ queue, oldest, ...sums }: Amounts, nowMs: number): PartitionView {
  return {
    topic: queue.topic.name,
    partition: queue.index,
    leader: queue.leader?.nodeId ?? null,
    ...sums,
    ageMs: Math.max(0, Math.round(nowMs - oldest.acceptedAtMs)),
    attempts: oldest.attempts,
    backoffMs: Math.max(0, Math.ceil(queue.retryAtMs - nowMs)),
    lastError: oldest.lastFailure?.message.slice(0, mostText) ?? null,
  };
}
