import {
  ApiVersionsResponse,
  type CodecError,
  checkFields,
  encodeRequest,
  FetchRequest,
  FetchResponse,
  InitProducerIdResponse,
  ListOffsetsResponse,
  MetadataRequest,
  MetadataResponse,
  ProduceRequest,
  ProduceResponse,
} from '@kiel/codec';
import { messages } from '@kiel/codec/apis';
import { describe, expect, test } from 'vitest';

function errorOf(attempt: () => unknown): CodecError {
  try {
    attempt();
  } catch (error) {
    return error as CodecError;
  }
  throw new Error('no error');
}

const produce = { acks: -1, timeoutMs: 500, topicData: [] };
const partition = { index: 0, records: null };

describe('encoding names the message, the version and the path of', () => {
  test.each([
    ['a missing field', { acks: -1, topicData: [] }, 'timeoutMs', 'MISSING_FIELD'],
    ['a missing list', { acks: -1, timeoutMs: 500 }, 'topicData', 'MISSING_FIELD'],
    ['a null where there is none', { ...produce, acks: null }, 'acks', 'NOT_NULLABLE'],
    ['a null list', { ...produce, topicData: null }, 'topicData', 'NOT_NULLABLE'],
    ['a number out of range', { ...produce, acks: 32768 }, 'acks', 'OUT_OF_RANGE'],
    ['a fraction', { ...produce, timeoutMs: 0.5 }, 'timeoutMs', 'WRONG_TYPE'],
    ['a NaN', { ...produce, timeoutMs: Number.NaN }, 'timeoutMs', 'WRONG_TYPE'],
    ['a Date', { ...produce, timeoutMs: new Date(0) }, 'timeoutMs', 'WRONG_TYPE'],
    ['a string for a list', { ...produce, topicData: 'orders' }, 'topicData', 'WRONG_TYPE'],
    ['a hole in a list', { ...produce, topicData: [undefined] }, 'topicData[0]', 'MISSING_FIELD'],
    [
      'a lone surrogate',
      {
        ...produce,
        topicData: [
          { name: 'a', partitionData: [] },
          { name: '\ud800', partitionData: [] },
        ],
      },
      'topicData[1].name',
      'LONE_SURROGATE',
    ],
    [
      'text too long',
      { ...produce, topicData: [{ name: 'x'.repeat(32768), partitionData: [] }] },
      'topicData[0].name',
      'TOO_LONG',
    ],
    [
      'records that are no bytes',
      { ...produce, topicData: [{ name: 'a', partitionData: [partition, { index: 1, records: [1, 2] }] }] },
      'topicData[0].partitionData[1].records',
      'WRONG_TYPE',
    ],
    [
      'a tag without bytes',
      { ...produce, topicData: [{ name: 'a', partitionData: [], unknownTaggedFields: [{ tag: 1, data: 'x' }] }] },
      'topicData[0].unknownTaggedFields[0].data',
      'WRONG_TYPE',
    ],
  ])('%s', (_name, value, path, code) => {
    const error = errorOf(() => ProduceRequest.encode(value as never, 9));
    expect(error).toMatchObject({ name: 'CodecError', code, messageName: 'ProduceRequest', version: 9, path });
    expect(error.message).toContain(`ProduceRequest v9, ${path}: `);
  });

  test.each([
    ['a misspelled field', { ...produce, transactionalID: 'a' }, 'transactionalID', 'did you mean transactionalId?'],
    ['a swapped letter', { ...produce, topicData: [{ nmae: 'a', partitionData: [] }] }, 'topicData[0].nmae', 'name?'],
    ['what is like nothing', { ...produce, compression: 'gzip' }, 'compression', 'no version has a field of this name'],
  ])('%s, where it is asked for', (_name, value, path, text) => {
    const error = errorOf(() => checkFields(ProduceRequest, value));
    expect(error).toMatchObject({ name: 'CodecError', code: 'UNKNOWN_FIELD', messageName: 'ProduceRequest', path });
    expect(error.message).toContain(text);
    expect(() =>
      checkFields(ProduceRequest, { ...produce, topicData: [{ name: 'a', partitionData: [] }] }),
    ).not.toThrow();
  });

  test('an element that is no object', () => {
    for (const [element, code] of [
      [5, 'WRONG_TYPE'],
      ['orders', 'WRONG_TYPE'],
      [true, 'WRONG_TYPE'],
      [undefined, 'MISSING_FIELD'],
    ] as const) {
      const error = errorOf(() => ProduceRequest.encode({ ...produce, topicData: [element] } as never, 9));
      expect(error).toMatchObject({ code, path: 'topicData[0]' });
    }
    expect(errorOf(() => ProduceRequest.encode('orders' as never, 9))).toMatchObject({ code: 'WRONG_TYPE', path: '' });
    for (const message of messages) {
      for (const wrong of ['orders', 5, 5n, true]) {
        const error = errorOf(() => message.encode(wrong as never, message.maxVersion));
        expect(error).toMatchObject({ code: 'WRONG_TYPE', messageName: message.name, path: '' });
      }
    }
  });

  test('a number for a tagged list or struct, which could be taken for an empty one', () => {
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 1n, abortedTransactions: null, records: null };
    const withPartition = (more: object) => ({ responses: [{ partitions: [{ ...partition, ...more }] }] });
    expect(errorOf(() => FetchResponse.encode({ responses: [], nodeEndpoints: 5 } as never, 17))).toMatchObject({
      code: 'WRONG_TYPE',
      path: 'nodeEndpoints',
    });
    expect(errorOf(() => FetchResponse.encode(withPartition({ divergingEpoch: 5 }) as never, 17))).toMatchObject({
      code: 'WRONG_TYPE',
      path: 'responses[0].partitions[0].divergingEpoch',
    });
  });

  test('a Date where a bigint belongs', () => {
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, errorCode: 0, timestamp: new Date(0) }] }];
    const error = errorOf(() => ListOffsetsResponse.encode({ topics } as never, 1));
    expect(error).toMatchObject({ code: 'WRONG_TYPE', path: 'topics[0].partitions[0].timestamp' });
    expect(error.message).toContain('a value of type Date');
  });

  test('a field that the version lacks, unless it may be left out', () => {
    expect(errorOf(() => ProduceRequest.encode({ ...produce, transactionalId: 't' }, 2))).toMatchObject({
      code: 'NOT_IN_VERSION',
      path: 'transactionalId',
    });
    const currentLeader = { leaderId: 1, leaderEpoch: 2 };
    const answer = {
      responses: [{ name: 'a', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 0n, currentLeader }] }],
    };
    expect(errorOf(() => ProduceResponse.encode(answer, 9))).toMatchObject({
      code: 'NOT_IN_VERSION',
      path: 'responses[0].partitionResponses[0].currentLeader',
    });
    // Ignorable: topic ids vanish from versions that know names only.
    expect(() =>
      MetadataRequest.encode({ topics: [{ name: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }] }, 4),
    ).not.toThrow();
  });

  test('unknown tagged fields in a version without tags', () => {
    const unknownTaggedFields = [{ tag: 0, data: new Uint8Array() }];
    expect(errorOf(() => ProduceRequest.encode({ ...produce, unknownTaggedFields }, 8))).toMatchObject({
      code: 'NOT_IN_VERSION',
      path: 'unknownTaggedFields',
    });
  });

  test('a frozen message too', () => {
    const value = Object.freeze({ ...produce, topicData: Object.freeze([Object.freeze({ partitionData: 1 })]) });
    expect(errorOf(() => ProduceRequest.encode(value as never, 9)).path).toBe('topicData[0].partitionData');
  });

  test('a body inside a frame', () => {
    const request = {
      message: ProduceRequest,
      version: 9,
      correlationId: 1,
      clientId: null,
      body: { ...produce, acks: 1e9 },
    };
    expect(errorOf(() => encodeRequest(request))).toMatchObject({ messageName: 'ProduceRequest', path: 'acks' });
    expect(errorOf(() => encodeRequest({ ...request, body: produce, clientId: 7 as never }))).toMatchObject({
      messageName: 'RequestHeader',
      path: 'clientId',
    });
  });
});

