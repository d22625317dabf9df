import type { History, OfferedRecord, Report, TransactionReport } from '@kiel/mock-cluster';
import { MockCluster, VirtualTimeError } from '@kiel/mock-cluster';
import { group, transactionalId } from './draw-transactions.ts';
import type { Outcome } from './play.ts';
import type { Fault, PlannedTransaction, Scenario } from './scenario.ts';
import { WatchedPorts } from './watched-ports.ts';

const { createProducer } = (await import(
  process.env['KIEL_PRODUCER'] ?? '@kiel/producer'
)) as typeof import('@kiel/producer');

type Producer = ReturnType<typeof createProducer>;

/** All that was planned must have come to an end so long after the cluster was made whole. */
const LIMIT_MS = 3_600_000;
/** Producers, one after the other or side by side, in one history. */
const MOST_PRODUCERS = 12;

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

/** Plays such a history, and judges it: each transaction whole or absent, as its application was told. */
export async function playTransactions(scenario: Scenario, isTracing: boolean): Promise<Outcome> {
  const run = new TransactionRun(scenario, isTracing);
  try {
    await run.play();
  } catch (error) {
    run.violate(
      error instanceof VirtualTimeError ? `time stands still: ${error.message}` : `it threw: ${(error as Error).stack}`,
    );
  }
  return run.outcome();
}

interface SentOffset {
  readonly offset: bigint;
  outcome: TransactionReport['outcome'];
}

interface Incarnation {
  readonly name: string;
  readonly producer: Producer;
  readonly ports: WatchedPorts;
  /** When it first began a transaction, and as whom; null before. */
  claim: Claim | null;
}

/**
 * From then on the name was this producer's, and no earlier owner's any more. Who came later is told by the coordinator's
 * numbers: answers to two who ask at once may arrive the other way round.
 */
interface Claim {
  readonly atMs: number;
  readonly producerId: bigint;
  readonly epoch: number;
}

/** As much of an error as the application looks at. */
interface Thrown {
  readonly code?: string;
  readonly outcome?: 'none' | 'open' | 'aborted' | 'unknown';
  readonly retriable?: boolean;
  readonly message: string;
}

class TransactionRun {
  readonly #scenario: Scenario;
  readonly #isTracing: boolean;
  readonly #violations: string[] = [];
  readonly #trace: string[] = [];
  readonly #offered: OfferedRecord[] = [];
  readonly #reports: Report[] = [];
  readonly #transactions: TransactionReport[] = [];
  /** Offsets that were sent, and what became of their transaction. */
  readonly #offsets: SentOffset[] = [];
  readonly #queue: PlannedTransaction[];
  readonly #incarnations: Incarnation[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly #down = new Set<number>();
  #alive = 0;
  #serial = 0;
  #cluster!: MockCluster;
  #brokers: readonly string[] = [];
  #virtualMs = 0;

