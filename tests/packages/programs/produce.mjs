// Sends records in every compression through a broker that fails once, and prints what became of them and of mistakes.
import { ConfigError, createProducer, DeliveryError, producerMachine, TransactionError } from '@kiel/producer';

async function main() {
  const brokers = process.env.KIEL_BROKERS.split(',');
  const deliveries = [];
  const states = new Set();
  for (const compression of [null, 'gzip', 'snappy', 'lz4', 'zstd']) {
    const producer = createProducer({ brokers, compression, clientId: 'bundled', retryBackoffMs: 5 });
    producer.on('stateChanged', ({ to }) => states.add(to));
    const sent = [];
    for (let i = 0; i < 20; i++) {
      const value = { compression, i, text: 'kiel '.repeat(60) };
      sent.push(producer.produce('orders', value, { key: `key-${i}`, headers: { n: String(i) } }));
    }
    for (const { partition, offset } of await Promise.all(sent)) deliveries.push(`${partition}:${typeof offset}`);
    await producer.close();
  }

  const transactional = createProducer({ brokers, transactionalId: 'bundled' });
  await transactional.transaction((tx) => {
    tx.produce('payments', 'first');
    tx.produce('payments', 'second');
  });
  await transactional.close();

  const tried = createProducer({ brokers, maxBlockMs: 500 });
  const errors = [
    catching(() => createProducer({ brokers, lingrMs: 5 }), ConfigError),
    catching(() => tried.produce('orders', undefined), TypeError),
    await tried.begin().catch((error) => describe(error, TransactionError)),
    await tried.produce('orders', 'x', { partition: 99 }).catch((error) => describe(error, DeliveryError)),
  ];
  await tried.close();

  console.log(JSON.stringify({ deliveries, states: [...states].sort(), machine: producerMachine.id, errors }));
}

function catching(act, kind) {
  try {
    act();
  } catch (error) {
    return describe(error, kind);
  }
  return 'no error';
}

function describe(error, kind) {
  const message = error.message.replaceAll(/\d+ ms/g, 'N ms');
  return {
    name: error.name,
    code: error.code,
    isKind: error instanceof kind,
    isError: error instanceof Error,
    message,
  };
}

void main();
