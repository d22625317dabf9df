import { InitProducerIdRequest, InitProducerIdResponse } from '@kiel/codec/client';
import type { Cluster } from './cluster.ts';
import { treatmentOf } from './error-treatment.ts';
import { BrokerError, ConfigError, ConnectionError, type KafkaError, toError } from './errors.ts';
import type { EventSink } from './events.ts';
import type { IdempotenceMachineEvent } from './idempotence-machine.ts';
import type { SafeLogger } from './logger.ts';
import type { Sender } from './sender.ts';

export interface ProducerIdParts {
  readonly cluster: Cluster;
  readonly logger: SafeLogger;
  readonly events: EventSink;
  readonly sender: Sender;
  /** Idempotence was asked for by name: without it, nothing is sent. */
  readonly isRequired: boolean;
  /** Tells the idempotence machine how it went. */
  tell(event: IdempotenceMachineEvent): void;
  fatal(error: KafkaError): void;
}

/** Does what the idempotence machine decides: asks for an id, or does without. */
export class ProducerId {
  readonly #parts: ProducerIdParts;
  #hasWarned = false;

  constructor(parts: ProducerIdParts) {
    this.#parts = parts;
  }

  /** Asks any broker, once. */
  request(): void {
    const { cluster, tell } = this.#parts;
    // In a turn of its own: the machine is at work just now.
    Promise.resolve()
      .then(async () => {
        const link = cluster.anyNode();
        if (link === null) throw new ConnectionError('NO_BROKERS', 'no broker is known yet');
        const { body } = await link.call(InitProducerIdRequest, InitProducerIdResponse, () => ({
          transactionalId: null,
          transactionTimeoutMs: 0x7fff_ffff,
        }));
        if (body.errorCode !== 0) throw new BrokerError(body.errorCode, `InitProducerId at ${link.name}`);
        const { producerId, producerEpoch } = body;
        tell({ type: 'identified', producerId: String(producerId), epoch: producerEpoch });
      })
      .catch((thrown: unknown) => this.#refused(toError(thrown)));
  }

  /** The brokers know nothing of ids. */
  giveUp(): void {
    const { isRequired, fatal, logger, events, sender } = this.#parts;
    const problem = 'the brokers are older than 0.11 and know nothing of idempotence';
    if (isRequired) {
      fatal(new ConfigError('idempotent', `cannot be true: ${problem}`));
      return;
    }
    sender.giveUpIdempotence();
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    logger.warn('idempotence is off', { reason: problem });
    events.emit('warning', {
      code: 'IDEMPOTENCE_UNSUPPORTED',
      message: `${problem}: a record may be stored twice; order is kept, one batch of a partition at a time`,
    });
  }

  #refused(error: Error): void {
    const { logger, tell, fatal } = this.#parts;
    if (error instanceof ConnectionError && error.code === 'UNSUPPORTED_VERSION') {
      tell({ type: 'unsupported' });
      return;
    }
    const treatment = error instanceof BrokerError ? treatmentOf(error.errorCode).treatment : 'retry';
    if (treatment === 'failProducer' || treatment === 'fence') {
      fatal(error as BrokerError);
      tell({ type: 'denied' });
      return;
    }
    logger.debug('no producer id', { reason: error.message });
    tell({ type: 'refused' });
  }
}
