import { facts } from './facts.ts';

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
  /** As asked for, and the release whose broker was asked for these facts. */
  readonly version: string;
  readonly release: string;
  /** What the broker lists in its answer to ApiVersions, by API key. */
  readonly listed: ReadonlyMap<number, VersionRange>;
  /**
   * What it really serves where that differs: 4.x lists Produce 0 to 2, and closes on them (KAFKA-18659); KRaft's
   * brokers answer telemetry requests, and list them only with a plugin that takes the metrics (KIP-714).
   */
  readonly accepted: ReadonlyMap<number, VersionRange>;
  /** 0.8 does not look at versions: it reads and answers what is too new as its newest. */
  readonly ignoresVersions: boolean;
  /** False for 0.8 and 0.9: they close the connection on ApiVersions. */
  readonly knowsApiVersions: boolean;
  /** Since 2.4 the refusal of an ApiVersions version says which ones there are (KIP-511). */
  readonly namesApiVersionsRange: boolean;
  /** The newest record format its logs hold. */
  readonly messageFormat: 0 | 1 | 2;
  /** Since 2.4 there is INVALID_RECORD; before it, everything wrong with a batch is CORRUPT_MESSAGE. */
  readonly knowsInvalidRecord: boolean;
  /** Before 2.0 a Produce request without exactly one batch of magic 2 cannot be read, and ends the connection. */
  readonly closesOnBadFraming: boolean;
  /** Before 2.0 a bad topic name in Metadata is an unknown one. */
  readonly refusesTopicNames: boolean;
  /** Before KIP-360 (2.5). */
  readonly refusesUnknownProducers: boolean;
  /** 0: transactions are not verified; 1: verified on produce (KIP-890 part 1, 3.6); 2: part 2 (4.0). */
  readonly transactionVersion: 0 | 1 | 2;
  /** Before 4.0 a group's offsets lie with the classic coordinator, where a refused commit takes the pending one along. */
  readonly forgetsOffsetsOnRefusal: boolean;
  /** KRaft forwards admin requests and calls a topic in the making unknown; ZooKeeper's brokers do neither. */
  readonly isKraft: boolean;
  /** Before 2.0 a throttled answer is late; since then it is at once, and the connection is not read (KIP-219). */
  readonly delaysThrottled: boolean;
  /** Records may be this far ahead of the broker's clock; without limit before 4.0 (KIP-937). */
  readonly timestampAfterMaxMs: number;
  /** `socket.request.max.bytes`. */
  readonly maxRequestBytes: number;
  readonly features: readonly Feature[];
}

/** The versions of Kafka whose brokers can be played, oldest first. */
export const profileVersions: readonly string[] = ['0.8.2', '0.10.2', '1.1', '2.8', '3.9', '4.4'];

const LATEST_RELEASE = '4.4.0';

/**
 * The manners of a Kafka version: `4.4`, `3.9.2`, `0.10.2`.
 * @throws RangeError for a version that is not one of `profileVersions`.
 */
export function profileFor(version: string = LATEST_RELEASE): Profile {
  const release = Object.keys(facts).find((name) => name === version || name.startsWith(`${version}.`));
  if (release === undefined) {
    throw new RangeError(`there is no profile for Kafka ${version}; there is one for ${profileVersions.join(', ')}`);
  }
  const is = (wanted: string): boolean => isAtLeast(release, wanted);
  const listed = parseRanges(facts[release]!.apis);
  return {
    version,
    release,
    listed,
    accepted: acceptedBeside(listed, is),
    ignoresVersions: !is('0.9'),
    knowsApiVersions: listed.has(18),
    namesApiVersionsRange: is('2.4'),
    messageFormat: is('0.11') ? 2 : is('0.10') ? 1 : 0,
    knowsInvalidRecord: is('2.4'),
    closesOnBadFraming: !is('2.0'),
    refusesTopicNames: is('2.0'),
    refusesUnknownProducers: !is('2.5'),
    transactionVersion: is('4.0') ? 2 : is('3.6') ? 1 : 0,
    forgetsOffsetsOnRefusal: !is('4.0'),
    isKraft: is('3.3'),
    delaysThrottled: !is('2.0'),
    timestampAfterMaxMs: is('4.0') ? 3_600_000 : Number.MAX_SAFE_INTEGER,
    maxRequestBytes: 104_857_600,
    features: parseFeatures(facts[release]!.features),
  };
}

/** The unstable version of InitProducerId comes with KIP-939: brokers list it with `unstable.api.versions.enable`. */
export function withTwoPhaseCommit(profile: Profile): Profile {
  if (profile.transactionVersion < 2) throw new RangeError(`Kafka ${profile.version} knows no two-phase commit`);
  return { ...profile, listed: new Map([...profile.listed, [22, { min: 0, max: 6 }]]) };
}

function acceptedBeside(
  listed: ReadonlyMap<number, VersionRange>,
  is: (wanted: string) => boolean,
): ReadonlyMap<number, VersionRange> {
  const accepted = new Map<number, VersionRange>();
  if (is('4.0')) accepted.set(0, { min: 3, max: listed.get(0)!.max });
  if (is('3.7')) for (const key of [71, 72]) accepted.set(key, { min: 0, max: 0 });
  return accepted;
}

function parseRanges(text: string): Map<number, VersionRange> {
  const ranges = new Map<number, VersionRange>();
  for (const [, key, min, max] of text.matchAll(/(\d+):(\d+)-(\d+)/g)) {
    ranges.set(Number(key), { min: Number(min), max: Number(max) });
  }
  return ranges;
}

function parseFeatures(text: string): Feature[] {
  return [...text.matchAll(/(\S+):(\d+)-(\d+)=(\d+)/g)].map(([, name, min, max, finalized]) => ({
    name: name!,
    min: Number(min),
    max: Number(max),
    finalized: Number(finalized),
  }));
}

function isAtLeast(release: string, wanted: string): boolean {
  const a = release.split('.').map(Number);
  const b = wanted.split('.').map(Number);
  for (let i = 0; i < b.length; i++) {
    if ((a[i] ?? 0) !== b[i]) return (a[i] ?? 0) > b[i]!;
  }
  return true;
}
