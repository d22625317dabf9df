// The same from CommonJS, which gets the very same modules.
const { createProducer, ConfigError } = require('@kiel/producer');

const names = {};
for (const entry of process.argv.slice(2)) names[entry] = Object.keys(require(entry)).length;
let error;
try {
  createProducer({ brokers: 'a', lingrMs: 1 });
} catch (thrown) {
  error = thrown;
}
import('@kiel/producer').then((imported) => {
  const isSame = imported.createProducer === createProducer && error instanceof imported.ConfigError;
  console.log(JSON.stringify({ names, isSame: isSame && error instanceof ConfigError, message: error.message }));
});
