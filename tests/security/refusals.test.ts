import { CreateAclsRequest, CreateAclsResponse } from '@kiel/codec';
import {
  createProducer,
  DeliveryError,
  type KafkaError,
  type ProducerOptions,
  type SaslOptions,
  type TransactionError,
} from '@kiel/producer';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requireKafka } from '../../tools/kafka/index.ts';
import { Authority } from './certificates.ts';
import { Client } from './client.ts';
import { Recorder } from './recorder.ts';
import { secrets } from './secrets.ts';
import { type SecureKafka, startSecureKafka } from './secure-kafka.ts';

const alice: SaslOptions = { mechanism: 'plain', username: 'alice', password: secrets.plainPassword };

describe.skipIf(!requireKafka())('what a real broker refuses', () => {
  let secure: SecureKafka;
  let recorder: Recorder;
  let ca: string;

  beforeAll(async () => {
    secure = await startSecureKafka();
    ca = secure.authority.ca;
    await Promise.all(['orders', 'forbidden'].map((name) => secure.kafka.createTopic(name)));
    using admin = await Client.connect('127.0.0.1', secure.port('PLAINTEXT'));
    const deny = { host: '*', permissionType: 2 };
    const allowAll = { principal: 'User:*', host: '*', permissionType: 3, operation: 2 };
    const { results } = await admin.request(CreateAclsRequest, CreateAclsResponse, 3, {
      creations: [
        { ...allowAll, resourceType: 2, resourceName: '*' },
        { ...allowAll, resourceType: 4, resourceName: 'kafka-cluster' },
        { ...deny, principal: 'User:alice', resourceType: 2, resourceName: 'forbidden', operation: 4 },
        // Since Kafka 2.8 the right to write to any topic implies that to write idempotently.
        { ...deny, principal: 'User:bob', resourceType: 4, resourceName: 'kafka-cluster', operation: 12 },
        { ...deny, principal: 'User:bob', resourceType: 2, resourceName: '*', operation: 4 },
        // Transactional ids: one that may not be written, one that may not even be seen
        { ...allowAll, resourceType: 5, resourceName: '*' },
        { ...deny, principal: 'User:alice', resourceType: 5, resourceName: 'not-hers', operation: 4 },
        { ...deny, principal: 'User:alice', resourceType: 5, resourceName: 'hidden', operation: 8 },
        { ...allowAll, resourceType: 3, resourceName: '*' },
        { ...deny, principal: 'User:alice', resourceType: 3, resourceName: 'others', operation: 3 },
      ],
    });
    expect(results.map(({ errorCode }) => errorCode)).toEqual(Array(10).fill(0));
  });
  afterAll(() => secure?.[Symbol.asyncDispose]());
  beforeEach(() => {
    recorder = new Recorder();
  });
  afterEach(() => {
    expect(recorder.size).toBeGreaterThan(1000);
    expect(recorder.found()).toEqual([]);
  });

  type Listener = Parameters<SecureKafka['port']>[0];

  /** The error of one record, with the connections' fate told by the log. */
  async function refusal(
    listener: Listener,
    options: Partial<ProducerOptions>,
    topic = 'orders',
  ): Promise<DeliveryError> {
    const brokers = [`localhost:${secure.port(listener)}`];
    const producer = createProducer({ brokers, deliveryTimeoutMs: 1500, ...options, ...recorder.options });
    recorder.watch(producer);
    const error: unknown = await producer.produce(topic, 'x').then(
      () => null,
      (error) => error,
    );
    await producer.close({ timeoutMs: 1000 });
    recorder.note(error);
    expect(error).toBeInstanceOf(DeliveryError);
    return error as DeliveryError;
  }

  /** The innermost reason, which is the one with the code to match on. */
  function reasonOf(error: DeliveryError): KafkaError {
    let reason: KafkaError = error;
    while ((reason.cause as KafkaError | undefined)?.code !== undefined && reason.cause instanceof Error) {
      const cause = reason.cause as KafkaError;
      if (typeof cause.retriable !== 'boolean') break;
      reason = cause;
    }
    return reason;
  }

  const connections = () => recorder.lines.filter((line) => line.includes('connection ended')).length;

  test.each<[string, SaslOptions]>([
    ['PLAIN', { mechanism: 'plain', username: 'alice', password: secrets.wrongPassword }],
    ['SCRAM-SHA-256', { mechanism: 'scram-sha-256', username: 'bob', password: secrets.wrongPassword }],
    ['SCRAM-SHA-512', { mechanism: 'scram-sha-512', username: 'carol', password: secrets.wrongPassword }],
    [
      'OAUTHBEARER',
      { mechanism: 'oauthbearer', token: () => ({ value: `e30.${secrets.wrongPassword}.`, expiresAtMs: 1e15 }) },
    ],
  ])('wrong %s credentials fail a record at once, in one attempt, and say what to do', async (_name, sasl) => {
    for (const [listener, tls] of [
      ['SASL', false],
      ['SASLTLS', { ca }],
    ] as const) {
      const started = performance.now();
      const error = await refusal(listener, { sasl, tls, deliveryTimeoutMs: 60_000 });
      expect(performance.now() - started).toBeLessThan(10_000);
      expect(error).toMatchObject({ persisted: 'no', retriable: false });
      const reason = reasonOf(error);
      expect(reason).toMatchObject({
        name: 'AuthenticationError',
        code: 'SASL_AUTHENTICATION_FAILED',
        retriable: false,
      });
      expect(error.message).toContain(`localhost:${secure.port(listener)}`);
    }
    expect(connections()).toBe(2);
  });

  test('an unknown mechanism names what the broker offers', async () => {
    const sasl: SaslOptions = {
      mechanism: {
        name: 'MINE',
        async *authenticate() {
          yield new Uint8Array(1);
        },
      },
    };
    const reason = reasonOf(await refusal('SASL', { sasl, deliveryTimeoutMs: 60_000 }));
    expect(reason.code).toBe('UNSUPPORTED_SASL_MECHANISM');
    for (const name of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'])
      expect(reason.message).toContain(name);
    expect(connections()).toBe(1);
  });

  test('SASL at a listener without it says so at once', async () => {
    const reason = reasonOf(await refusal('PLAINTEXT', { sasl: alice, deliveryTimeoutMs: 60_000 }));
    expect(reason.code).toBe('ILLEGAL_SASL_STATE');
    expect(reason.message).toContain('not a SASL one');
  });

  test('no SASL at a listener that wants it is guessed from how it closes', async () => {
    const error = await refusal('SASL', {});
    expect(`${error.message} ${recorder.lines.join('\n')}`).toContain('wants SASL');
  });

  test('a plain client at a TLS port is told at once that the peer speaks TLS', async () => {
    for (const [listener, sasl] of [
      ['TLS', undefined],
      ['SASLTLS', alice],
    ] as const) {
      const reason = reasonOf(await refusal(listener, { ...(sasl && { sasl }), deliveryTimeoutMs: 60_000 }));
      expect(reason).toMatchObject({ code: 'PEER_SPEAKS_TLS', retriable: false });
      expect(reason.message).toContain('it speaks TLS and this client does not');
    }
  });

  test('a TLS client at a plain port is told that the peer most likely does not speak TLS', async () => {
    const error = await refusal('PLAINTEXT', { tls: { ca } });
    expect(`${error.message} ${recorder.lines.join('\n')}`).toContain('most likely does not speak TLS');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a client certificate that is missing or strange is refused at once over %s',
    async (maxVersion) => {
      using stranger = new Authority();
      for (const certificate of [{}, stranger.issue({ name: 'stranger' })]) {
        const { key, cert } = certificate as { key?: string; cert?: string };
        const tls = { ca, maxVersion, ...(key && cert && { key, cert }) };
        const reason = reasonOf(await refusal('MTLS', { tls, deliveryTimeoutMs: 60_000 }));
        expect(reason).toMatchObject({ code: 'TLS_CLIENT_CERTIFICATE_REFUSED', retriable: false });
      }
    },
  );

  test('a broker of another authority, or by another name, gets no credentials', async () => {
    using stranger = new Authority();
    const untrusted = await refusal('SASLTLS', { sasl: alice, tls: { ca: stranger.ca }, deliveryTimeoutMs: 60_000 });
    expect(reasonOf(untrusted)).toMatchObject({ code: 'TLS_CERTIFICATE_NOT_TRUSTED', retriable: false });
    const tls = { ca, servername: 'elsewhere.example' };
    const mismatch = reasonOf(await refusal('SASLTLS', { sasl: alice, tls, deliveryTimeoutMs: 60_000 }));
    expect(mismatch).toMatchObject({ code: 'TLS_NAME_MISMATCH', retriable: false });
    expect(mismatch.message).toContain('"localhost"');
  });

  test('no right to write idempotently is final for the producer, and told at once', async () => {
    const sasl: SaslOptions = { mechanism: 'scram-sha-256', username: 'bob', password: secrets.scram256Password };
    const reason = reasonOf(await refusal('SASL', { sasl, deliveryTimeoutMs: 60_000 }));
    expect(reason).toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED', retriable: false });
  });

  test('no right to a topic fails its records at once, and no others', async () => {
    const producer = createProducer({
      brokers: [`localhost:${secure.port('SASL')}`],
      sasl: alice,
      ...recorder.options,
    });
    recorder.watch(producer);
    await producer.produce('orders', 'allowed');
    const error: DeliveryError = await producer.produce('forbidden', 'x').then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(error).toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED', retriable: false, persisted: 'no' });
    expect(error.message).toContain('"forbidden"');
    await producer.produce('orders', 'still allowed');
    await producer.close();
  });

  const transactional = (transactionalId: string) => {
    const producer = createProducer({
      brokers: [`localhost:${secure.port('SASL')}`],
      sasl: alice,
      transactionalId,
      ...recorder.options,
    });
    recorder.watch(producer);
    return producer;
  };

  test.each(['not-hers', 'hidden'])(
    'no right to the transactional id "%s" ends the producer at the first begin, and says which right is missing',
    async (transactionalId) => {
      const producer = transactional(transactionalId);
      const started = performance.now();
      const error = await producer.begin().then(
        () => expect.unreachable(),
        (error: TransactionError) => error,
      );
      recorder.note(error);
      expect(performance.now() - started).toBeLessThan(10_000);
      expect(error).toMatchObject({
        name: 'TransactionError',
        code: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
        outcome: 'none',
        retriable: false,
      });
      expect(error.hint).toContain(`the rights Describe and Write on the transactional id "${transactionalId}"`);
      // For good: nothing is asked again
      await expect(producer.begin()).rejects.toBe(error);
      await expect(producer.produce('orders', 'x')).rejects.toMatchObject({ persisted: 'no' });
      await producer.close();
    },
  );

  test('no right to a group or a topic fails the transaction alone, and the next one is free of it', async () => {
    const producer = transactional('hers');
    const offsets = [{ topic: 'orders', partition: 0, offset: 1 }];
    const ofGroup = await producer
      .transaction((tx) => tx.sendOffsets(offsets, 'others'))
      .then(
        () => expect.unreachable(),
        (error: TransactionError) => error,
      );
    expect(ofGroup).toMatchObject({ code: 'TRANSACTION_FAILED', cause: { code: 'GROUP_AUTHORIZATION_FAILED' } });
    expect(ofGroup.hint).toContain('the right Read on the consumer group');
    const ofTopic = await producer
      .transaction((tx) => void tx.produce('forbidden', 'x'))
      .then(
        () => expect.unreachable(),
        (error: TransactionError) => error,
      );
    expect(ofTopic).toMatchObject({ code: 'TRANSACTION_FAILED' });
    expect(ofTopic.message).toContain('TOPIC_AUTHORIZATION_FAILED');
    await producer.transaction(async (tx) => {
      await tx.produce('orders', 'allowed');
      await tx.sendOffsets(offsets, 'hers');
    });
    recorder.note([ofGroup, ofTopic]);
    await producer.close();
  });
});
