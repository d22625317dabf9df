import { MockCluster, SaslServer } from '@kiel/mock-cluster';
import { type AwsCredentials, createProducer, mskIamSigner } from '@kiel/producer';
import { expect, test } from 'vitest';
import { Recorder } from './recorder.ts';
import { secrets } from './secrets.ts';

const lent: AwsCredentials = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: secrets.awsSecretKey,
  sessionToken: secrets.awsSessionToken,
};
const awsKeys = {
  AKIAEXAMPLE: secrets.awsSecretKey,
  ASIAEXAMPLE: { secretAccessKey: secrets.awsSecretKey, sessionToken: secrets.awsSessionToken },
};

/** Produces one record with these credentials; all that is said meanwhile holds no secret. */
async function produceWith(credentials: AwsCredentials, server: ConstructorParameters<typeof SaslServer>[0] = {}) {
  const recorder = new Recorder();
  const sasl = new SaslServer({ awsKeys, ...server });
  await using cluster = await MockCluster.start({ sasl, topics: ['orders'] });
  await using producer = createProducer({
    brokers: cluster.brokers,
    sasl: { mechanism: 'aws-msk-iam', sign: mskIamSigner({ region: 'eu-west-1', credentials }) },
    ...recorder.options,
  });
  recorder.watch(producer);
  const outcome = await producer.produce('orders', 1).then(
    ({ offset }) => offset,
    (error: Error) => error,
  );
  recorder.note(outcome);
  expect(recorder.found()).toEqual([]);
  return outcome;
}

test.each<[string, AwsCredentials]>([
  ['a key of its own', { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: secrets.awsSecretKey }],
  ['a key that is lent', lent],
])('AWS_MSK_IAM with %s is verified and lets the producer in', async (_what, credentials) => {
  expect(await produceWith(credentials)).toBe(0n);
});

test('AWS_MSK_IAM goes on when its sessions are renewed', async () => {
  const sasl = new SaslServer({ awsKeys, maxReauthMs: 1_500 });
  await using cluster = await MockCluster.start({ sasl, topics: ['orders'] });
  let signed = 0;
  const sign = mskIamSigner({
    region: 'eu-west-1',
    credentials: () => {
      signed++;
      return lent;
    },
  });
  await using producer = createProducer({ brokers: cluster.brokers, sasl: { mechanism: 'aws-msk-iam', sign } });
  while (signed < 3) await producer.produce('orders', signed);
  expect(cluster.log('orders').length).toBeGreaterThan(2);
});

test.each<[string, AwsCredentials, ConstructorParameters<typeof SaslServer>[0], string]>([
  ['another secret', { ...lent, secretAccessKey: secrets.wrongPassword }, {}, 'the signature is wrong'],
  ['another session token', { ...lent, sessionToken: secrets.wrongPassword }, {}, 'the session token is another one'],
  ['an unknown key', { ...lent, accessKeyId: 'NOBODY' }, {}, 'the key is not known'],
  ['a clock that is an hour behind', lent, { epochMs: () => Date.now() + 3_600_000 }, 'it has expired'],
  ['a clock that is an hour ahead', lent, { epochMs: () => Date.now() - 3_600_000 }, 'it was signed in the future'],
])('AWS_MSK_IAM with %s is refused for good, and no secret is said', async (_what, credentials, server, reason) => {
  const error = await produceWith(credentials, server);
  expect(error).toMatchObject({ code: 'PRODUCER_FAILED', cause: { code: 'SASL_AUTHENTICATION_FAILED' } });
  expect((error as Error).message).toContain(reason);
});
