/** What brokers ask of their clients' metrics (KIP-714). */
export interface TelemetrySubscription {
  /** Beginnings of metric names; `['']` asks for all, `[]` for none. All unless given. */
  readonly metrics?: readonly string[];
  /** From one push to the next: 300,000 ms unless given. */
  readonly pushIntervalMs?: number;
  /** What one push may have: 1 MiB unless given. */
  readonly maxBytes?: number;
  /** Compressions that are taken, by their numbers, best first: zstd, lz4, gzip and snappy unless given. */
  readonly compressions?: readonly number[];
  /** Counters since the last push rather than since the client began: true unless given. */
  readonly deltaTemporality?: boolean;
}

/** One push that a broker took. */
export interface PushedMetrics {
  readonly broker: number;
  readonly clientInstanceId: string;
  readonly client: string | null;
  /** The client's last one. */
  readonly terminating: boolean;
  readonly compression: number;
  /** An OTLP MetricsData message, decompressed. */
  readonly data: Uint8Array;
  /** By the clock of the client's transport. */
  readonly atMs: number;
}

/** The receiving end of client telemetry. Without a subscription it is there and takes everything, as brokers do. */
export class Telemetry {
  readonly pushes: PushedMetrics[] = [];
  /** Clients that have pushed their last. */
  readonly terminated = new Set<string>();
  #subscription: TelemetrySubscription | null;
  #id = 1;

  constructor(subscription: TelemetrySubscription | null) {
    this.#subscription = subscription;
  }

  /** Brokers tell clients of it in ApiVersions. */
  get isListed(): boolean {
    return this.#subscription !== null;
  }

  /** Clients that know another one have to ask again. */
  get id(): number {
    return this.#id;
  }

  get subscription(): Required<TelemetrySubscription> {
    const given = this.#subscription;
    return {
      metrics: given === null ? [] : (given.metrics ?? ['']),
      pushIntervalMs: given?.pushIntervalMs ?? 300_000,
      maxBytes: given?.maxBytes ?? 1_048_576,
      compressions: given?.compressions ?? [4, 3, 1, 2],
      deltaTemporality: given?.deltaTemporality ?? true,
    };
  }

  subscribe(subscription: TelemetrySubscription): void {
    this.#subscription = subscription;
    this.#id++;
  }
}
