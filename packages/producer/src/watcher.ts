import type { Batch } from './batch.ts';
import type { BrokerLink } from './broker-link.ts';

/** Hears what becomes of batches and requests while somebody looks, see inspector/. It must not throw. */
export interface Watcher {
  /** A Produce request came back. */
  answered(link: BrokerLink, sentAtMs: number): void;
  delivered(batch: Batch): void;
  /** It is in the producer's hands again, to be sent again. */
  returned(batch: Batch): void;
  /** So many records have failed. */
  lost(count: number): void;
}
