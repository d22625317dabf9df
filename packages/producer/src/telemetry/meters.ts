import { Rate, Spread } from './window.ts';

/** What goes over connections: those of one node, or all. */
export class TrafficMeters {
  readonly requests = new Rate();
  readonly requestBytes = new Spread();
  readonly responses = new Rate();
  readonly bytesOut = new Rate();
  readonly bytesIn = new Rate();
  /** Of Produce requests, as in Java. */
  readonly latencyMs = new Spread();

  sent(bytes: number, nowMs: number): void {
    this.requests.record(1, nowMs);
    this.requestBytes.record(bytes, nowMs);
    this.bytesOut.record(bytes, nowMs);
  }
}

export class TopicMeters {
  readonly records = new Rate();
  readonly bytes = new Rate();
  readonly compression = new Spread();
  readonly retries = new Rate();
  /** Records that were stored, or written where nobody is asked. */
  delivered = 0;
  readonly errors = new Rate();
  /** Records that failed, by the code of their error. */
  readonly errorCodes = new Map<string, number>();
}

/** One end of the connections: a node, or an entry of `brokers` whose node is not known yet. */
export class NodeMeters extends TrafficMeters {
  /** Kafka's number; below 0 for an entry of `brokers`, counted from -1. */
  nodeId: number;
  readonly #all: TrafficMeters;

  constructor(nodeId: number, all: TrafficMeters) {
    super();
    this.nodeId = nodeId;
    this.#all = all;
  }

  /** A request was written, with its frame. */
  override sent(bytes: number, nowMs: number): void {
    super.sent(bytes, nowMs);
    this.#all.sent(bytes, nowMs);
  }

  /** Bytes came in. */
  received(bytes: number, nowMs: number): void {
    this.bytesIn.record(bytes, nowMs);
    this.#all.bytesIn.record(bytes, nowMs);
  }

  /** An answer was found in them. */
  answered(nowMs: number): void {
    this.responses.record(1, nowMs);
    this.#all.responses.record(1, nowMs);
  }

  produced(latencyMs: number, nowMs: number): void {
    this.latencyMs.record(latencyMs, nowMs);
    this.#all.latencyMs.record(latencyMs, nowMs);
  }
}

/** Time in which something was so. */
export class Stopwatch {
  readonly #rate = new Rate();
  #sinceMs: number | null = null;

  get isRunning(): boolean {
    return this.#sinceMs !== null;
  }

  start(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  stop(nowMs: number): void {
    if (this.#sinceMs !== null) this.#rate.record(nowMs - this.#sinceMs, nowMs);
    this.#sinceMs = null;
  }

  totalMs(nowMs: number): number {
    return this.#rate.total + this.#openMs(nowMs);
  }

  /** The share of the last minute or so, from 0 to 1. */
  ratio(nowMs: number): number {
    // What lasts still counts up to now.
    if (this.#sinceMs !== null) {
      this.stop(nowMs);
      this.start(nowMs);
    }
    return Math.min(1, this.#rate.perSecond(nowMs) / 1000);
  }

  #openMs(nowMs: number): number {
    return this.#sinceMs === null ? 0 : nowMs - this.#sinceMs;
  }
}

/** Everything that a producer counts. Counted per request and batch, never per record. */
export class Meters {
  readonly traffic = new TrafficMeters();
  readonly nodes = new Map<number, NodeMeters>();
  readonly topics = new Map<string, TopicMeters>();

  readonly batchBytes = new Spread();
  readonly batchSplits = new Rate();
  readonly queueMs = new Spread();
  readonly records = new Rate();
  readonly recordsPerRequest = new Spread();
  readonly recordBytes = new Spread();
  readonly largestRecordBytes = new Spread();
  readonly compression = new Spread();
  readonly retries = new Rate();
  readonly errors = new Rate();
  readonly exhausted = new Rate();
  readonly throttleMs = new Spread();

  /** While somebody waits for room in the buffer. */
  readonly roomWait = new Stopwatch();
  /** While records wait for a topic's metadata. */
  readonly metadataWait = new Stopwatch();
  readonly flush = new Stopwatch();
  readonly transactionMs = { init: 0, begin: 0, sendOffsets: 0, commit: 0, abort: 0 };

  readonly connectionsOpened = new Rate();
  readonly connectionsClosed = new Rate();
  readonly authentications = new Rate();
  readonly failedAuthentications = new Rate();
  readonly reauthentications = new Rate();
  readonly failedReauthentications = new Rate();
  /** Authentications whose session has no end. */
  authenticationsForGood = 0;
  readonly reauthenticationMs = new Spread();
  /** When the cluster's picture was last brought up to date; the producer's beginning before that. */
  metadataAtMs: number;

  constructor(nowMs: number) {
    this.metadataAtMs = nowMs;
  }

  topic(name: string): TopicMeters {
    let topic = this.topics.get(name);
    if (topic === undefined) {
      topic = new TopicMeters();
      this.topics.set(name, topic);
    }
    return topic;
  }

  node(nodeId: number): NodeMeters {
    let node = this.nodes.get(nodeId);
    if (node === undefined) {
      node = new NodeMeters(nodeId, this.traffic);
      this.nodes.set(nodeId, node);
    }
    return node;
  }
}
