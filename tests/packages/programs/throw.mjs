import { createProducer } from '@kiel/producer';

try {
  createProducer({ brokers: 'localhost', lingrMs: 5 });
} catch (error) {
  console.log(error.stack);
}
