// A service that reports something again and again. Nothing is awaited: a record that could not be delivered is told
// in one place, and the end of the process delivers what is left.
import { createProducer } from '@kiel/producer';

interface Reading {
  readonly sensor: string;
  readonly celsius: number;
}

const producer = createProducer<{ readings: Reading }>({
  brokers: process.env['KIEL_BROKERS'] ?? 'localhost:9092',
  clientId: 'thermometer',
  lingerMs: 50, // readings are in no hurry, and a batch of them is cheaper
});
producer.on('stateChanged', ({ from, to }) => console.error(`${from} → ${to}`));
producer.on('deliveryFailed', ({ topic, error }) => {
  // 'possibly': it may be in the log, so that producing it again may double it.
  console.error(`${topic}: ${error.code}, stored: ${error.persisted}`);
});

let produced = 0;
const timer = setInterval(() => {
  const sensor = `sensor-${produced++ % 4}`;
  const reading = { sensor, celsius: 20 + Math.random() };
  // The key keeps the readings of one sensor in order.
  producer.produce('readings', reading, { key: sensor });
}, 5);

process.once('SIGTERM', stop).once('SIGINT', stop);
console.log('running');

async function stop(): Promise<void> {
  clearInterval(timer);
  await producer.close({ timeoutMs: 10_000 });
  console.log(`produced ${produced}`);
}
