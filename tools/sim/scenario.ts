/** Everything one simulated history depends on: plain data, printed as it is, and shrunk by leaving parts out. */
export interface Scenario {
  readonly seed: number;
  readonly profile: string;
  /** The Kafka version whose brokers are played. */
  readonly version: string;
  readonly brokers: number;
  /** One way, of each segment. */
  readonly latencyMs: readonly [min: number, max: number];
  readonly topics: Readonly<Record<string, TopicShape>>;
  /** Options of `createProducer`, beside the ports. */
  readonly producer: Readonly<Record<string, unknown>>;
  readonly workload: readonly Burst[];
  /** When `flush()` is called, beside the one at the end. */
  readonly flushesAtMs: readonly number[];
  /** What the applications of the profile "transactions" mean to do; other profiles have none. */
  readonly transactions?: readonly PlannedTransaction[];
  readonly faults: readonly Fault[];
  /** When the faults end and the cluster is made whole. */
  readonly healAtMs: number;
  /** How the producer is ended: after everything was delivered, in the midst of it, or at once. */
  readonly ending: 'calm' | 'busy' | 'abrupt';
}

export interface TopicShape {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly minInsyncReplicas: number;
  /** `max.message.bytes`: bigger batches are refused. Absent: Kafka's default. */
  readonly maxMessageBytes?: number;
}

/** Records offered from `atMs` on, one each `everyMs` (0: all in one turn). */
export interface Burst {
  readonly atMs: number;
  readonly count: number;
  readonly everyMs: number;
  readonly topic: string;
  /** Distinct keys; 0 for none. */
  readonly keys: number;
  readonly partition: number | null;
  readonly valueBytes: number;
  /** Every third record is taken back after so long, by an AbortSignal. */
  readonly cancelAfterMs?: number;
}

/** One transaction, tried until it succeeds or its producer is done for. */
export interface PlannedTransaction {
  readonly atMs: number;
  readonly records: readonly {
    readonly topic: string;
    readonly partition: number | null;
    readonly valueBytes: number;
  }[];
  /** Between its records. */
  readonly pauseMs: number;
  /** Each delivery is awaited before its end. */
  readonly awaits: boolean;
  /** Consumed offsets are part of it. */
  readonly offsets: boolean;
  readonly ending: 'commit' | 'abort';
}

/**
 * Something that happens to the cluster at `atMs`: `rule SENTENCE` (for `forMs`), or a command to it, such as
 * `kill 1`, `start 1`, `start 1 elsewhere`, `move orders 0 to 2 with hint`.
 */
export interface Fault {
  readonly atMs: number;
  readonly forMs: number | null;
  readonly what: string;
}

export function printScenario(scenario: Scenario): string {
  const lines = [
    `seed ${scenario.seed} (${scenario.profile}): ${scenario.brokers} brokers of ${scenario.version}, ${scenario.latencyMs.join(' to ')} ms away, healed at ${scenario.healAtMs} ms, ending ${scenario.ending}`,
    `  topics ${JSON.stringify(scenario.topics)}`,
    `  producer ${JSON.stringify(scenario.producer)}`,
  ];
  for (const burst of scenario.workload) {
    const where = burst.partition === null ? burst.topic : `${burst.topic}-${burst.partition}`;
    const keys = burst.keys === 0 ? 'no key' : `${burst.keys} keys`;
    lines.push(
      `  at ${burst.atMs} ms: ${burst.count} records of ${burst.valueBytes} B to ${where}, one each ${burst.everyMs} ms, ${keys}${burst.cancelAfterMs === undefined ? '' : `, some taken back after ${burst.cancelAfterMs} ms`}`,
    );
  }
  if (scenario.flushesAtMs.length > 0) lines.push(`  flush at ${scenario.flushesAtMs.join(', ')} ms`);
  for (const { atMs, records, pauseMs, awaits, offsets, ending } of scenario.transactions ?? []) {
    lines.push(
      `  at ${atMs} ms: ${ending} ${records.length} records, one each ${pauseMs} ms${awaits ? ', awaited' : ''}${offsets ? ', and offsets' : ''}`,
    );
  }
  for (const fault of scenario.faults) {
    lines.push(`  at ${fault.atMs} ms${fault.forMs === null ? '' : `, for ${fault.forMs} ms`}: ${fault.what}`);
  }
  return lines.join('\n');
}
