/** Metrics of Java's producer that this one has not, each with its reason. Whatever is not listed here, it has. */
export const absent: Readonly<Record<string, string>> = {
  'io-ratio':
    'Java tells of its network thread; here the event loop is the application’s: see `performance.eventLoopUtilization()`',
  'io-time-ns-avg': 'as `io-ratio`',
  'io-time-ns-total': 'as `io-ratio`',
  'io-wait-ratio': 'as `io-ratio`',
  'io-wait-time-ns-avg': 'as `io-ratio`',
  'io-wait-time-ns-total': 'as `io-ratio`',
  'select-rate': 'there is no select loop',
  'select-total': 'there is no select loop',
  'txn-prepare-time-ns-total': 'there are no two-phase commits (KIP-939) yet',
  'commit-id': 'a build’s commit is not known to a package',
  'start-time-ms': 'the process knows when it began',
  version: 'it is the package’s version',
  count: 'the length of `describeMetrics()`',
};

/** What is meant otherwise than in Java, though the name is the same. */
export const otherwise: Readonly<Record<string, string>> = {
  'waiting-threads': 'no thread is blocked: records, and callers of `ready()`, that wait for room',
  'bufferpool-wait-ratio': 'the share of time in which anybody waited for room, 1 at the most',
  'bufferpool-wait-time-ns-total': 'time in which anybody waited, not the sum over all who did',
  'metadata-wait-time-ns-total': 'time in which any record waited, not the sum over all',
  'record-size-avg': 'of all records; Java averages the largest of each batch',
  'txn-init-time-ns-total': 'of the first `begin()`, which asks the coordinator who this producer is',
};
