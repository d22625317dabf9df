import { ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse } from '@kiel/codec';
import { MockCluster, SaslServer, unsecuredTokens } from '@kiel/mock-cluster';
import { oauthBearer, plain, scramSha256, scramSha512 } from '@kiel/producer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authority } from './certificates.ts';
import { Client } from './client.ts';
import { secrets } from './secrets.ts';
import { unsecuredToken } from './secure-kafka.ts';

let authority: Authority;
let cluster: MockCluster;
let port: number;

beforeAll(async () => {
  authority = new Authority();
  const { key, cert } = authority.issue({ name: 'broker', alternatives: ['IP:127.0.0.1'] });
  const users = { alice: secrets.plainPassword, bob: secrets.scram256Password };
  const sasl = new SaslServer({ users, tokens: unsecuredTokens(), maxReauthMs: 300 });
  cluster = await MockCluster.start({ topics: ['orders'], tls: { key, cert }, sasl });
  port = Number(cluster.brokers[0]!.split(':')[1]);
});
afterAll(async () => {
  await cluster.stop();
  authority[Symbol.dispose]();
});

const connect = () => Client.connect('127.0.0.1', port, { ca: authority.ca });
const metadata = (client: Client) => client.request(MetadataRequest, MetadataResponse, 9, { topics: null });

describe('a mock cluster with TLS and SASL', () => {
  test.each([
    ['PLAIN', plain({ username: 'alice', password: secrets.plainPassword })],
    ['SCRAM-SHA-256', scramSha256({ username: 'bob', password: secrets.scram256Password })],
    ['SCRAM-SHA-512', scramSha512({ username: 'bob', password: secrets.scram256Password })],
    ['OAUTHBEARER', oauthBearer({ token: () => ({ value: unsecuredToken('dora', 60) }) })],
  ])('lets a client in by %s, and answers it only then', async (_name, mechanism) => {
    using client = await connect();
    await client.request(ApiVersionsRequest, ApiVersionsResponse, 0, {});
    expect(await client.authenticate(mechanism)).toEqual({ lifetimeMs: 300 });
    expect((await metadata(client)).topics.map(({ name }) => name)).toEqual(['orders']);
  });

  test('closes the connection on a request before authentication', async () => {
    using client = await connect();
    await expect(metadata(client)).rejects.toThrow(/ended/);
    expect(cluster.requests().at(-1)?.reason).toContain('before authentication');
  });

  test('ends a session that is not renewed in time, and keeps one that is', async () => {
    const mechanism = scramSha256({ username: 'bob', password: secrets.scram256Password });
    using lazy = await connect();
    using diligent = await connect();
    await lazy.authenticate(mechanism);
    await diligent.authenticate(mechanism);
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await diligent.authenticate(mechanism);
    }
    await metadata(diligent);
    await expect(metadata(lazy)).rejects.toThrow(/ended/);
    expect(cluster.requests().at(-1)?.reason).toContain('session had ended');
  });

  test('does not let a re-authentication change the user or the mechanism', async () => {
    using client = await connect();
    await client.authenticate(scramSha256({ username: 'bob', password: secrets.scram256Password }));
    const other = client.authenticate(scramSha512({ username: 'bob', password: secrets.scram256Password }));
    await expect(other).rejects.toMatchObject({ code: 'UNSUPPORTED_SASL_MECHANISM' });
    const alice = client.authenticate(scramSha256({ username: 'alice', password: secrets.plainPassword }));
    await expect(alice).rejects.toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED' });
  });

  test('a rule can reset a connection beneath TLS', async () => {
    using client = await connect();
    await client.authenticate(plain({ username: 'alice', password: secrets.plainPassword }));
    cluster.on('Metadata', { times: 1, then: 'reset' });
    await expect(metadata(client)).rejects.toThrow(/ended/);
  });
});
