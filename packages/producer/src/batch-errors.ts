import type { Batch } from './batch.ts';
import type { BrokerLink } from './broker-link.ts';
import { treatmentOf } from './error-treatment.ts';
import { BrokerError, DeliveryError, type KafkaError, type Persisted } from './errors.ts';

/** A broker has refused the batch. */
export function refusalOf(batch: Batch, error: BrokerError): DeliveryError {
  const { topic, index } = batch.queue;
  const { hint } = treatmentOf(error.errorCode);
  return new DeliveryError(error.code, `topic "${topic.name}", partition ${index}: ${error.message}`, {
    persisted: batch.persisted,
    topic: topic.name,
    partition: index,
    hint,
    retriable: error.retriable,
    cause: error,
  });
}

/** Its time ran out; `clusterFailure` is why there is no picture of the cluster, if there is none. */
export function timeoutOf(batch: Batch, deliveryTimeoutMs: number, clusterFailure: Error | null): DeliveryError {
  const { topic, index, leader } = batch.queue;
  const reason = batch.lastFailure ?? leader?.lastError ?? clusterFailure;
  const why = reason == null ? '' : `; last: ${reason.message}`;
  return new DeliveryError(
    'DELIVERY_TIMEOUT',
    `topic "${topic.name}", partition ${index}: not delivered in ${deliveryTimeoutMs} ms ` +
      `(${batch.attempts} attempts${why})`,
    {
      persisted: batch.persisted,
      topic: topic.name,
      partition: index,
      hint: 'Check the health of the cluster and the way to it, or raise deliveryTimeoutMs.',
      retriable: true,
      cause: reason ?? undefined,
    },
  );
}

/** The broker is too old for something in the batch. */
export function tooOldFor(batch: Batch, code: string, problem: string, hint: string): DeliveryError {
  const { topic, index } = batch.queue;
  return new DeliveryError(code, `topic "${topic.name}", partition ${index}: ${problem}`, {
    persisted: batch.persisted,
    topic: topic.name,
    partition: index,
    hint,
  });
}

/** The partition's leader does not work with this client, and trying again changes nothing. */
export function refusedBy(link: BrokerLink, cause: KafkaError, batch: Batch): DeliveryError {
  const { topic, index } = batch.queue;
  return new DeliveryError(cause.code, `topic "${topic.name}": ${link.name} refuses this client: ${cause.message}`, {
    persisted: batch.persisted,
    topic: topic.name,
    partition: index,
    hint: 'Correct it there or here, then send again.',
    cause,
  });
}

/** The producer has ended before it was delivered: closed, or, with `cause`, failed. */
export function endedBefore(
  topic: string,
  partition: number,
  persisted: Persisted,
  cause: KafkaError | null,
): DeliveryError {
  const place = { persisted, topic, partition };
  if (cause === null) {
    return new DeliveryError('CLOSED', `topic "${topic}": the producer was closed before it was delivered`, {
      ...place,
      hint: 'Give close() more time, or await flush() before it.',
    });
  }
  const hint = cause instanceof BrokerError ? treatmentOf(cause.errorCode).hint : 'See the cause.';
  return new DeliveryError('PRODUCER_FAILED', `topic "${topic}": the producer has failed: ${cause.message}`, {
    ...place,
    hint,
    cause,
  });
}

/** The caller has taken it back. */
export function cancelledBy(reason: unknown, topic: string, partition: number, persisted: Persisted): DeliveryError {
  return new DeliveryError('CANCELLED', `topic "${topic}": the record was taken back`, {
    persisted,
    topic,
    partition,
    hint: persisted === 'no' ? 'Nothing was stored.' : 'It was on its way already.',
    cause: reason,
  });
}
