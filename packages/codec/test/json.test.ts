import {
  type CodecError,
  FetchRequest,
  fromJson,
  type Json,
  type Message,
  MetadataResponse,
  ProduceRequest,
  ProduceResponse,
  toJson,
} from '@kiel/codec';
import { messages } from '@kiel/codec/apis';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryOf } from './messages/arbitrary.ts';

function errorOf(attempt: () => unknown): CodecError {
  try {
    attempt();
  } catch (error) {
    return error as CodecError;
  }
  throw new Error('no error');
}

describe('the JSON form', () => {
  test('of every message in its newest version reads back as it was', () => {
    for (const each of messages) {
      const message = each as Message<unknown, never>;
      const version = message.maxVersion;
      for (const drawn of fc.sample(arbitraryOf(message, version), 3)) {
        const value = message.decode(message.encode(drawn as never, version), version);
        const text = JSON.stringify(toJson(message as Message, value, version));
        expect(fromJson(message, JSON.parse(text), version)).toEqual(value);
      }
    }
  });

  test('has Kafka’s names, base64 for bytes and text for what a JSON number cannot hold', () => {
    const records = Uint8Array.of(1, 2, 255);
    const topicData = [
      {
        name: 'a',
        partitionData: [
          { index: 0, records },
          { index: 1, records: null },
        ],
      },
    ];
    expect(toJson(ProduceRequest, { acks: -1, timeoutMs: 5, topicData, transactionalId: null }, 9)).toEqual({
      transactionalId: null,
      acks: -1,
      timeoutMs: 5,
      topicData: [
        {
          name: 'a',
          partitionData: [
            { index: 0, records: 'AQL/' },
            { index: 1, records: null },
          ],
        },
      ],
    });
    const response = {
      responses: [{ name: 'a', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 2n ** 63n - 1n }] }],
    };
    expect(toJson(ProduceResponse, response, 9)).toMatchObject({
      responses: [{ partitionResponses: [{ baseOffset: '9223372036854775807' }] }],
    });
  });

  test('leaves out what the version lacks, and shows unknown tags only where there are any', () => {
    const value = MetadataResponse.decode(MetadataResponse.encode({ brokers: [], topics: [] }, 9), 9);
    expect(Object.keys(toJson(MetadataResponse, value, 0) as object)).toEqual(['brokers', 'topics']);
    const unknownTaggedFields = [{ tag: 77, data: Uint8Array.of(1) }];
    expect(toJson(MetadataResponse, { ...value, unknownTaggedFields }, 9)).toMatchObject({
      unknownTaggedFields: [{ tag: 77, data: 'AQ==' }],
    });
  });

  test('refuses a name that no version has, and a version that there is not', () => {
    const request = { acks: -1, timeoutMs: 1, topicData: [{ name: 'a', partitionData: [], nmae: 'b' }] };
    expect(errorOf(() => toJson(ProduceRequest, request, 9))).toMatchObject({
      code: 'UNKNOWN_FIELD',
      messageName: 'ProduceRequest',
      path: 'topicData[0].nmae',
    });
    expect(errorOf(() => toJson(ProduceRequest, { ...request, topicData: [] }, 99)).code).toBe('UNSUPPORTED_VERSION');
    expect(errorOf(() => fromJson(ProduceRequest, {}, 99)).code).toBe('UNSUPPORTED_VERSION');
  });

  test('takes an int64 as a number too, as Kafka’s tools print it, while that is exact', () => {
    const json = (baseOffset: Json) => ({
      responses: [{ name: 'a', partitionResponses: [{ index: 0, errorCode: 0, baseOffset }] }],
    });
    const read = fromJson(ProduceResponse, json(42), 8);
    expect(read.responses[0]?.partitionResponses[0]).toMatchObject({ baseOffset: 42n, logAppendTimeMs: -1n });
    expect(errorOf(() => fromJson(ProduceResponse, json(2 ** 53), 8))).toMatchObject({
      code: 'INVALID_JSON',
      messageName: 'ProduceResponse',
      path: 'responses[0].partitionResponses[0].baseOffset',
    });
  });

  test.each([
    ['an unknown name', { topics: [], maxWaitMs: 1, minBytes: 1, wait: 1 }, 'wait', 'INVALID_JSON'],
    ['a name of another version', { topics: [], maxWaitMs: 1, minBytes: 1, rackId: '' }, 'rackId', 'INVALID_JSON'],
    ['a missing field', { topics: [], minBytes: 1 }, 'maxWaitMs', 'MISSING_FIELD'],
    ['a wrong type', { topics: {}, maxWaitMs: 1, minBytes: 1 }, 'topics', 'INVALID_JSON'],
    [
      'a number out of range',
      { topics: [], replicaId: 1, maxWaitMs: 1, minBytes: 2 ** 31 },
      'minBytes',
      'OUT_OF_RANGE',
    ],
    ['no object', [], '', 'INVALID_JSON'],
  ])('with %s is refused by its path', (_name, json, path, code) => {
    const error = errorOf(() => fromJson(FetchRequest, json as Json, 4));
    expect(error).toMatchObject({ code, path, messageName: 'FetchRequest', version: 4 });
  });

  test('refuses base64 that is none', () => {
    for (const records of ['A', 'AA=A', 'A*==', ' AQ=', 7]) {
      const json = { acks: 1, timeoutMs: 1, topicData: [{ name: 'a', partitionData: [{ index: 0, records }] }] };
      expect(errorOf(() => fromJson(ProduceRequest, json, 9)).path).toBe('topicData[0].partitionData[0].records');
    }
  });
});
