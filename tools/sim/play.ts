import type { History, OfferedRecord, Report } from '@kiel/mock-cluster';
import { MockCluster, VirtualTimeError } from '@kiel/mock-cluster';
import type { Burst, Fault, Scenario } from './scenario.ts';
import { playTransactions } from './transactions.ts';
import { WatchedPorts } from './watched-ports.ts';

/** What one history came to. */
export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly records: number;
  readonly faults: number;
  readonly virtualMs: number;
  /** With `trace`: everything that happened, a line each. */
  readonly trace: readonly string[];
}

/** The producer under test; `KIEL_PRODUCER` names another build of it, such as one with a planted fault. */
const { createProducer } = (await import(
  process.env['KIEL_PRODUCER'] ?? '@kiel/producer'
)) as typeof import('@kiel/producer');

/** How long after its deadline a record may settle: timers and answers of the same moment come in some order. */
const SLACK_MS = 1_500;
/** Rest between the healing of the cluster and the records that must then be delivered. */
const REST_MS = 40_000;

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
process.on('uncaughtException', (error) => unhandled.push(error));

/** Plays a scenario: the real producer, in memory, on the virtual clock; then judges it. */
export async function play(scenario: Scenario, options: { readonly trace?: boolean } = {}): Promise<Outcome> {
  if (scenario.transactions !== undefined) return playTransactions(scenario, options.trace ?? false);
  const run = new Run(scenario, options.trace ?? false);
  try {
    await run.play();
  } catch (error) {
    run.violate(
      error instanceof VirtualTimeError ? `time stands still: ${error.message}` : `it threw: ${(error as Error).stack}`,
    );
  }
  return run.outcome();
}

class Run {
  readonly #scenario: Scenario;
  readonly #violations: string[] = [];
  readonly #trace: string[] = [];
  readonly #isTracing: boolean;
  readonly #offered: OfferedRecord[] = [];
  readonly #reports: Report[] = [];
  readonly #settled = new Set<number>();
  readonly #down = new Set<number>();
  readonly #warnings = new Set<string>();
  #cluster!: MockCluster;
  #ports!: WatchedPorts;
  #producer!: ReturnType<typeof createProducer>;
  #virtualMs = 0;

  constructor(scenario: Scenario, isTracing: boolean) {
    this.#scenario = scenario;
    this.#isTracing = isTracing;
  }

  violate(text: string): void {
    this.#violations.push(text);
    this.#note(`VIOLATION ${text}`);
  }

  outcome(): Outcome {
    return {
      seed: this.#scenario.seed,
      violations: this.#violations,
      records: this.#offered.length,
      faults: this.#scenario.faults.length,
      virtualMs: this.#virtualMs,
      trace: this.#trace,
    };
  }