describe('a version', () => {
  test.each([-1, 14, 1.5, Number.NaN, '9', null, undefined, 9n])(
    '%s that a message does not have is refused',
    (version) => {
      const error = errorOf(() => ProduceRequest.encode(produce, version as never));
      expect(error).toMatchObject({ code: 'UNSUPPORTED_VERSION', messageName: 'ProduceRequest' });
      expect(errorOf(() => ProduceRequest.decode(new Uint8Array(), version as never)).code).toBe('UNSUPPORTED_VERSION');
    },
  );
});

describe('decoding', () => {
  const good = ProduceRequest.encode({ ...produce, topicData: [{ name: 'orders', partitionData: [partition] }] }, 9);

  test('refuses bytes after the message', () => {
    const error = errorOf(() => ProduceRequest.decode(Uint8Array.from([...good, 0]), 9));
    expect(error).toMatchObject({ code: 'TRAILING_BYTES', messageName: 'ProduceRequest', offset: good.length });
  });

  test('names the path and the offset of a fault', () => {
    const cut = good.subarray(0, 12);
    expect(errorOf(() => ProduceRequest.decode(cut, 9))).toMatchObject({
      code: 'TRUNCATED',
      path: 'topicData[0].name',
      offset: 9,
    });
    const malformed = Uint8Array.from(good);
    malformed[10] = 0xff;
    expect(errorOf(() => ProduceRequest.decode(malformed, 9))).toMatchObject({
      code: 'MALFORMED_UTF8',
      path: 'topicData[0].name',
      offset: 9,
    });
  });

  test('refuses what is no Uint8Array', () => {
    expect(errorOf(() => ProduceRequest.decode('bytes' as never, 9)).code).toBe('WRONG_TYPE');
    expect(errorOf(() => ProduceRequest.decode(undefined as never, 9)).code).toBe('WRONG_TYPE');
  });
});

