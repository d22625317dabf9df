/**
 * What a viewer is told, and what a recording holds, one JSON object a message or line. Times are milliseconds since
 * 1970 where they are called `at`, else spans in milliseconds. No message's key, value or header is in it, and no
 * setting that could be a secret.
 */
export type FeedMessage = Hello | Past | Frame;

/** Raised when older pages could not read what newer producers tell. */
export const feedFormat = 1;

/** The first message. A recording begins with it as well. */
export interface Hello {
  readonly kind: 'hello';
  readonly format: number;
  /** Version of the producer's package. */
  readonly version: string;
  readonly clientId: string;
  readonly transactionalId: string | null;
  readonly pid: number;
  readonly at: number;
  /** What the page may ask for. */
  readonly allow: readonly InspectorAction[];
  readonly limits: { readonly bufferBytes: number; readonly maxInFlight: number };
}

export type InspectorAction = 'flush' | 'close';

/** The second message of a stream: what was told before somebody looked, as far as it was kept. */
export interface Past {
  readonly kind: 'past';
  /** Oldest first. */
  readonly frames: readonly Frame[];
}

/** How things are, and what has happened since the frame before. */
export interface Frame {
  readonly kind: 'frame';
  readonly at: number;
  readonly totals: Totals;
  /** Of what was settled since the last frame; `null` if nothing was. */
  readonly recordLatency: Percentiles | null;
  readonly requestLatency: Percentiles | null;
  readonly machines: readonly MachineView[];
  /** Milliseconds of this frame that the producer's machine spent in each state. */
  readonly spent: Readonly<Record<string, number>>;
  readonly brokers: readonly BrokerView[];
  /** Those with something in them, the fullest first; at most `mostPartitions`. */
  readonly partitions: readonly PartitionView[];
  /** How many more have something in them. */
  readonly morePartitions: number;
  readonly steps: readonly Step[];
  readonly notes: readonly Note[];
  /** Steps and notes that there was no room for. */
  readonly dropped: number;
}

/** Counts since the inspector was opened, and present amounts. */
export interface Totals {
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly failed: number;
  readonly batches: number;
  readonly requests: number;
  /** Batches that came back to be sent again. */
  readonly retries: number;
  /** Accepted and not settled. */
  readonly unsettled: number;
  /** Accepted and not on their way. */
  readonly unsent: number;
  /** Records that wait for metadata, or for room in the buffer. */
  readonly waiting: number;
  readonly bufferedBytes: number;
  readonly inFlightRequests: number;
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface MachineView {
  /** Unique in a producer: `producer`, `metadata`, `node 1 host:9092 #3`. */
  readonly actor: string;
  /** The id of its definition: `producer`, `broker`, … */
  readonly machine: string;
  readonly state: string;
  /** Counters of its context. */
  readonly context: Readonly<Record<string, string | number | null>>;
}

export interface BrokerView {
  /** The actor of its machine. */
  readonly actor: string;
  /** `null` for an entry of `brokers` that is asked for the way to the others. */
  readonly nodeId: number | null;
  readonly address: string;
  readonly rack: string | null;
  readonly inFlight: number;
  /** Batches of its partitions that wait to be sent. */
  readonly queued: number;
  readonly retrying: number;
  /** Partitions it leads that have something in them. */
  readonly partitions: number;
  /** What is left of the pause that it asked for; 0 if it did not. */
  readonly throttledMs: number;
  /** Of answers since the last frame. */
  readonly requestLatency: Percentiles | null;
  readonly lastError: string | null;
}

export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  /** `null` while it is unknown. */
  readonly leader: number | null;
  /** In batches, all three. */
  readonly inFlight: number;
  readonly queued: number;
  readonly retrying: number;
  readonly records: number;
  readonly bytes: number;
  /** How long the oldest record has been waiting. */
  readonly ageMs: number;
  /** Attempts of the oldest batch. */
  readonly attempts: number;
  /** Until it may be tried again; 0 if it may. */
  readonly backoffMs: number;
  readonly lastError: string | null;
}

/** A machine took a transition, perhaps more than once: equal ones of one frame are told together. */
export interface Step {
  readonly at: number;
  readonly actor: string;
  readonly machine: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  /** Of the transition, as in the charts. */
  readonly key: string;
  readonly count: number;
  /** When it was taken the last time. */
  readonly lastAt: number;
}

/** Something that no machine's state shows. */
export interface Note {
  readonly at: number;
  readonly kind: 'failed' | 'throttled' | 'rebootstrapped' | 'warning' | 'action';
  readonly text: string;
}

export const mostPartitions = 200;
export const mostBrokers = 100;
