import type { ProduceResponsePartitionProduceResponse } from '@kiel/codec/client';
import type { Batch } from './batch.ts';
import { treatmentOf } from './error-treatment.ts';
import { type BrokerError, DeliveryError } from './errors.ts';

/**
 * KIP-467: which records of a refused batch are to blame, each with an error of its own; null when the broker names
 * none, and the whole batch is refused.
 */
export function rejectedRecords(
  batch: Batch,
  error: BrokerError,
  answer: Pick<ProduceResponsePartitionProduceResponse, 'recordErrors'>,
): ReadonlyMap<number, DeliveryError> | null {
  const errors = new Map<number, DeliveryError>();
  for (const { batchIndex, batchIndexErrorMessage } of answer.recordErrors) {
    if (batchIndex < 0 || batchIndex >= batch.count) continue;
    const { topic, index } = batch.queue;
    const said = batchIndexErrorMessage === null ? error.message : `${error.code}: ${batchIndexErrorMessage}`;
    errors.set(
      batchIndex,
      new DeliveryError(error.code, `topic "${topic.name}", partition ${index}: the record was refused, ${said}`, {
        persisted: batch.isUncertain ? 'possibly' : 'no',
        topic: topic.name,
        partition: index,
        hint: treatmentOf(error.errorCode).hint,
        cause: error,
      }),
    );
  }
  return errors.size === 0 ? null : errors;
}
