import { readFileSync } from 'node:fs';
import { encodeRequest, type Field, fieldsOf, type RequestMessage } from '@kiel/codec';
import { decodeResponse, requestFor, responseFor } from '@kiel/codec/apis';
import { describe, expect, test } from 'vitest';
import { requireKafka } from '../../tools/kafka/index.ts';
import { RawConnection } from '../../tools/kafka/wire.ts';
import { sharedKafka } from './shared.ts';

interface Facts {
  apis: { key: number; name: string; min: number; max: number }[];
}

const factsOf = (version: string) =>
  JSON.parse(readFileSync(new URL(`../../tools/kafka/facts/${version}.json`, import.meta.url), 'utf8')) as Facts;

/** Brokers give these to each other: a made-up one could stop a broker for good. */
const betweenBrokers = new Set([4, 5, 6, 7]);

type Shape = 'empty' | 'one of each';

/** What real brokers leave unanswered, whoever asks. */
function isUnanswered(kafka: string, { key, version, shape }: { key: number; version: number; shape: Shape }): boolean {
  // Produce 0 to 2 are listed by 4.x for the sake of one old client, and refused (KAFKA-18659).
  if (key === 0 && kafka.startsWith('4.')) return version < 3;
  // Empty records were no error yet but a fault of the broker, from batches on.
  if (key === 0 && kafka === '1.1.1') return version >= 3 && shape === 'one of each';
  // A list of nothing to do is waited for without end.
  if (key === 24) return version >= 4 && shape === 'empty';
  if (key === 9 && kafka === '3.9.2') return version >= 8 && shape === 'empty';
  return false;
}

/** Where 0 stands for something that no one may send, and brokers close the connection: a topic's literal ACLs. */
const meaningful: Readonly<Record<string, unknown>> = {
  resourceType: 2,
  resourceTypeFilter: 2,
  resourcePatternType: 3,
  patternTypeFilter: 3,
  operation: 3,
  permissionType: 3,
  principal: 'User:kiel',
  principalFilter: 'User:kiel',
};
const aclApis = new Set([29, 30, 31]);

/** A request that says nothing, or names one nameless thing in every list: the broker must understand and refuse it. */
function poorValue(
  fields: readonly Field[],
  version: number,
  shape: Shape,
  meanings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const field of fields) {
    if (version < field.versions.lowest || version > field.versions.highest) continue;
    if (meanings[field.name] !== undefined) {
      value[field.name] = meanings[field.name];
      continue;
    }
    const element = () =>
      field.type === 'struct' ? poorValue(field.fields, version, shape, meanings) : poorScalar(field.type);
    if (field.isArray) value[field.name] = shape === 'empty' ? [] : [element()];
    else value[field.name] = element();
  }
  return value;
}

function poorScalar(type: string): unknown {
  switch (type) {
    case 'bool':
      return false;
    case 'int64':
      return 0n;
    case 'string':
      return '';
    case 'uuid':
      return 'AAAAAAAAAAAAAAAAAAAAAA';
    case 'bytes':
    case 'records':
      return new Uint8Array(0);
    default:
      return 0;
  }
}

/** What is wrong with the answer to one request; undefined if nothing. */
async function faultOf(port: number, key: number, version: number, shape: Shape): Promise<string | undefined> {
  const message = requestFor(key) as RequestMessage<unknown, unknown>;
  const body = poorValue(fieldsOf(message), version, shape, aclApis.has(key) ? meaningful : {});
  if (key === 18 && version >= 3) Object.assign(body, { clientSoftwareName: 'kiel', clientSoftwareVersion: '0' });
  if (key === 0) Object.assign(body, { acks: 1 }); // with 0 nothing is answered
  const connection = await RawConnection.open(port);
  try {
    connection.send(encodeRequest({ message, version, correlationId: 7, clientId: 'sweep', body }));
    const frame = await connection.frame(5000);
    if (frame === null) return `no answer, ${connection.ending ?? 'still open'}`;
    const answer = decodeResponse(new Uint8Array(frame), { apiKey: key, version });
    const again = responseFor(key).encode(answer.body, version);
    const sent = frame.subarray(frame.length - again.length);
    return Buffer.from(again).equals(sent) ? undefined : 'written again, the answer has other bytes';
  } catch (error) {
    return String(error);
  } finally {
    connection.close();
  }
}

const versions = ['4.4.0', '3.9.2', '2.8.2', '1.1.1', '0.10.2.2'];

describe.skipIf(!requireKafka()).each(versions)('every API of Kafka %s', (version) => {
  test.each<Shape>(['empty', 'one of each'])(
    'the broker understands requests in every version (%s), and its answers read and write back to the same bytes',
    async (shape) => {
      const kafka = await sharedKafka(version);
      const port = kafka.brokers[0]?.port ?? 0;
      const faults: string[] = [];
      for (const { key, name, min, max } of factsOf(version).apis) {
        if (betweenBrokers.has(key)) continue;
        for (let apiVersion = min; apiVersion <= max; apiVersion++) {
          if (isUnanswered(version, { key, version: apiVersion, shape })) continue;
          const fault = await faultOf(port, key, apiVersion, shape);
          if (fault !== undefined) faults.push(`${name} v${apiVersion}: ${fault}`);
        }
      }
      expect(faults).toEqual([]);
    },
  );
});
