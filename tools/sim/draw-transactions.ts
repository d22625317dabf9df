import { Dice } from './dice.ts';
import type { Fault, PlannedTransaction, Scenario, TopicShape } from './scenario.ts';

export const transactionalId = 'till';
export const group = 'readers';
const errorsThatPass = [
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'CONCURRENT_TRANSACTIONS',
];
const apis = ['InitProducerId', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn', 'EndTxn'];

/** A history of transactions: several producers of one id after each other, and faults where it hurts. */
export function drawTransactions(seed: number): Scenario {
  const dice = new Dice(seed);
  const brokers = dice.between(1, 4);
  // Brokers of 2.8 do not look whether a record's transaction is open: what comes late stays
  const version = dice.pick(['4.4', '4.4', '3.9', '2.8']);
  const topics: Record<string, TopicShape> = {};
  for (const name of ['orders', 'clicks'].slice(0, dice.between(1, 2))) {
    topics[name] = {
      partitions: dice.between(1, 3),
      replicationFactor: dice.between(1, Math.min(3, brokers)),
      minInsyncReplicas: 1,
    };
  }
  const healAtMs = dice.spread(3_000, 120_000);
  const requestTimeoutMs = dice.spread(500, 10_000);
  const producer: Record<string, unknown> = {
    requestTimeoutMs,
    maxBlockMs: dice.spread(1_500, 30_000),
    deliveryTimeoutMs: requestTimeoutMs + dice.spread(500, 30_000),
    transactionTimeoutMs: dice.spread(3_000, 120_000),
    retryBackoffMs: dice.spread(10, 200),
    compression: dice.pick([null, null, 'gzip', 'lz4']),
    ...(dice.chance(0.5) ? { lingerMs: dice.pick([0, 5, 100]) } : {}),
    ...(dice.chance(0.4) ? { batchBytes: dice.spread(200, 4_000) } : {}),
    ...(dice.chance(0.3) ? { maxInFlight: dice.between(1, 5) } : {}),
  };
  const transactions = drawPlan(dice, topics, healAtMs);
  const faults: Fault[] = [];
  for (let i = dice.between(1, 8); i > 0; i--) {
    const atMs = Math.floor(healAtMs * dice.next() ** 1.5);
    const what = drawFault(dice, topics, brokers, requestTimeoutMs);
    if (version === '2.8' && leavesRecordsLate(what, requestTimeoutMs)) continue;
    const lasts = /^(rule|kill|freeze)/.test(what);
    faults.push({ atMs, forMs: lasts ? Math.min(healAtMs - atMs, dice.spread(50, 30_000)) : null, what });
  }
  faults.sort((a, b) => a.atMs - b.atMs);
  return {
    seed,
    profile: 'transactions',
    version,
    brokers,
    latencyMs: dice.pick([
      [0.2, 2],
      [1, 20],
      [5, 80],
    ] as const),
    topics,
    producer,
    workload: [],
    flushesAtMs: [],
    transactions,
    faults,
    healAtMs,
    ending: 'calm',
  };
}

function drawPlan(dice: Dice, topics: Record<string, TopicShape>, healAtMs: number): PlannedTransaction[] {
  const plan: PlannedTransaction[] = [];
  for (let i = dice.between(2, 14); i > 0; i--) {
    const records = Array.from({ length: dice.pick([0, 1, 2, 3, 5, 12, 40]) }, () => {
      const topic = dice.pick(Object.keys(topics));
      return {
        topic,
        partition: dice.chance(0.6) ? dice.between(0, topics[topic]!.partitions - 1) : null,
        valueBytes: dice.spread(10, 800),
      };
    });
    plan.push({
      atMs: Math.floor(healAtMs * dice.next() ** 1.5),
      records,
      pauseMs: dice.pick([0, 0, 0, 1, 30, 500]),
      awaits: dice.chance(0.3),
      offsets: dice.chance(0.3),
      ending: dice.chance(0.75) ? 'commit' : 'abort',
    });
  }
  return plan.sort((a, b) => a.atMs - b.atMs);
}

/**
 * Before 3.6 a record that comes after its transaction's end is taken all the same, and no client can prevent it
 * (KIP-890): it goes by the time it gives requests.
 */
function leavesRecordsLate(what: string, requestTimeoutMs: number): boolean {
  const delayed = /^rule (?:Produce|\*): .*delay (\d+) ms/.exec(what);
  return what.startsWith('freeze') || (delayed !== null && Number(delayed[1]) > requestTimeoutMs / 4);
}

function drawFault(dice: Dice, topics: Record<string, TopicShape>, brokers: number, requestTimeoutMs: number): string {
  const broker = dice.between(0, brokers - 1);
  const topic = dice.pick(Object.keys(topics));
  const partition = dice.between(0, topics[topic]!.partitions - 1);
  const api = dice.pick(apis);
  const any = dice.pick([api, api, 'Produce', 'Produce', 'FindCoordinator', '*']);
  const times = dice.pick(['', `${dice.between(1, 4)} times, `, `with probability ${dice.pick([0.2, 0.6])}, `]);
  const late = dice.spread(1, requestTimeoutMs * 3);
  return dice.pick([
    () => `kill ${broker}`,
    () => `freeze ${broker}`,
    () => `move ${topic} ${partition} to ${dice.between(0, brokers - 1)}`,
    () => `coordinator ${dice.pick([transactionalId, group])}`,
    () => `rule ${api}: ${dice.between(1, 2)} times, move-coordinator`,
    () => 'expire',
    () => 'takeover',
    () => 'takeover',
    () => 'crash',
    () => 'crash',
    () => `rule ${api}: ${times}error ${dice.pick(errorsThatPass)}`,
    () => `rule ${api}: ${times}error ${dice.pick(errorsThatPass)}`,
    () => `rule ${api}: 1 time, error TRANSACTION_ABORTABLE`,
    () => `rule ${api}: ${times}append-then-drop-reply`,
    () => `rule EndTxn: ${times}append-then-drop-reply`,
    () => `rule ${api}: ${times}append-then-mute`,
    () => `rule ${any}: ${times}delay ${late} ms`,
    () => `rule EndTxn: ${dice.between(1, 2)} times, delay ${late} ms`,
    () => `rule EndTxn: 1 time, delay ${requestTimeoutMs + late} ms`,
    () => `rule ${any}: ${times}delay the reply ${late} ms`,
    () => `rule ${any}: ${times}${dice.pick(['close', 'reset', 'mute', 'black-hole'])}`,
    () => `rule Produce: ${times}append-then-drop-reply`,
    () => `rule Produce: ${times}error ${dice.pick(['NOT_LEADER_OR_FOLLOWER', 'NOT_ENOUGH_REPLICAS'])}`,
    () => `rule Produce: ${dice.between(1, 3)} times, move-leader`,
    () =>
      `rule Produce: ${dice.between(1, 2)} times, error ${dice.pick(['INVALID_RECORD', 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'INVALID_TXN_STATE', 'TRANSACTION_ABORTABLE'])}`,
    () => `rule TxnOffsetCommit: 1 time, error ${dice.pick(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])}`,
    () => `rule Connect: ${times}refuse`,
  ])();
}
