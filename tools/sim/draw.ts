import { Dice } from './dice.ts';
import { drawCrowded } from './draw-crowded.ts';
import { drawTransactions } from './draw-transactions.ts';
import type { Burst, Fault, Scenario, TopicShape } from './scenario.ts';

/** How wide the dice may roll. */
interface Profile {
  readonly versions: readonly string[];
  readonly brokers: readonly [number, number];
  readonly healAtMs: readonly [number, number];
  readonly bursts: readonly [number, number];
  readonly records: readonly [number, number];
  readonly faults: readonly [number, number];
}

const recent = ['4.4', '4.4', '4.4', '3.9', '3.9'];
const old = ['0.8.2', '0.10.2', '1.1', '2.8'];

export const profiles: Readonly<Record<string, Profile>> = {
  quick: {
    versions: recent,
    brokers: [1, 3],
    healAtMs: [2_000, 60_000],
    bursts: [1, 4],
    records: [5, 120],
    faults: [1, 5],
  },
  hard: {
    versions: recent,
    brokers: [1, 5],
    healAtMs: [10_000, 3_000_000],
    bursts: [2, 8],
    records: [5, 400],
    faults: [2, 14],
  },
  'old-brokers': {
    versions: old,
    brokers: [1, 3],
    healAtMs: [5_000, 300_000],
    bursts: [1, 5],
    records: [5, 200],
    faults: [1, 8],
  },
};

export const profileNames: readonly string[] = [...Object.keys(profiles), 'crowded', 'transactions'];

/** Draws the history of one seed. */
export function draw(seed: number, profileName: string): Scenario {
  if (profileName === 'transactions') return drawTransactions(seed);
  if (profileName === 'crowded') return drawCrowded(seed, new Dice(seed));
  const profile = profiles[profileName];
  if (profile === undefined) {
    throw new RangeError(`no profile "${profileName}": take one of ${profileNames.join(', ')}`);
  }
  const dice = new Dice(seed);
  const brokers = dice.between(...profile.brokers);
  const version = dice.pick(profile.versions);
  const topics = drawTopics(dice, brokers);
  const healAtMs = dice.spread(...profile.healAtMs);
  const producer = drawProducer(dice, version);
  const workload = drawWorkload(dice, profile, topics, healAtMs, producer);
  const drawn = drawFaults(dice, profile, topics, brokers, healAtMs, producer, workload);
  const faults = dice.chance(0.05) ? withFalseDuplicate(dice, drawn, workload) : drawn;
  const ending = dice.pick(['calm', 'calm', 'calm', 'busy', 'abrupt'] as const);
  const flushesAtMs = Array.from({ length: dice.pick([0, 0, 1, 3]) }, () => dice.between(0, healAtMs));
  return {
    seed,
    profile: profileName,
    version,
    brokers,
    latencyMs: dice.pick([
      [0.2, 2],
      [0.2, 2],
      [1, 20],
      [5, 80],
    ] as const),
    topics,
    producer,
    workload,
    flushesAtMs,
    faults,
    healAtMs,
    ending,
  };
}

function drawTopics(dice: Dice, brokers: number): Record<string, TopicShape> {
  const topics: Record<string, TopicShape> = {};
  for (const name of ['orders', 'clicks', 'audit'].slice(0, dice.between(1, 3))) {
    const replicationFactor = dice.between(1, Math.min(3, brokers));
    topics[name] = {
      partitions: dice.pick([1, 1, 2, 3, 6]),
      replicationFactor,
      minInsyncReplicas: replicationFactor > 2 && dice.chance(0.5) ? 2 : 1,
      ...(dice.chance(0.2) ? { maxMessageBytes: dice.spread(400, 8_000) } : {}),
    };
  }
  return topics;
}