  async play(): Promise<void> {
    const { seed, brokers, version, latencyMs, topics, workload, faults, healAtMs, ending } = this.#scenario;
    unhandled.length = 0;
    const cluster = await MockCluster.start({
      brokers,
      version,
      seed,
      tcp: false,
      link: { latencyMs },
      requestHistory: this.#isTracing ? 100_000 : 3_000,
    });
    this.#cluster = cluster;
    for (const [name, { partitions, replicationFactor, minInsyncReplicas, maxMessageBytes }] of Object.entries(
      topics,
    )) {
      cluster.createTopic(name, {
        partitions,
        replicationFactor,
        config: {
          'min.insync.replicas': minInsyncReplicas,
          ...(maxMessageBytes === undefined ? {} : { 'max.message.bytes': maxMessageBytes }),
        },
      });
    }
    this.#ports = new WatchedPorts(cluster.inMemory());
    if (this.#isTracing) this.#observe();
    this.#producer = createProducer({ ...this.#ports.options(), ...this.#scenario.producer } as never);
    this.#producer.on('stateChanged', ({ from, to }) => this.#note(`producer ${from} -> ${to}`));
    this.#producer.on('warning', ({ code, message }) => {
      this.#note(`warning ${code}: ${message}`);
      this.#warnings.add(code);
    });
    for (const burst of workload) cluster.clock.at(burst.atMs, () => this.#burst(burst, 0));
    for (const atMs of this.#scenario.flushesAtMs) cluster.clock.at(atMs, () => this.#flush());
    for (const fault of faults) cluster.clock.at(fault.atMs, () => this.#strike(fault));

    await cluster.clock.run(cluster.clock.sleep(healAtMs), { limitMs: healAtMs + 1 });
    if (ending === 'calm') await this.#endCalmly();
    else await this.#end(ending === 'abrupt' ? 0 : Math.floor(this.#deliveryTimeoutMs / 3));
    this.#virtualMs = cluster.clock.now();
    this.#judge();
    await cluster.stop();
  }

  get #deliveryTimeoutMs(): number {
    return (this.#scenario.producer['deliveryTimeoutMs'] as number | undefined) ?? 120_000;
  }

  /** The cluster is made whole; what was offered settles, what is offered then is delivered, and the end is quick. */
  async #endCalmly(): Promise<void> {
    const { clock } = this.#cluster;
    this.#heal();
    const limitMs = this.#deliveryTimeoutMs + SLACK_MS + REST_MS;
    await clock.run(this.#producer.flush(), { limitMs });
    await clock.run(clock.sleep(REST_MS), { limitMs: REST_MS + 1 });
    const before = this.#offered.length;
    for (const topic of Object.keys(this.#scenario.topics)) {
      this.#burst({ atMs: 0, count: 3, everyMs: 0, topic, keys: 0, partition: null, valueBytes: 30 }, 0);
    }
    await clock.run(this.#producer.flush(), { limitMs });
    // With little time to block, a topic that was forgotten since may be refused once
    const mayBlock = ((this.#scenario.producer['maxBlockMs'] as number | undefined) ?? 60_000) >= 5_000;
    for (const report of this.#reports) {
      if (report.id >= before && report.outcome === 'failed' && mayBlock) {
        this.violate(`the cluster is whole again, yet record ${report.id} failed with ${report.code}`);
      }
    }
    this.#judgeHealing();
    const tookMs = await this.#end(5_000);
    if (tookMs > 1_000) this.violate(`closing with nothing left took ${tookMs} ms`);
  }

  /** What had time enough in a cluster that was whole must not run out of it. */
  #judgeHealing(): void {
    const { producer, healAtMs } = this.#scenario;
    const enoughMs = 2 * ((producer['requestTimeoutMs'] as number | undefined) ?? 30_000) + 20_000;
    for (const report of this.#reports) {
      if (report.outcome !== 'failed' || report.code !== 'DELIVERY_TIMEOUT') continue;
      const hadMs = report.atMs - Math.max(healAtMs, this.#offered[report.id]!.atMs);
      if (hadMs > enoughMs) this.violate(`record ${report.id} ran out of time ${hadMs} ms after the cluster was whole`);
    }
  }

  /** Closes, perhaps with records still on their way, and watches that nothing moves after it. Gives how long it took. */
  async #end(timeoutMs: number): Promise<number> {
    const { clock } = this.#cluster;
    const startedAt = clock.now();
    this.#note(`close within ${timeoutMs} ms`);
    await clock.run(this.#producer.close({ timeoutMs }), { limitMs: timeoutMs + SLACK_MS });
    const tookMs = clock.now() - startedAt;
    if (tookMs > timeoutMs + SLACK_MS) this.violate(`close within ${timeoutMs} ms took ${tookMs} ms`);
    await clock.run(Promise.resolve(), { limitMs: 1 });
    const ports = this.#ports;
    const { connects } = ports;
    if (ports.openTimers > 0) this.violate(`${ports.openTimers} timers are set after close`);
    await clock.run(clock.sleep(5_000), { limitMs: 5_001 });
    if (ports.openSockets > 0) this.violate(`${ports.openSockets} sockets are open after close`);
    if (ports.connects > connects) this.violate(`${ports.connects - connects} connects after close`);
    await clock.run(clock.sleep(120_000), { limitMs: 120_001 });
    if (ports.connects > connects) this.violate(`${ports.connects - connects} connects long after close`);
    return tookMs;
  }

  /** What was accepted before it must be settled when it resolves. */
  #flush(): void {
    const upTo = this.#offered.length;
    this.#note(`flush of ${upTo} records`);
    this.#producer.flush().then(
      () => {
        for (let id = 0; id < upTo; id++) {
          if (!this.#settled.has(id))
            this.violate(`flush resolved, and record ${id}, offered before it, is not settled`);
        }
      },
      (error: Error) => this.violate(`flush rejected: ${error.message}`),
    );
  }

  #burst(burst: Burst, from: number): void {
    const { count, everyMs } = burst;
    if (everyMs === 0) {
      for (let i = from; i < count; i++) this.#offer(burst, i);
      return;
    }
    this.#offer(burst, from);
    if (from + 1 < count) this.#cluster.clock.setTimeout(() => this.#burst(burst, from + 1), everyMs);
  }

  #offer(burst: Burst, index: number): void {
    const { clock } = this.#cluster;
    const id = this.#offered.length;
    const value = bytesFor(id, burst.valueBytes);
    const keyText = burst.keys === 0 ? null : `key-${index % burst.keys}`;
    const record: OfferedRecord = {
      id,
      topic: burst.topic,
      ...(burst.partition === null ? {} : { partition: burst.partition }),
      key: keyText === null ? null : encoder.encode(keyText),
      value,
      atMs: clock.now(),
    };
    this.#offered.push(record);
    const options = {
      ...(keyText === null ? {} : { key: keyText }),
      ...(burst.partition === null ? {} : { partition: burst.partition }),
      ...(burst.cancelAfterMs === undefined || index % 3 !== 0
        ? {}
        : { signal: this.#abortAfter(burst.cancelAfterMs) }),
    };
    this.#producer.produce(burst.topic, value, options).then(
      ({ partition, offset, timestampMs }) =>
        this.#report({
          id,
          outcome: 'acked',
          partition,
          offset,
          // The format of 0.8 has no place for it
          timestampMs: this.#scenario.version === '0.8.2' ? undefined : timestampMs,
          atMs: clock.now(),
        }),
      ({ persisted, code }) =>
        this.#report({
          id,
          outcome: 'failed',
          persisted: persisted ?? 'possibly',
          code: code ?? 'UNKNOWN',
          atMs: clock.now(),
        }),
    );
  }

