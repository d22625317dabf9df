import { connect, createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { MockCluster, SaslServer, unsecuredTokens } from '@kiel/mock-cluster';
import {
  type Address,
  createProducer,
  type OAuthToken,
  type ProducerOptions,
  type TokenProvider,
  type TokenSourceOptions,
} from '@kiel/producer';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Authority, type Certificate } from './certificates.ts';
import { type Forwarder, forwarder } from './forwarder.ts';
import { Recorder } from './recorder.ts';
import { unsecuredToken } from './secure-kafka.ts';

let recorder: Recorder;
beforeEach(() => {
  recorder = new Recorder();
});
afterEach(() => expect(recorder.found()).toEqual([]));

/** One record on each of the partitions: a connection to every broker. */
async function reachAll(options: ProducerOptions, partitions: number): Promise<void> {
  await using producer = createProducer({ deliveryTimeoutMs: 10_000, ...options, ...recorder.options });
  recorder.watch(producer);
  const sent = Array.from({ length: partitions }, (_, partition) => producer.produce('orders', 'x', { partition }));
  expect(await Promise.all(sent)).toHaveLength(partitions);
}

describe('P37: OAuth tokens and a provider that fails', () => {
  const tokens = (maxReauthMs = 0) => new SaslServer({ tokens: unsecuredTokens(), maxReauthMs });
  const oauth = (token: TokenProvider, more: TokenSourceOptions = {}): Pick<ProducerOptions, 'sasl'> => ({
    sasl: { mechanism: 'oauthbearer', token, ...more },
  });

  test('three brokers share one call of the provider', async () => {
    await using cluster = await MockCluster.start({ brokers: 3, topics: { orders: 6 }, sasl: tokens() });
    let calls = 0;
    const token = async () => {
      calls++;
      return { value: unsecuredToken('dora', 60) };
    };
    await reachAll({ brokers: cluster.brokers, ...oauth(token) }, 6);
    expect(calls).toBe(1);
  });

  test('a provider that throws once, hangs once and is late once costs no record', async () => {
    await using cluster = await MockCluster.start({ topics: { orders: 1 }, sasl: tokens() });
    const answers: (() => OAuthToken | Promise<OAuthToken>)[] = [
      () => {
        throw new Error('identity provider is down');
      },
      () => new Promise<OAuthToken>(() => {}),
      () => ({ value: unsecuredToken('dora', -5) }),
      () => new Promise((resolve) => setTimeout(() => resolve({ value: unsecuredToken('dora', 60) }), 150)),
    ];
    let calls = 0;
    const token = () => answers[Math.min(calls++, answers.length - 1)]!();
    await reachAll({ brokers: cluster.brokers, ...oauth(token, { providerTimeoutMs: 200 }) }, 1);
    expect(calls).toBe(4);
  });

  test('sessions go on with the old token while every refresh fails', async () => {
    await using cluster = await MockCluster.start({ topics: { orders: 1 }, sasl: tokens(300) });
    let calls = 0;
    const token = () => {
      calls++;
      if (calls > 1) throw new Error('identity provider is down');
      return { value: unsecuredToken('dora', 4) };
    };
    await using producer = createProducer({
      brokers: cluster.brokers,
      ...oauth(token, { refreshAfter: 0.01 }),
      ...recorder.options,
    });
    recorder.watch(producer);
    const until = performance.now() + 1500;
    while (performance.now() < until) {
      await producer.produce('orders', 'x');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(calls).toBeGreaterThan(1);
    const granted = cluster.requests({ api: 'SaslAuthenticate' }).filter(({ outcome }) => outcome === 'answered');
    expect(granted.length).toBeGreaterThan(4);
  });

  test('the broker’s reason reaches the error, and the token does not', async () => {
    await using cluster = await MockCluster.start({ topics: { orders: 1 }, sasl: tokens() });
    const expired = unsecuredToken('dora', -60);
    const token = () => ({ value: expired, expiresAtMs: Date.now() + 60_000 });
    await using producer = createProducer({ brokers: cluster.brokers, ...oauth(token), ...recorder.options });
    recorder.watch(producer);
    const error: Error = await producer.produce('orders', 'x').then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(error.message).toContain('status "expired_token"');
    recorder.note(error);
    expect(recorder.found([expired, expired.split('.')[1]!])).toEqual([]);
  });
});

describe('behind names, tunnels and proxies', () => {
  let authority: Authority;
  let certificate: Certificate;
  const names: (string | false)[] = [];

  beforeAll(() => {
    authority = new Authority();
    certificate = authority.issue({ name: 'broker', alternatives: ['DNS:localhost', 'DNS:tunnel.example'] });
    return () => authority[Symbol.dispose]();
  });
  beforeEach(() => {
    names.length = 0;
  });

  /** Three brokers behind TLS that advertise `localhost`, and a port-forward to each. */
  async function tunnelled(): Promise<AsyncDisposable & { cluster: MockCluster; forwarders: Forwarder[] }> {
    const { key, cert } = certificate;
    const SNICallback = (name: string, done: (error: null, context?: undefined) => void) => {
      names.push(name);
      done(null, undefined);
    };
    const tls = { key, cert, SNICallback };
    const cluster = await MockCluster.start({ brokers: 3, topics: { orders: 6 }, host: 'localhost', tls });
    const forwarders = await Promise.all(cluster.brokers.map((broker) => forwarder(addressOf(broker))));
    return {
      cluster,
      forwarders,
      [Symbol.asyncDispose]: async () => {
        await Promise.all(forwarders.map((each) => each[Symbol.asyncDispose]()));
        await cluster.stop();
      },
    };
  }

  const addressOf = (broker: string): Address => {
    const [host, port] = broker.split(':');
    return { host: host!, port: Number(port) };
  };

  test('U09: resolveBroker is asked for every connection, and TLS keeps the advertised name', async () => {
    await using tunnel = await tunnelled();
    const { cluster, forwarders } = tunnel;
    const asked: string[] = [];
    const resolveBroker = (host: string, port: number, nodeId: number | null) => {
      asked.push(`${host} ${nodeId}`);
      const index = cluster.brokers.indexOf(`${host}:${port}`);
      return { host: '127.0.0.1', port: forwarders[index]!.port };
    };
    await reachAll({ brokers: cluster.brokers[0]!, resolveBroker, tls: { ca: authority.ca } }, 6);
    // The bootstrap's connection goes on as that of node 1, which has the same address.
    expect(new Set(asked)).toEqual(new Set(['localhost null', 'localhost 2', 'localhost 3']));
    for (const { connections } of forwarders) expect(connections).toBeGreaterThan(0);
    expect(new Set(names)).toEqual(new Set(['localhost']));
  });

  test('P38: a route or a function may name another server, and the user’s object is not touched', async () => {
    await using tunnel = await tunnelled();
    const { cluster, forwarders } = tunnel;
    const resolveBroker = (host: string, port: number) => {
      const index = cluster.brokers.indexOf(`${host}:${port}`);
      return { host: '127.0.0.1', port: forwarders[index]!.port, serverName: 'tunnel.example' };
    };
    const tls = Object.freeze({ ca: authority.ca });
    await reachAll({ brokers: cluster.brokers, resolveBroker, tls }, 6);
    expect(new Set(names)).toEqual(new Set(['tunnel.example']));
    expect(tls).toEqual({ ca: authority.ca });
    names.length = 0;
    const byBroker = () => ({ ca: authority.ca, servername: 'tunnel.example' });
    await reachAll({ brokers: cluster.brokers, tls: byBroker }, 6);
    expect(new Set(names)).toEqual(new Set(['tunnel.example']));
  });

  test('P38: the name is sent when verification is off, and a wrong one names the broker', async () => {
    await using tunnel = await tunnelled();
    const { cluster } = tunnel;
    await reachAll({ brokers: cluster.brokers, tls: { rejectUnauthorized: false } }, 6);
    expect(new Set(names)).toEqual(new Set(['localhost']));
    const tls = { ca: authority.ca, servername: 'elsewhere.example' };
    const producer = createProducer({ brokers: cluster.brokers, tls, ...recorder.options });
    const error: Error = await producer.produce('orders', 'x').then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(inspect(error)).toMatch(
      /broker localhost:\d+: its certificate is not for "elsewhere\.example" but for "localhost"/,
    );
    await producer.close();
  });

  test('U09: a socket factory carries connections through a proxy with a protocol of its own', async () => {
    await using tunnel = await tunnelled();
    const { cluster } = tunnel;
    const asked: (number | null)[] = [];
    // A proxy that wants to be told where to, and says OK: CONNECT in a nutshell.
    const proxy = createServer((inner) => {
      inner.once('data', (line) => {
        const outer = connect(addressOf(String(line).trim()));
        outer.once('connect', () => inner.write('OK\n'));
        inner.pipe(outer).pipe(inner);
        for (const socket of [inner, outer]) socket.on('error', () => socket.destroy());
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as { port: number };
    const socketFactory: ProducerOptions['socketFactory'] = (target) => {
      asked.push(target.nodeId);
      return new Promise<Socket>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('error', reject);
        socket.write(`${target.host}:${target.port}\n`);
        socket.once('data', () => resolve(socket));
      });
    };
    await reachAll({ brokers: cluster.brokers[0]!, socketFactory, tls: { ca: authority.ca } }, 6);
    expect(new Set(asked)).toEqual(new Set([null, 2, 3]));
    expect(new Set(names)).toEqual(new Set(['localhost']));
    proxy.close();
  });

  test('U09: a socket factory that fails is a connection that fails, with its reason', async () => {
    const socketFactory = () => Promise.reject(new Error('the proxy wants a ticket'));
    const brokers = 'localhost:1';
    await using producer = createProducer({ brokers, socketFactory, deliveryTimeoutMs: 500, ...recorder.options });
    const error: Error = await producer.produce('orders', 'x').then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(inspect(error, { depth: 9 })).toContain('the proxy wants a ticket');
  });

  test('U09: brokers at IPv6 literals are reached, over TLS too', async () => {
    const ip = authority.issue({ name: 'b', alternatives: ['IP:::1'] });
    const tls = { key: ip.key, cert: ip.cert };
    await using cluster = await MockCluster.start({ topics: { orders: 1 }, host: '::1', tls });
    const port = cluster.brokers[0]!.split(':').at(-1);
    await reachAll({ brokers: `[::1]:${port}`, tls: { ca: authority.ca } }, 1);
  });
});