function drawProducer(dice: Dice, version: string): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const isCrowded = dice.chance(0.3);
  const isOld = !version.startsWith('3') && !version.startsWith('4');
  const mayBeIdempotent = !isOld || version === '2.8' || version === '1.1';
  // Brokers that know nothing of ids are met by producers that want them, too
  const idempotent = dice.chance(mayBeIdempotent ? 0.85 : 0.4);
  if (!idempotent) {
    options['idempotent'] = false;
    options['maxInFlight'] = dice.chance(0.7) ? 1 : dice.between(2, 8);
    options['requiredAcks'] = dice.pick([-1, -1, -1, 1]);
  } else if (dice.chance(0.4)) {
    options['maxInFlight'] = dice.between(1, 5);
  }
  if (isCrowded) {
    // Many batches of a partition under way, and little time for them
    options['lingerMs'] = 0;
    options['batchBytes'] = dice.spread(150, 600);
    options['compression'] = null;
    const requestTimeoutMs = dice.spread(300, 3_000);
    options['requestTimeoutMs'] = requestTimeoutMs;
    options['ackTimeout'] = dice.spread(100, 1_000);
    options['deliveryTimeoutMs'] = requestTimeoutMs + dice.spread(300, 6_000);
    options['retryBackoffMs'] = dice.spread(10, 200);
    options['retryBackoffMaxMs'] = 400;
    if (idempotent && isOld && !mayBeIdempotent) delete options['maxInFlight'];
    return options;
  }
  if (dice.chance(0.5)) options['batchSize'] = dice.pick([1, 3, 20, 500]);
  const lingerMs = dice.pick([0, 5, 50, 1_000]);
  if (options['batchSize'] !== undefined || dice.chance(0.5)) options['lingerMs'] = lingerMs;
  // Small ones, so that a burst makes many, and several of a partition are on their way at once
  if (dice.chance(0.75)) options['batchBytes'] = dice.chance(0.6) ? dice.spread(200, 2_000) : dice.spread(300, 200_000);
  if (dice.chance(0.3)) options['bufferBytes'] = dice.spread(40_000, 4_000_000);
  if (dice.chance(0.3)) options['maxBlockMs'] = dice.pick([0, 500, 5_000, 60_000]);
  // Zstandard needs Kafka 2.1, LZ4 a format that 0.8 does not have
  const codecs =
    version === '0.8.2'
      ? [null, 'gzip', 'snappy']
      : isOld && version !== '2.8'
        ? [null, 'gzip', 'snappy', 'lz4']
        : [null, 'gzip', 'snappy', 'lz4', 'zstd'];
  options['compression'] = dice.chance(0.5) ? null : dice.pick(codecs);
  const requestTimeoutMs = dice.spread(300, 30_000);
  options['requestTimeoutMs'] = requestTimeoutMs;
  options['ackTimeout'] = dice.spread(100, 5_000);
  options['deliveryTimeoutMs'] = lingerMs + requestTimeoutMs + dice.spread(500, 120_000);
  options['retryBackoffMs'] = dice.spread(10, 300);
  options['retryBackoffMaxMs'] = 1_000;
  if (dice.chance(0.3)) options['metadataMaxAgeMs'] = dice.spread(500, 300_000);
  if (dice.chance(0.2)) options['connectionsMaxIdleMs'] = dice.spread(1_000, 540_000);
  return options;
}

function drawWorkload(
  dice: Dice,
  profile: Profile,
  topics: Readonly<Record<string, TopicShape>>,
  healAtMs: number,
  producer: Readonly<Record<string, unknown>>,
): Burst[] {
  const bursts: Burst[] = [];
  for (let i = dice.between(...profile.bursts); i > 0; i--) {
    const topic = dice.pick(Object.keys(topics));
    const count = dice.spread(...profile.records);
    const isCrowded = ((producer['batchBytes'] as number | undefined) ?? 1_000) <= 600;
    const atMs = bursts.length === 0 ? 0 : dice.between(0, Math.floor(healAtMs * 0.9));
    bursts.push({
      atMs,
      count,
      everyMs: dice.pick([0, 0, 0, 1, 1, 10, 100, Math.max(1, Math.floor((healAtMs - atMs) / count))]),
      topic,
      keys: dice.pick([0, 0, 1, 5, 1_000]),
      partition: dice.chance(isCrowded ? 0.6 : 0.15) ? dice.between(0, topics[topic]!.partitions - 1) : null,
      valueBytes: dice.spread(10, Math.min(3_000, ((producer['bufferBytes'] as number | undefined) ?? 1_000_000) / 20)),
      ...(dice.chance(0.1) ? { cancelAfterMs: dice.pick([0, 1, 20, 500, 5_000]) } : {}),
    });
  }
  return bursts;
}