describe('C16: tagged fields and null', () => {
  test('a tag size past the end is refused where it stands', () => {
    // acks, timeout, no topics, one tagged field of 200 bytes with two there.
    const bytes = Uint8Array.from([0, 255, 255, 0, 0, 0, 1, 1, 1, 9, 200, 1, 0, 0]);
    expect(errorOf(() => ProduceRequest.decode(bytes, 9))).toMatchObject({
      code: 'TRUNCATED',
      path: 'unknownTaggedFields[0]',
      offset: 12,
    });
  });

  test('unknown tags of any order are read and kept, as Java does, and only rising ones are written', () => {
    const bytes = Uint8Array.from([0, 255, 255, 0, 0, 0, 1, 1, 3, 9, 1, 7, 5, 0, 5, 0]);
    const value = ProduceRequest.decode(bytes, 9);
    expect(value.unknownTaggedFields.map(({ tag }) => tag)).toEqual([9, 5, 5]);
    expect(errorOf(() => ProduceRequest.encode(value, 9)).code).toBe('INVALID_TAG');
  });

  test('the last of two known tags counts, as in Java', () => {
    const one = { nodeId: 1, host: 'h', port: 1 };
    const bytes = FetchResponse.encode({ responses: [], nodeEndpoints: [one] }, 16);
    // Tag, size, and 13 bytes: one element with its id, host, port, rack and tags.
    const tagAt = bytes.length - 15;
    const field = bytes.subarray(tagAt);
    const doubled = Uint8Array.from([...bytes.subarray(0, tagAt - 1), 2, ...field, ...field]);
    expect(FetchResponse.decode(doubled, 16).nodeEndpoints).toEqual([{ ...one, rack: null, unknownTaggedFields: [] }]);
  });

  test('a known tag whose content is shorter than its size is damage', () => {
    const bytes = FetchRequest.encode({ maxWaitMs: 1, minBytes: 1, topics: [], clusterId: 'c' }, 12);
    const at = bytes.length - 3;
    const longer = Uint8Array.from([...bytes.subarray(0, at), 3, ...bytes.subarray(at + 1), 0]);
    expect(errorOf(() => FetchRequest.decode(longer, 12))).toMatchObject({ code: 'INVALID_TAG', path: 'clusterId' });
  });

  test('unknown tags around known ones are written back in their places', () => {
    const unknownTaggedFields = [{ tag: 5, data: Uint8Array.of(1) }];
    const value = { maxWaitMs: 1, minBytes: 1, topics: [], clusterId: 'c', unknownTaggedFields };
    const bytes = FetchRequest.encode(value, 15);
    const replica = { replicaId: 3, replicaEpoch: 4n };
    expect(FetchRequest.decode(bytes, 15)).toMatchObject(value);
    const between = FetchRequest.decode(FetchRequest.encode({ ...value, replicaState: replica }, 15), 15);
    expect(between).toMatchObject({ ...value, replicaState: replica });
  });

  test('null and empty stay apart', () => {
    for (const version of [1, 9]) {
      expect(MetadataRequest.decode(MetadataRequest.encode({ topics: null }, version), version).topics).toBeNull();
      expect(MetadataRequest.decode(MetadataRequest.encode({ topics: [] }, version), version).topics).toEqual([]);
      for (const records of [null, new Uint8Array()]) {
        const topicData = [{ name: 'a', partitionData: [{ index: 0, records }] }];
        const decoded = ProduceRequest.decode(ProduceRequest.encode({ ...produce, topicData }, version), version);
        expect(decoded.topicData[0]!.partitionData[0]!.records).toEqual(records);
      }
    }
  });
});

