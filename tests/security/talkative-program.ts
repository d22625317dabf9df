/**
 * A program that prints all it can of a producer: what careless users put into their logs. Run apart, so that its
 * whole output, a crash included, can be searched for secrets.
 */
import { subscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { MockCluster, SaslServer } from '@kiel/mock-cluster';
import { clientCredentials, createProducer, type ProducerOptions, saslMechanism, tlsConnector } from '@kiel/producer';
import { Authority } from './certificates.ts';
import { secrets } from './secrets.ts';

using authority = new Authority();
const passphrase = secrets.keyPassphrase;
const client = authority.issue({ name: 'client' });
const pfx = authority.pkcs12(client, passphrase);
const { key, cert } = authority.issue({ name: 'b', alternatives: ['IP:127.0.0.1'] });
const sasl = new SaslServer({ users: { alice: secrets.plainPassword, bob: secrets.scram256Password } });
await using cluster = await MockCluster.start({ topics: ['orders'], tls: { key, cert }, sasl });

const show = (value: unknown) => {
  console.log(value);
  console.dir(value, { depth: 9, showHidden: true });
  try {
    console.log(JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? String(each) : each)));
  } catch {
    console.log('not JSON');
  }
};

const logger: NonNullable<ProducerOptions['logger']> = {
  debug: console.debug,
  info: console.info,
  warn: console.warn,
  error: console.error,
};
let inspections = 0;
const common = {
  brokers: cluster.brokers,
  tls: { ca: authority.ca, pfx, passphrase },
  logger,
  inspect: (event: unknown) => {
    if (inspections++ < 50) console.log(inspect(event, { depth: 5 }));
  },
};

// Requests are traced from the first on, the ones that authenticate among them.
let traces = 0;
for (const name of ['kiel:produce', 'kiel:request']) {
  for (const step of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) {
    subscribe(`tracing:${name}:${step}`, (message) => {
      if (traces++ < 80) console.log(step, inspect(message, { depth: 4 }));
    });
  }
}

for (const [mechanism, username, password] of [
  ['plain', 'alice', secrets.plainPassword],
  ['scram-sha-256', 'bob', secrets.scram256Password],
  ['scram-sha-512', 'bob', secrets.wrongPassword],
  ['plain', 'alice', secrets.wrongPassword],
] as const) {
  const producer = createProducer({ ...common, sasl: { mechanism, username, password } });
  for (const name of ['delivered', 'deliveryFailed', 'stateChanged', 'warning'] as const) producer.on(name, show);
  // Nobody awaits it: its failure is an event.
  producer.produce('orders', { mechanism });
  await producer.flush();
  show(producer);
  show(producer.actor.getPersistedSnapshot());
  show(producer.metrics());
  show(await producer.produce('orders', { mechanism }).catch((error) => error));
  await producer.close();
}

show(saslMechanism({ mechanism: 'scram-sha-512', username: 'bob', password: secrets.scram512Password }));
show(tlsConnector({ pfx, passphrase }));
const { clientSecret } = secrets;
show(clientCredentials({ tokenEndpoint: 'https://idp.example', clientId: 'c', clientSecret }));
for (const wrong of [
  { ...common, sasl: { mechanism: 'plain', username: 'alice', password: [secrets.plainPassword] } },
  { ...common, sasl: { mechanism: 'plain', username: 'alice', passwort: secrets.plainPassword } },
  { ...common, sasl: secrets.plainPassword },
  { ...common, tls: { pfx, passphrase: secrets.wrongPassword } },
  { ...common, tls: passphrase },
  { ...common, brokers: `kafka://alice:${secrets.plainPassword}@broker:9092` },
  { ...common, brokers: [`alice:${secrets.plainPassword}@broker`] },
]) {
  try {
    createProducer(wrong as never);
    throw new Error('it was taken');
  } catch (error) {
    show(error);
  }
}
console.log('THE END');
const last = createProducer({
  ...common,
  sasl: { mechanism: 'plain', username: 'alice', password: secrets.wrongPassword },
});
// What is not out of a pipe when a process dies is lost with it.
await new Promise((resolve) => process.stdout.write('\n', resolve));
// The process ends by this error, with its stack and its cause.
throw await last.produce('orders', 'x').then(
  () => 'delivered',
  (error) => error,
);