/** Codes a broker answers Produce with while something passes, and after which the same request may succeed. */
const passing = [
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_ENOUGH_REPLICAS',
  'REQUEST_TIMED_OUT',
  'KAFKA_STORAGE_ERROR',
  'CORRUPT_MESSAGE',
  'NETWORK_EXCEPTION',
];
/** Codes with which it refuses a batch for good. */
const refusing = [
  'INVALID_RECORD',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_TIMESTAMP',
  'UNKNOWN_SERVER_ERROR',
  'MESSAGE_TOO_LARGE',
];

/** Codes that say something of sequence numbers. */
const disagreeing = ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH'];

/** Codes that a leader may answer with although it has appended: it lost its place, its disk or its replicas since. */
const afterAppend = [
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'REQUEST_TIMED_OUT',
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'KAFKA_STORAGE_ERROR',
  'UNKNOWN_SERVER_ERROR',
];

function drawFaults(
  dice: Dice,
  profile: Profile,
  topics: Readonly<Record<string, TopicShape>>,
  brokers: number,
  healAtMs: number,
  producer: Readonly<Record<string, unknown>>,
  workload: readonly Burst[],
): Fault[] {
  const faults: Fault[] = [];
  const requestTimeoutMs = producer['requestTimeoutMs'] as number;
  for (let i = dice.between(...profile.faults); i > 0; i--) {
    // Most strike where the records are
    const near = dice.pick(workload).atMs + dice.spread(1, requestTimeoutMs < 3_000 ? 400 : 4_000) - 1;
    const atMs = Math.min(healAtMs, dice.chance(0.7) ? near : Math.floor(healAtMs * dice.next()));
    const forMs = Math.min(healAtMs - atMs, dice.spread(20, 120_000));
    const broker = dice.between(0, brokers - 1);
    const topic = dice.pick(Object.keys(topics));
    const partition = dice.between(0, topics[topic]!.partitions - 1);
    const what = drawFault(dice, { broker, brokers, topic, partition, requestTimeoutMs });
    const passes = /^(rule|kill|freeze|shrink)/.test(what);
    faults.push({ atMs, forMs: passes ? forMs : null, what });
  }
  if (dice.chance(0.3)) faults.push(...drawPair(dice, topics, dice.pick(workload)));
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** Two things that happen to neighbours of one partition: the fate of a batch is open, and then that of the next one. */
function drawPair(dice: Dice, topics: Readonly<Record<string, TopicShape>>, burst: Burst): Fault[] {
  const partition = burst.partition ?? dice.between(0, topics[burst.topic]!.partitions - 1);
  const where = `rule Produce, topic ${burst.topic}, partition ${partition}`;
  const atMs = burst.atMs + dice.spread(1, 100) - 1;
  const skipped = dice.between(0, 2);
  const open = dice.pick([
    `append then error ${dice.pick(afterAppend)}`,
    `append then error ${dice.pick(afterAppend)}`,
    'append-then-drop-reply',
    `error ${dice.pick(passing)}`,
  ]);
  const next = dice.pick([
    `error ${dice.pick(refusing)}`,
    `error ${dice.pick(refusing)}`,
    'error INVALID_RECORD for record 0',
    `error ${dice.pick(passing)}`,
    'append-then-drop-reply',
    'drop-before-append',
  ]);
  return [
    { atMs, forMs: 60_000, what: `${where}: 1 times, after ${skipped}, ${open}` },
    { atMs, forMs: 60_000, what: `${where}: 1 times, after ${skipped + dice.between(1, 2)}, ${next}` },
  ];
}

/**
 * A broker that calls a batch a duplicate which it has never seen. That can only be told from the truth where no batch
 * is in doubt, so that of the other faults those stay which say clearly that nothing was stored.
 */
function withFalseDuplicate(dice: Dice, faults: readonly Fault[], workload: readonly Burst[]): Fault[] {
  const clear =
    /^rule Produce[^:]*: .*(?<!append then )error (NOT_ENOUGH_REPLICAS|CORRUPT_MESSAGE|INVALID_RECORD|INVALID_TIMESTAMP)\b(?!_)/;
  const atMs = dice.pick(workload).atMs + dice.spread(1, 500) - 1;
  const what = `rule Produce: ${dice.between(1, 3)} times, error DUPLICATE_SEQUENCE_NUMBER`;
  const kept = faults.filter((fault) => clear.test(fault.what));
  return [...kept, { atMs, forMs: 60_000, what }].sort((a, b) => a.atMs - b.atMs);
}

interface Place {
  readonly broker: number;
  readonly brokers: number;
  readonly topic: string;
  readonly partition: number;
  readonly requestTimeoutMs: number;
}

function drawFault(dice: Dice, place: Place): string {
  const { broker, brokers, topic, partition, requestTimeoutMs } = place;
  const times = dice.pick([
    '',
    '',
    `${dice.between(1, 6)} times, `,
    `with probability ${dice.pick([0.1, 0.3, 0.7])}, `,
  ]);
  const where = dice.pick(['', `, broker ${broker}`, `, topic ${topic}`, `, topic ${topic}, partition ${partition}`]);
  const anyApi = dice.pick(['Produce', 'Produce', 'Produce', 'Metadata', 'InitProducerId', 'ApiVersions', '*']);
  const anywhere = anyApi === 'Produce' ? where : dice.pick(['', `, broker ${broker}`]);
  const late = dice.spread(1, requestTimeoutMs * 2);
  return dice.pick([
    () => `kill ${broker}`,
    // The first broker keeps its address: a client whose every known address is dead has nowhere to ask
    () => (broker === 0 ? `kill 0` : `kill ${broker} elsewhere`),
    () => `freeze ${broker}`,
    () => `move ${topic} ${partition} to ${dice.between(0, brokers - 1)}`,
    () => `move ${topic} ${partition} to ${dice.between(0, brokers - 1)} with hint`,
    () => `forget producers`,
    () => `add partitions ${topic}`,
    () => `replace all`,
    () => `delete records ${topic} ${partition}`,
    () => `recreate ${topic}`,
    () => `shrink ${topic} ${partition}`,
    () => `rule Produce${where}: ${dice.between(1, 2)} times, error ${dice.pick(disagreeing)}`,
    () => `rule Produce${where}: ${times}error ${dice.pick(passing)}`,
    () => `rule Produce${where}: ${times}error ${dice.pick(passing)}`,
    () => `rule Produce${where}: ${times}append then error ${dice.pick(afterAppend)}`,
    () => `rule Produce${where}: ${dice.between(1, 2)} times, error ${dice.pick(refusing)}`,
    () => `rule Produce${where}: ${dice.between(1, 4)} times, error INVALID_RECORD for record ${dice.between(0, 3)}`,
    () => `rule Produce${where}: ${times}append-then-drop-reply`,
    () => `rule Produce${where}: ${times}append-then-drop-reply`,
    () => `rule Produce${where}: ${times}drop-before-append`,
    () => `rule Produce${where}: ${times}append-then-mute`,
    () =>
      `rule Produce${where}: ${dice.between(1, 3)} times, move-leader${dice.pick(['', '-with-hint', '-without-hint'])}`,
    () => `rule ${anyApi}${anywhere}: ${times}delay ${late} ms`,
    () => `rule ${anyApi}${anywhere}: ${times}delay the reply ${late} ms`,
    () => `rule ${anyApi}${anywhere}: ${times}${dice.pick(['close', 'reset', 'mute', 'black-hole'])}`,
    () => `rule ${anyApi}${anywhere}: ${times}truncate the reply at byte ${dice.between(0, 40)}`,
    () => `rule ${anyApi}${anywhere}: ${times}trickle ${dice.between(1, 9)} bytes every ${dice.between(1, 40)} ms`,
    () =>
      `rule ${anyApi}${anywhere}: ${dice.between(1, 3)} times, ${dice.pick(['wrong-correlation-id', 'garbage of 64 bytes'])}`,
    () => `rule ${anyApi}${anywhere}: ${dice.between(1, 3)} times, ${dice.pick(['merge-replies', 'swap-replies'])}`,
    () => `rule ${anyApi}${anywhere}: ${times}throttle ${dice.spread(10, 5_000)} ms`,
    () => `rule Metadata: ${times}stale-metadata`,
    () =>
      `rule Metadata: ${times}error ${dice.pick(['LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION', 'REBOOTSTRAP_REQUIRED'])}`,
    () =>
      `rule InitProducerId: ${times}error ${dice.pick(['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR'])}`,
    () => `rule Connect, broker ${broker}: ${dice.pick(['refuse', 'black-hole'])}`,
    () => `rule Connect: ${times}${dice.pick(['refuse', 'black-hole'])}`,
  ])();
}
