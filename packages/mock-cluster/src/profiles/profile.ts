export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

export interface Feature {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** What the cluster has finalized; 0 if nothing. */
  readonly finalized: number;
}

/** The manners of one Kafka version's broker. */
export interface Profile {
  readonly version: string;
  /** What the broker lists in its answer to ApiVersions, by API key. */
  readonly listed: ReadonlyMap<number, VersionRange>;
  /** What it really serves where that differs: 4.x lists Produce 0 to 2, and closes on them (KAFKA-18659). */
  readonly accepted: ReadonlyMap<number, VersionRange>;
  /** False for 0.8 and 0.9: they close the connection on ApiVersions. */
  readonly knowsApiVersions: boolean;
  /** The newest record format its logs hold. */
  readonly messageFormat: 0 | 1 | 2;
  /** Before KIP-360 (2.5). */
  readonly refusesUnknownProducers: boolean;
  /** 0: transactions are not verified; 1: verified on produce (KIP-890 part 1, 3.6); 2: part 2 (4.0). */
  readonly transactionVersion: 0 | 1 | 2;
  /** Whether producing to a leaderless or fresh topic in Metadata says LEADER_NOT_AVAILABLE (ZooKeeper) or that it is unknown (KRaft). */
  readonly isKraft: boolean;
  /** Records may be this far ahead of the broker's clock; without limit before 4.0 (KIP-937). */
  readonly timestampAfterMaxMs: number;
  readonly features: readonly Feature[];
}