describe('C17: every version as its definition has it', () => {
  test('a topic listed twice stays twice', () => {
    const topic = { name: 'a', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 1n }] };
    const decoded = ProduceResponse.decode(ProduceResponse.encode({ responses: [topic, topic] }, 8), 8);
    expect(decoded.responses.map(({ name }) => name)).toEqual(['a', 'a']);
  });

  test('a field that came later has its default in versions before it', () => {
    const bytes = MetadataResponse.encode({ brokers: [{ nodeId: 1, host: 'h', port: 9092 }], topics: [] }, 0);
    expect(MetadataResponse.decode(bytes, 0)).toMatchObject({
      throttleTimeMs: 0,
      clusterId: null,
      controllerId: -1,
      clusterAuthorizedOperations: -2147483648,
    });
  });

  test('null is refused in versions from before a field was nullable', () => {
    expect(errorOf(() => MetadataRequest.encode({ topics: null }, 0))).toMatchObject({
      code: 'NOT_NULLABLE',
      path: 'topics',
    });
  });
});

describe('C18: error codes that nobody knows yet', () => {
  test.each([30000, -1])('%d is read and kept wherever a code stands', (errorCode) => {
    const responses = [{ name: 'a', partitionResponses: [{ index: 0, errorCode, baseOffset: -1n }] }];
    expect(ProduceResponse.decode(ProduceResponse.encode({ responses }, 9), 9)).toMatchObject({ responses });
    const topics = [{ errorCode, name: 'a', partitions: [] }];
    expect(MetadataResponse.decode(MetadataResponse.encode({ brokers: [], topics }, 9), 9)).toMatchObject({ topics });
    const init = { errorCode, producerId: -1n, producerEpoch: -1 };
    expect(InitProducerIdResponse.decode(InitProducerIdResponse.encode(init, 4), 4)).toMatchObject(init);
    expect(ApiVersionsResponse.decode(ApiVersionsResponse.encode({ errorCode, apiKeys: [] }, 3), 3).errorCode).toBe(
      errorCode,
    );
  });
});

describe('C19: 64-bit values', () => {
  test.each([2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), -1n, -2n])('%d passes both ways exactly', (value) => {
    const responses = [
      { name: 'a', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: value, logAppendTimeMs: value }] },
    ];
    expect(ProduceResponse.decode(ProduceResponse.encode({ responses }, 9), 9)).toMatchObject({ responses });
    const init = { errorCode: 0, producerId: value, producerEpoch: 0 };
    expect(InitProducerIdResponse.decode(InitProducerIdResponse.encode(init, 0), 0).producerId).toBe(value);
  });

  test.each([2n ** 63n, -(2n ** 63n) - 1n, 1, '1', Number.MAX_SAFE_INTEGER + 1])('%s is refused', (producerId) => {
    const init = { errorCode: 0, producerId: producerId as bigint, producerEpoch: 0 };
    expect(errorOf(() => InitProducerIdResponse.encode(init, 0)).path).toBe('producerId');
  });
});
