// The same for a program in CommonJS, which TypeScript allows to require modules since 5.8.
import codec = require('@kiel/codec');
import producer = require('@kiel/producer');

const made: producer.Producer = producer.createProducer({ brokers: 'localhost:9092', lingerMs: 5 });
const bytes: Uint8Array = codec.MetadataRequest.encode({ topics: null }, 12);
// @ts-expect-error: a misspelt option
producer.createProducer({ brokers: 'localhost:9092', lingrMs: 5 });
console.log(made.state satisfies string, bytes);
