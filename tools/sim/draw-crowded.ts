import type { Dice } from './dice.ts';
import type { Burst, Fault, Scenario, TopicShape } from './scenario.ts';

/** Codes that leave open whether the batch is in the log, given after it was appended. */
const afterAppend = ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'REQUEST_TIMED_OUT', 'NOT_LEADER_OR_FOLLOWER'];
/** Codes that say clearly that it is not there, and that it may be sent again. */
const passing = ['NOT_ENOUGH_REPLICAS', 'CORRUPT_MESSAGE', 'NOT_LEADER_OR_FOLLOWER', 'KAFKA_STORAGE_ERROR'];
const refusing = ['INVALID_RECORD', 'INVALID_TIMESTAMP', 'MESSAGE_TOO_LARGE'];
const denying = ['UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH'];

/**
 * Short histories in which many small batches of one or two partitions are under way, and what happens to them is
 * made of things that belong together: the fate of one is open, and the next one is refused, or denied, or late.
 */
export function drawCrowded(seed: number, dice: Dice): Scenario {
  const version = dice.pick(['4.4', '4.4', '3.9', '2.8']);
  const brokers = dice.between(1, 3);
  const partitions = dice.between(1, 2);
  const topics: Record<string, TopicShape> = {
    orders: { partitions, replicationFactor: brokers, minInsyncReplicas: 1 },
  };
  const healAtMs = dice.spread(2_000, 12_000);
  const requestTimeoutMs = dice.spread(200, 1_500);
  const producer: Record<string, unknown> = {
    lingerMs: 0,
    batchBytes: dice.spread(150, 500),
    compression: null,
    requestTimeoutMs,
    ackTimeout: dice.spread(100, 500),
    deliveryTimeoutMs: requestTimeoutMs + dice.spread(100, 2_500),
    retryBackoffMs: dice.spread(10, 150),
    retryBackoffMaxMs: 300,
    metadataMaxAgeMs: dice.pick([300, 1_000, 60_000]),
  };
  if (dice.chance(0.2)) producer['maxInFlight'] = dice.between(1, 4);
  const workload: Burst[] = [];
  const faults: Fault[] = [];
  for (let i = dice.between(1, 3); i > 0; i--) {
    const atMs = workload.length === 0 ? 0 : dice.between(0, Math.floor(healAtMs * 0.9));
    // Both partitions at once, so that what one of them does to the producer's id meets the other in the midst of it
    for (let partition = 0; partition < partitions; partition++) {
      const burst: Burst = {
        atMs,
        count: dice.spread(5, 50),
        everyMs: dice.pick([0, 1, 1, 5, 20]),
        topic: 'orders',
        keys: 0,
        partition,
        valueBytes: dice.spread(10, 120),
      };
      workload.push(burst);
      faults.push(...drawPlot(dice, burst, brokers, requestTimeoutMs));
      if (dice.chance(0.4)) faults.push(...drawPlot(dice, burst, brokers, requestTimeoutMs));
    }
  }
  return {
    seed,
    profile: 'crowded',
    version,
    brokers,
    latencyMs: dice.pick([
      [0.2, 2],
      [1, 20],
      [5, 40],
    ] as const),
    topics,
    producer,
    workload,
    flushesAtMs: [],
    faults: faults.filter(({ atMs }) => atMs <= healAtMs).sort((a, b) => a.atMs - b.atMs),
    healAtMs,
    ending: dice.pick(['calm', 'calm', 'busy'] as const),
  };
}

/** Things that happen to batches of one burst, one after the other. */
function drawPlot(dice: Dice, burst: Burst, brokers: number, requestTimeoutMs: number): Fault[] {
  const atMs = burst.atMs + dice.pick([0, 0, 1, 10, 50]);
  const at = dice.between(0, 3);
  const then = at + 1 + dice.pick([0, 0, 0, 1, 2]);
  const rule = (text: string): Fault => ({
    atMs,
    forMs: 30_000,
    what: `rule Produce, topic orders, partition ${burst.partition}: ${text}`,
  });
  const once = (after: number, text: string) => rule(`1 times, after ${after}, ${text}`);
  const open = () =>
    dice.pick([
      'append-then-drop-reply',
      'append-then-mute',
      `append then error ${dice.pick(afterAppend)}`,
      'drop-before-append',
      'mute',
    ]);
  const passes = () => `error ${dice.pick(passing)}`;
  const late = () => dice.spread(5, requestTimeoutMs * 1.5);
  const move = (delayMs: number): Fault => ({
    atMs: atMs + delayMs,
    forMs: null,
    what: `move orders ${burst.partition} to ${dice.between(0, brokers - 1)}`,
  });
  return dice.pick<() => Fault[]>([
    () => [once(at, open()), once(then, `error ${dice.pick(refusing)}`)],
    () => [once(at, open()), once(then, passes())],
    () => [once(at, open()), once(then, `error ${dice.pick(denying)}`)],
    () => [once(at, open()), once(then, open())],
    () => [once(at, passes()), once(then, open())],
    () => [once(at, passes()), once(then, `error ${dice.pick(refusing)}`)],
    // Sent, and its time runs out: the ones behind it have to find out what became of it
    () => [once(at, open()), rule(`${dice.between(2, 12)} times, after ${then}, ${passes()}`)],
    () => [once(at, `delay ${late()} ms`), once(then, passes())],
    () => [once(at, `delay the reply ${late()} ms`), once(then, `error ${dice.pick(refusing)}`)],
    () => [once(at, `delay ${late()} ms`), move(dice.spread(1, 100)), once(then, passes())],
    () => [once(at, open()), move(dice.spread(1, 100))],
    // Made anew while nothing is under way, and found out by its metadata
    () => [
      { atMs: Math.max(0, burst.atMs - dice.between(400, 2_000)), forMs: null, what: 'recreate orders' },
      once(0, passes()),
    ],
  ])();
}
