/** What Kafka's definitions say about one API, without its messages. */
export interface Api {
  /** `Produce`, for ProduceRequest and ProduceResponse. */
  readonly name: string;
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The first version with compact lengths and tagged fields (KIP-482); Infinity if there is none. */
  readonly firstFlexible: number;
  /** The newest version may still change in a later release. */
  readonly latestVersionUnstable: boolean;
  /** Who serves it: `broker`, `controller`. */
  readonly listeners: readonly string[];
  /** Lowest and highest version that a release of Kafka has. */
  readonly releases: Readonly<Record<string, readonly [number, number]>>;
}