  #abortAfter(delayMs: number): AbortSignal {
    const controller = new AbortController();
    this.#cluster.clock.setTimeout(() => controller.abort(), delayMs);
    return controller.signal;
  }

  #report(report: Report): void {
    if (this.#settled.has(report.id)) this.violate(`record ${report.id} settled twice`);
    this.#settled.add(report.id);
    this.#reports.push(report);
    const { atMs } = this.#offered[report.id]!;
    const tookMs = report.atMs - atMs;
    if (tookMs > this.#deliveryTimeoutMs + SLACK_MS) {
      this.violate(
        `record ${report.id} settled ${tookMs} ms after its offer, later than deliveryTimeoutMs ${this.#deliveryTimeoutMs}`,
      );
    }
    this.#note(
      report.outcome === 'acked'
        ? `record ${report.id} acked: partition ${report.partition}, offset ${report.offset}`
        : `record ${report.id} failed: ${report.code}, persisted ${report.persisted}`,
    );
  }

  #strike(fault: Fault): void {
    this.#note(`fault: ${fault.what}`);
    const cluster = this.#cluster;
    const words = fault.what.split(' ');
    const ids = cluster.brokerIds;
    const broker = (word: string | undefined): number => ids[Number(word) % ids.length]!;
    const later = (act: () => void): void => {
      if (fault.forMs !== null) cluster.clock.setTimeout(act, fault.forMs);
    };
    switch (words[0]) {
      case 'rule': {
        const rule = cluster.fault(sentence(fault.what, broker));
        later(() => rule.remove());
        return;
      }
      case 'kill': {
        const id = broker(words[1]);
        this.#down.add(id);
        cluster.killBroker(id);
        later(() => this.#start(id, words[2] === 'elsewhere'));
        return;
      }
      case 'freeze': {
        const id = broker(words[1]);
        cluster.pauseBroker(id);
        later(() => {
          if (cluster.brokerIds.includes(id)) cluster.resumeBroker(id);
        });
        return;
      }
      case 'move':
        cluster.moveLeader(words[1]!, Number(words[2]), broker(words[4]));
        return;
      case 'forget':
        cluster.forgetProducers();
        return;
      case 'add':
        cluster.addPartitions(words[2]!, 1);
        return;
      case 'delete':
        cluster.deleteRecords(words[2]!, Number(words[3]), cluster.offsets(words[2]!, Number(words[3])).end);
        return;
      case 'recreate': {
        // Kafka does not create a topic with more replicas than live brokers
        const replicas = this.#scenario.topics[words[1]!]!.replicationFactor;
        if (this.#down.size <= this.#scenario.brokers - replicas) cluster.recreateTopic(words[1]!);
        return;
      }
      case 'shrink': {
        const [topic, partition] = [words[1]!, Number(words[2])];
        const { leader } = cluster.replicas(topic, partition);
        cluster.setInSyncReplicas(topic, partition, [leader]);
        later(() => cluster.setInSyncReplicas(topic, partition, cluster.replicas(topic, partition).replicas));
        return;
      }
      case 'replace':
        cluster.replaceAllBrokers({ keepAddresses: true });
        return;
      default:
        throw new Error(`no fault is called "${fault.what}"`);
    }
  }

  #start(id: number, newAddress: boolean): void {
    this.#down.delete(id);
    if (this.#cluster.brokerIds.includes(id)) void this.#cluster.startBroker(id, { newAddress });
  }

  #heal(): void {
    this.#note('the cluster is made whole');
    this.#cluster.clearRules();
    for (const id of this.#cluster.brokerIds) {
      this.#cluster.resumeBroker(id);
      this.#start(id, false);
    }
  }

  #judge(): void {
    const { producer, faults } = this.#scenario;
    // Brokers that forget a producer, or deny it without cause, cannot know a batch again: a second copy is then
    // nobody's fault. Nor is it when all of them close on ApiVersions, as those do that know nothing of ids
    const forgets = faults.some(({ what }) => what === 'forget producers' || disagreements.test(what));
    const idempotent = producer['idempotent'] !== false && !this.#warnings.has('IDEMPOTENCE_UNSUPPORTED');
    const maxInFlight = (producer['maxInFlight'] as number | undefined) ?? 5;
    const history: History = {
      offered: this.#offered,
      reports: this.#reports,
      idempotent: idempotent && !forgets,
      // Where brokers are too old for the ids that were wanted, order is kept by patience
      ordered: (producer['idempotent'] !== false || maxInFlight === 1) && !forgets,
      durable: producer['requiredAcks'] !== 1,
    };
    const verdict = this.#cluster.verify(history);
    for (const { kind, text, account } of verdict.violations) {
      this.violate([`${kind}: ${text}`, ...account.slice(-12).map((line) => `    ${line}`)].join('\n'));
    }
    for (const reason of unhandled)
      this.violate(`nobody handled: ${reason instanceof Error ? reason.stack : String(reason)}`);
    for (const text of this.#ports.storms()) this.violate(text);
  }

  #observe(): void {
    this.#cluster.observe({}, (entry) => {
      const where = entry.touched.map(({ topic, partition }) => `${topic}-${partition}`).join(' ');
      this.#note(
        `broker ${entry.broker}, ${entry.remote}: ${entry.api} v${entry.version} #${entry.correlationId} ${where}, come at ${entry.atMs.toFixed(1)}: ` +
          `${entry.outcome}${entry.reason === null ? '' : ` (${entry.reason})`}${entry.faults.length === 0 ? '' : ` by ${entry.faults.join('; ')}`} ${brief(entry.response)}`,
      );
    });
  }

  #note(text: string): void {
    if (this.#isTracing) this.#trace.push(`${(this.#cluster?.clock.now() ?? 0).toFixed(1).padStart(10)} ${text}`);
  }
}

const encoder = new TextEncoder();

/** A value that is unlike any other record's. */
function bytesFor(id: number, bytes: number): Uint8Array {
  const head = `#${id};`;
  return encoder.encode(bytes > head.length ? head.padEnd(bytes, 'kiel ') : head);
}

/** Brokers are drawn as indexes; a rule's sentence names their ids. */
function sentence(what: string, broker: (word: string) => number): string {
  return what.slice('rule '.length).replace(/broker (\d+)/, (_, index: string) => `broker ${broker(index)}`);
}

const disagreements = /OUT_OF_ORDER_SEQUENCE_NUMBER/;

function brief(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'bigint') return String(each);
    return each instanceof Uint8Array ? `${each.length} bytes` : each;
  });
  return text === undefined ? '' : text.slice(0, 300);
}
