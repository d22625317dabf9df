import {
  decodeResponseAs,
  encodeRequest,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '@kiel/codec';
import { createProducer } from '@kiel/producer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KafkaCluster, requireKafka, startKafka } from '../../tools/kafka/index.ts';
import { RawConnection } from '../../tools/kafka/wire.ts';
import { consumeByJava } from './java-tools.ts';
import { sharedKafka } from './shared.ts';

// KIP-939, as far as brokers of 4.4 allow: only with an unstable version, and without keeping what was prepared.
describe.skipIf(!requireKafka())('commits of two phases with Kafka 4.4.0', () => {
  let kafka: KafkaCluster;
  beforeAll(async () => {
    kafka = await startKafka({
      version: '4.4.0',
      config: {
        'unstable.api.versions.enable': true,
        'transaction.two.phase.commit.enable': true,
        // Any transaction with a timeout of its own would be ended soon
        'transaction.max.timeout.ms': 1_000,
        'transaction.abort.timed.out.transaction.cleanup.interval.ms': 200,
      },
    });
    await kafka.createTopic('ledger');
  });
  afterAll(() => kafka?.stop());

  const producerFor = () =>
    createProducer({
      brokers: kafka.bootstrap.split(','),
      transactionalId: 'ledger',
      transactionTwoPhaseCommit: true,
      serializer: String,
    });

  test('a transaction may be open for longer than any timeout that brokers allow', async () => {
    await using producer = producerFor();
    const tx = await producer.begin();
    await tx.produce('ledger', 'decided late');
    // Four times the broker's maximum, and twenty of its rounds: this passes on the broker's clock alone
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await producer.commit();
    const left = await producer.begin();
    await left.produce('ledger', 'never decided');
    await using successor = producerFor();
    await successor.transaction((mine) => mine.produce('ledger', 'of the successor'));
    await expect(producer.commit()).rejects.toMatchObject({ outcome: 'aborted' });
    const args = ['--isolation-level', 'read_committed', '--timeout-ms', '8000'];
    const found = await consumeByJava(kafka, 'ledger', 2, { properties: ['print.key=false'], args });
    expect(found).toEqual(['decided late', 'of the successor']);
  });

  test('no broker keeps what was prepared: it refuses, so there is no option for it', async () => {
    const connection = await RawConnection.open(kafka.brokers[0]!.port);
    const body = { transactionalId: 'kept', transactionTimeoutMs: 60_000, enable2Pc: true, keepPreparedTxn: true };
    try {
      const find = { keyType: 1, coordinatorKeys: ['kept'] };
      let errorCode = 15;
      for (let attempt = 0; attempt < 100 && [14, 15, 16, 51].includes(errorCode); attempt++) {
        await ask(connection, FindCoordinatorRequest, FindCoordinatorResponse, 4, find);
        ({ errorCode } = await ask(connection, InitProducerIdRequest, InitProducerIdResponse, 6, body));
        if (errorCode !== 35) await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(errorCode).toBe(35);
    } finally {
      connection.close();
    }
  });

  test('brokers that were not told to allow it are an error at once, which says so', async () => {
    const shared = await sharedKafka('4.4.0');
    await using producer = createProducer({
      brokers: shared.bootstrap.split(','),
      transactionalId: 'not-allowed',
      transactionTwoPhaseCommit: true,
    });
    await expect(producer.begin()).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      outcome: 'none',
      retriable: false,
    });
  });
});

async function ask<Input, Value>(
  connection: RawConnection,
  message: Parameters<typeof encodeRequest<Input>>[0]['message'],
  answer: Parameters<typeof decodeResponseAs<Value>>[0],
  version: number,
  body: Input,
): Promise<Value> {
  connection.send(encodeRequest({ message, version, correlationId: 1, clientId: 'two-phase', body }));
  const frame = await connection.frame(15_000);
  if (frame === null) throw new Error(`no answer to ${message.name}`);
  return decodeResponseAs(answer, new Uint8Array(frame), version).body;
}
