import { createProducer, type ProducerOptions } from '@kiel/producer';
import { describe, expect, test } from 'vitest';
import { type KafkaAccess, requireKafka } from '../../tools/kafka/index.ts';
import { BareClient } from './client.ts';
import { consumeByJava } from './java-tools.ts';
import { sharedKafka } from './shared.ts';

// 4.4.0 has agreed on the second version of transactions, 3.9.2 knows the first alone; 2.8.2 does not look whether a
// record's transaction is open, and 1.1.1 has no way to give a producer its next epoch.
describe.skipIf(!requireKafka()).each(['4.4.0', '3.9.2', '2.8.2', '1.1.1'])('transactions with Kafka %s', (version) => {
  const readCommitted = (kafka: KafkaAccess, topic: string, count: number) =>
    consumeByJava(kafka, topic, count, {
      properties: ['print.key=false'],
      args: ['--isolation-level', 'read_committed', '--timeout-ms', '8000'],
    });

  const producerFor = (kafka: KafkaAccess, transactionalId: string, options: Partial<ProducerOptions> = {}) =>
    createProducer({
      brokers: kafka.bootstrap.split(','),
      transactionalId,
      serializer: String,
      ...options,
    } as ProducerOptions);

  test('Java reads what was committed, and nothing of what was aborted', async () => {
    const kafka = await sharedKafka(version);
    const topic = 'transactions-ended';
    await kafka.createTopic(topic, { partitions: 3 });
    await using producer = producerFor(kafka, 'ended', { compression: 'lz4' });
    const committed: string[] = [];
    for (let i = 0; i < 12; i++) {
      const values = Array.from({ length: 20 }, (_, n) => `${i}.${n}`);
      const attempt = producer.transaction(async (tx) => {
        const sent = values.map((value, n) => tx.produce(topic, value, { partition: n % 3 }));
        if (i % 3 !== 2) return;
        await Promise.all(sent);
        throw new Error('changed its mind');
      });
      if (i % 3 === 2) await expect(attempt).rejects.toThrow('changed its mind');
      else {
        await attempt;
        committed.push(...values);
      }
    }
    const found = await readCommitted(kafka, topic, committed.length);
    expect(found.toSorted()).toEqual(committed.toSorted());
  });

  test('the older of two producers with one id is fenced, and says so', async () => {
    const kafka = await sharedKafka(version);
    const topic = 'transactions-fenced';
    await kafka.createTopic(topic);
    await using older = producerFor(kafka, 'fenced');
    const tx = await older.begin();
    await tx.produce(topic, 'of the older');
    await using younger = producerFor(kafka, 'fenced');
    await younger.transaction((mine) => void mine.produce(topic, 'of the younger'));
    await expect(older.commit()).rejects.toMatchObject({
      name: 'TransactionError',
      outcome: 'aborted',
      retriable: false,
    });
    await expect(older.begin()).rejects.toThrow('are over');
    expect(await readCommitted(kafka, topic, 1)).toEqual(['of the younger']);
  });

  test('what a Java producer of the same id left open is aborted, and what follows is read', async () => {
    const kafka = await sharedKafka(version);
    const topic = 'transactions-left';
    await kafka.createTopic(topic);
    const args = [
      ...['--topic', topic, '--num-records', '100000', '--record-size', '10', '--throughput', '50'],
      ...['--transactional-id', 'left', '--transaction-duration-ms', '100000'],
      ...['--producer-props', `bootstrap.servers=${kafka.bootstrap}`],
    ];
    // It is killed in the midst of its transaction; where a machine is slow to start it, it gets another go
    using client = await BareClient.open(kafka);
    for (let timeoutMs = 5_000; (await client.endOffset(topic, 0)) < 2n; timeoutMs *= 2) {
      await expect(kafka.runTool('producerPerformance', args, { timeoutMs })).rejects.toThrow('SIGKILL');
    }
    await using producer = producerFor(kafka, 'left');
    const { offset } = await producer.transaction((tx) => tx.produce(topic, 'ours'));
    expect(Number(offset)).toBeGreaterThan(1);
    expect(await readCommitted(kafka, topic, 1)).toEqual(['ours']);
  });

  test('consumed offsets count with the commit, and not after an abort', async () => {
    const kafka = await sharedKafka(version);
    const topic = 'transactions-offsets';
    await kafka.createTopic(topic);
    await using producer = producerFor(kafka, 'offsets');
    await producer.transaction(async (tx) => {
      for (let i = 0; i < 5; i++) tx.produce(topic, String(i));
      await tx.sendOffsets([{ topic, partition: 0, offset: 2n }], 'transactions-readers');
    });
    const aborted = producer.transaction(async (tx) => {
      await tx.sendOffsets([{ topic, partition: 0, offset: 4n }], 'transactions-readers');
      throw new Error('changed its mind');
    });
    await expect(aborted).rejects.toThrow('changed its mind');
    const { stdout } = await kafka.runTool('consoleConsumer', [
      ...['--bootstrap-server', kafka.bootstrap, '--topic', topic, '--group', 'transactions-readers'],
      ...['--isolation-level', 'read_committed', '--max-messages', '3', '--timeout-ms', '15000'],
    ]);
    expect(stdout.trim().split('\n')).toEqual(['2', '3', '4']);
  });
});