  constructor(scenario: Scenario, isTracing: boolean) {
    this.#scenario = scenario;
    this.#isTracing = isTracing;
    this.#queue = [...(scenario.transactions ?? [])];
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
    const { seed, brokers, version, latencyMs, topics, faults, healAtMs } = this.#scenario;
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
    for (const [name, { partitions, replicationFactor }] of Object.entries(topics)) {
      cluster.createTopic(name, { partitions, replicationFactor });
    }
    if (this.#isTracing) this.#observe();
    this.#brokers = [...cluster.inMemory().brokers];
    this.#start();
    for (const fault of faults) cluster.clock.at(fault.atMs, () => this.#strike(fault));
    const { clock } = cluster;
    await clock.run(clock.sleep(healAtMs), { limitMs: healAtMs + 1 });
    this.#heal();
    await clock.run(this.#allLoops(), { limitMs: LIMIT_MS });
    if (this.#queue.length > 0) this.violate(`${this.#queue.length} transactions were never tried`);
    // Requests that are still under way somewhere come to their end
    await clock.run(clock.sleep(60_000), { limitMs: 60_001 });
    for (const each of this.#incarnations) this.#judgeLeftOpen(each);
    this.#judgeOffsets();
    await clock.run(this.#prove(), { limitMs: LIMIT_MS });
    for (const each of this.#incarnations) await this.#close(each);
    this.#virtualMs = clock.now();
    this.#judge();
    await cluster.stop();
  }

  /** More of them may begin while they end. */
  async #allLoops(): Promise<void> {
    for (let i = 0; i < this.#loops.length; i++) await this.#loops[i];
  }

  #start(): void {
    if (this.#incarnations.length >= MOST_PRODUCERS) return;
    const incarnation = this.#make();
    this.#alive++;
    this.#loops.push(
      this.#work(incarnation).then(
        () => {
          this.#alive--;
          if (this.#alive === 0 && this.#queue.length > 0) this.#start();
        },
        (error: Error) => this.violate(`an application's loop threw: ${error.stack}`),
      ),
    );
  }

  #make(): Incarnation {
    const name = `producer ${this.#incarnations.length + 1}`;
    const ports = new WatchedPorts(this.#cluster.inMemory());
    const producer = createProducer({
      ...ports.options(),
      // As configured once: whoever starts while brokers are down knows their addresses as well
      brokers: this.#brokers,
      ...this.#scenario.producer,
      transactionalId,
    } as never);
    const incarnation: Incarnation = { name, producer, ports, claim: null };
    this.#incarnations.push(incarnation);
    this.#note(`${name} starts`);
    return incarnation;
  }

  /** An application: takes one planned transaction after the other until its producer is done for. */
  async #work(incarnation: Incarnation): Promise<void> {
    const { clock } = this.#cluster;
    for (;;) {
      const planned = this.#queue.shift();
      if (planned === undefined) return;
      if (planned.atMs > clock.now()) await clock.sleep(planned.atMs - clock.now());
      for (let attempt = 1; ; attempt++) {
        this.#judgeLeftOpen(incarnation);
        const result = await this.#try(incarnation, planned);
        if (result === 'done') break;
        if (result === 'dead' || attempt >= 6) {
          if (result === 'dead') {
            this.#queue.unshift(planned);
            // The last producers have to come to an end as well
            if (this.#incarnations.length >= MOST_PRODUCERS) this.#queue.length = 0;
            return;
          }
          break;
        }
        await clock.sleep(100);
      }
    }
  }

  /** One attempt; `again` when the application may try it once more, `dead` when its producer cannot. */
  async #try(incarnation: Incarnation, planned: PlannedTransaction): Promise<'done' | 'again' | 'dead'> {
    const { name, producer } = incarnation;
    const { clock } = this.#cluster;
    let tx: Awaited<ReturnType<Producer['begin']>>;
    try {
      tx = await producer.begin();
    } catch (thrown) {
      return this.#mayGoOn(thrown as Thrown, `${name} begin`) ? 'again' : 'dead';
    }
    const beganMs = clock.now();
    incarnation.claim ??= { atMs: beganMs, ...identityOf(producer) };
    const transaction = `transaction ${++this.#serial}`;
    this.#note(`${name} begins ${transaction}`);
    const deliveries: Promise<void>[] = [];
    let sent = null as SentOffset | null;
    const end = (outcome: TransactionReport['outcome']): void => {
      this.#note(`${name} ${transaction}: ${outcome}`);
      this.#transactions.push({ transaction, outcome, atMs: clock.now() });
      if (sent !== null) sent.outcome = outcome;
    };
    for (const { topic, partition, valueBytes } of planned.records) {
      deliveries.push(this.#offer(tx, name, transaction, topic, partition, valueBytes));
      if (planned.pauseMs > 0) await clock.sleep(planned.pauseMs);
    }
    if (planned.awaits) await Promise.all(deliveries);
    let error: Thrown | null = null;
    let sending: Promise<Thrown | null> = Promise.resolve(null);
    if (planned.offsets) {
      sent = { offset: BigInt(this.#offsets.length + 1), outcome: 'unknown' };
      this.#offsets.push(sent);
      const topic = Object.keys(this.#scenario.topics)[0]!;
      sending = failureOf(tx.sendOffsets([{ topic, partition: 0, offset: sent.offset }], group));
      // Who does not wait has a commit that does, and that refuses if they fail
      if (planned.awaits || planned.ending === 'abort') error = await sending;
    }
    if (error === null && planned.ending === 'commit') {
      error = await failureOf(producer.commit());
      for (let i = 0; error?.outcome === 'unknown' && error.retriable === true && i < 30; i++) {
        this.#note(`${name} ${transaction}: ${error.message}`);
        await clock.sleep(1_000);
        error = await failureOf(producer.commit());
      }
      if (error === null) {
        await Promise.all(deliveries);
        end('committed');
        const missing = await sending;
        if (missing !== null) this.violate(`${transaction} was committed without its offsets: ${missing.message}`);
        if (planned.records.length > 0) this.#judgeOwner(incarnation, beganMs, transaction);
        return 'done';
      }
      if (error.outcome === 'unknown') {
        end('unknown');
        if (this.#mayGoOn(error, `${name} commit`)) this.violate(`no answer to a commit of ${name}: ${error.message}`);
        return 'dead';
      }
    }
    // Told that it failed, or of its own will
    if (error !== null) this.#note(`${name} ${transaction}: ${error.code} ${error.message}`);
    let failed = error !== null && error.outcome === 'aborted' ? error : await failureOf(producer.abort());
    for (let i = 0; failed?.code === 'COORDINATOR_TIMEOUT' && i < 30; i++) {
      await clock.sleep(1_000);
      failed = await failureOf(producer.abort());
    }
    end('aborted');
    if (failed !== null) return this.#mayGoOn(failed, `${name} abort`) ? 'again' : 'dead';
    return error === null ? 'done' : 'again';
  }

  /** Nobody commits what he began after another had taken his name. */
  #judgeOwner({ name, claim: own }: Incarnation, beganMs: number, transaction: string): void {
    const younger = this.#incarnations.find(
      ({ claim }) => claim !== null && isLater(claim, own!) && claim.atMs < beganMs,
    );
    if (younger === undefined) return;
    this.violate(`${name} committed ${transaction}, begun when ${younger.name} had taken its name`);
  }

  /** What this producer has ended is not open at the coordinator, where nobody but its timeout would end it. */
  #judgeLeftOpen({ name, producer }: Incarnation): void {
    const machine = producer.actor.getSnapshot().children.transaction?.getSnapshot();
    if (machine?.value !== 'ready') return;
    const { producerId, epoch } = identityOf(producer);
    const there = this.#cluster.transaction(transactionalId);
    if (there?.state !== 'Ongoing' || there.producerId !== producerId || there.epoch !== epoch) return;
    this.violate(`${name} has ended all its transactions, and its coordinator has one open`);
  }

  #mayGoOn(error: Thrown, what: string): boolean {
    this.#note(`${what}: ${error.code} ${error.message}`);
    if (error.code === undefined || error.outcome === undefined) this.violate(`${what} threw ${String(error)}`);
    return error.retriable === true;
  }

  async #offer(
    tx: Awaited<ReturnType<Producer['begin']>>,
    producer: string,
    transaction: string,
    topic: string,
    partition: number | null,
    valueBytes: number,
  ): Promise<void> {
    const { clock } = this.#cluster;
    const recordId = this.#offered.length;
    const head = `#${recordId};`;
    const value = new TextEncoder().encode(valueBytes > head.length ? head.padEnd(valueBytes, 'kiel ') : head);
    const where = partition === null ? {} : { partition };
    this.#offered.push({ id: recordId, topic, key: null, value, atMs: clock.now(), producer, transaction, ...where });
    try {
      const report = await tx.produce(topic, value, where);
      this.#reports.push({
        id: recordId,
        outcome: 'acked',
        partition: report.partition,
        offset: report.offset,
        timestampMs: report.timestampMs,
        atMs: clock.now(),
      });
    } catch (thrown) {
      const { persisted = 'possibly', code = 'UNKNOWN' } = thrown as { persisted?: 'no' | 'possibly'; code?: string };
      this.#note(`record ${recordId} failed: ${(thrown as Error).message}`);
      this.#reports.push({ id: recordId, outcome: 'failed', persisted, code, atMs: clock.now() });
    }
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
    const newest = this.#incarnations.at(-1)!;
    switch (words[0]) {
      case 'rule': {
        const rule = cluster.fault(fault.what.slice('rule '.length));
        later(() => rule.remove());
        return;
      }
      case 'kill':
        this.#down.add(broker(words[1]));
        cluster.killBroker(broker(words[1]));
        later(() => this.#restart(broker(words[1])));
        return;
      case 'freeze':
        cluster.pauseBroker(broker(words[1]));
        later(() => cluster.resumeBroker(broker(words[1])));
        return;
      case 'move':
        cluster.moveLeader(words[1]!, Number(words[2]), broker(words[4]));
        return;
      case 'coordinator':
        cluster.moveCoordinator(words[1]!);
        return;
      case 'expire':
        cluster.expireTransaction(transactionalId);
        return;
      case 'takeover':
        this.#start();
        return;
      case 'crash':
        // Nothing is said to the brokers: as good as a killed process
        void newest.producer.close({ timeoutMs: 0 });
        this.#start();
        return;
      default:
        throw new Error(`no fault is called "${fault.what}"`);
    }
  }

  #restart(broker: number): void {
    if (this.#down.delete(broker)) void this.#cluster.startBroker(broker);
  }

  #heal(): void {
    this.#note('the cluster is made whole');
    this.#cluster.clearRules();
    for (const broker of this.#cluster.brokerIds) {
      this.#cluster.resumeBroker(broker);
      this.#restart(broker);
    }
  }

  /** After all that, a new producer has to get through at its first attempt. */
  async #prove(): Promise<void> {
    const incarnation = this.#make();
    const topics = Object.keys(this.#scenario.topics);
    const planned: PlannedTransaction = {
      atMs: 0,
      records: topics.map((topic) => ({ topic, partition: 0, valueBytes: 20 })),
      pauseMs: 0,
      awaits: false,
      offsets: true,
      ending: 'commit',
    };
    for (const which of ['first', 'second']) {
      const result = await this.#try(incarnation, planned);
      if (result !== 'done') {
        this.violate(`the cluster is whole again, yet the ${which} transaction of a new producer came to "${result}"`);
      } else if (this.#cluster.committed(group, topics[0]!, 0) !== BigInt(this.#offsets.length)) {
        this.violate('the offsets of the last transaction do not count, though it was committed');
      }
    }
  }

  async #close({ name, producer, ports }: Incarnation): Promise<void> {
    const { clock } = this.#cluster;
    const beganMs = clock.now();
    await clock.run(producer.close({ timeoutMs: 5_000 }), { limitMs: 7_000 });
    if (clock.now() - beganMs > 6_000) this.violate(`closing ${name} took ${clock.now() - beganMs} ms`);
    await clock.run(clock.sleep(5_000), { limitMs: 5_001 });
    if (ports.openTimers > 0) this.violate(`${name}: ${ports.openTimers} timers are set after close`);
    if (ports.openSockets > 0) this.violate(`${name}: ${ports.openSockets} sockets are open after close`);
    for (const text of ports.storms()) this.violate(`${name}: ${text}`);
  }

  #judgeOffsets(): void {
    const topic = Object.keys(this.#scenario.topics)[0]!;
    const found = this.#cluster.committed(group, topic, 0);
    const least = this.#offsets.findLast(({ outcome }) => outcome === 'committed')?.offset ?? 0n;
    const source = this.#offsets.find(({ offset }) => offset === found);
    if ((found ?? 0n) < least) this.violate(`the group stands at ${found}, and ${least} was committed`);
    if (found !== null && source?.outcome === 'aborted') {
      this.violate(`the group stands at ${found}, whose transaction was aborted`);
    }
  }

  #judge(): void {
    const history: History = {
      offered: this.#offered,
      reports: this.#reports,
      transactions: this.#transactions,
    };
    for (const { transaction, outcome } of this.#transactions) {
      if (outcome !== 'committed') continue;
      const failed = this.#offered.find(
        (record) =>
          record.transaction === transaction &&
          this.#reports.some((report) => report.id === record.id && report.outcome === 'failed'),
      );
      if (failed !== undefined) this.violate(`${transaction} was committed without record ${failed.id}, which failed`);
    }
    const verdict = this.#cluster.verify(history);
    for (const { kind, text, account } of verdict.violations) {
      this.violate([`${kind}: ${text}`, ...account.slice(-12).map((line) => `    ${line}`)].join('\n'));
    }
    for (const reason of unhandled)
      this.violate(`nobody handled: ${reason instanceof Error ? reason.stack : String(reason)}`);
    const open = this.#cluster.transaction(transactionalId)?.state;
    if (open === 'Ongoing') this.violate('a transaction is open in the end');
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

function isLater(a: Claim, b: Claim): boolean {
  return a.producerId === b.producerId ? a.epoch > b.epoch : a.producerId > b.producerId;
}

/** As the coordinator has named it. */
function identityOf(producer: Producer): { producerId: bigint; epoch: number } {
  const { producerId, epoch } = producer.actor.getSnapshot().children.transaction!.getSnapshot().context;
  return { producerId: BigInt(producerId ?? -1), epoch };
}

async function failureOf(promise: Promise<unknown>): Promise<Thrown | null> {
  try {
    await promise;
    return null;
  } catch (thrown) {
    return thrown as Thrown;
  }
}

function brief(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'bigint') return String(each);
    return each instanceof Uint8Array ? `${each.length} bytes` : each;
  });
  return text === undefined ? '' : text.slice(0, 200);
}
