import {
  ApiVersionsRequest,
  apiFor,
  type CodecError,
  ControlledShutdownRequest,
  correlationIdOf,
  decodeApiVersionsResponse,
  decodeResponseAs,
  encodeRequest,
  encodeRequestChunks,
  encodeResponse,
  encodeResponseChunks,
  MetadataResponse,
  ProduceRequest,
  ProduceResponse,
  Reader,
  type RequestMessage,
  type ResponseMessage,
  readRequestHeader,
  requestHeaderVersion,
  responseHeaderVersion,
} from '@kiel/codec';
import { apis, decodeRequest, decodeResponse, messageByName, requestFor, responseFor } from '@kiel/codec/apis';
import { describe, expect, test } from 'vitest';

function errorOf(attempt: () => unknown): CodecError {
  try {
    attempt();
  } catch (error) {
    return error as CodecError;
  }
  throw new Error('no error');
}

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const bodyOf = (frame: Uint8Array) => frame.subarray(4);

describe('headers', () => {
  test('have the version that each API and version asks for', () => {
    for (const { apiKey, minVersion, maxVersion, firstFlexible, name } of apis) {
      const request = messageByName(`${name}Request`) as RequestMessage;
      const response = messageByName(`${name}Response`) as ResponseMessage;
      for (let version = minVersion; version <= maxVersion; version++) {
        expect(request.headerVersion(version)).toBe(requestHeaderVersion(apiKey, version));
        expect(response.headerVersion(version)).toBe(responseHeaderVersion(apiKey, version));
        if (apiKey === 18) expect(responseHeaderVersion(apiKey, version)).toBe(0);
        else expect(responseHeaderVersion(apiKey, version)).toBe(version >= firstFlexible ? 1 : 0);
        if (apiKey !== 7) expect(requestHeaderVersion(apiKey, version)).toBe(version >= firstFlexible ? 2 : 1);
      }
    }
    expect([0, 1, 2, 3].map((version) => requestHeaderVersion(7, version))).toEqual([0, 1, 1, 2]);
  });

  test('of later versions and unknown APIs count as flexible', () => {
    expect(requestHeaderVersion(0, 99)).toBe(2);
    expect(responseHeaderVersion(0, 99)).toBe(1);
    expect(requestHeaderVersion(20000, 0)).toBe(2);
    expect(responseHeaderVersion(18, 99)).toBe(0);
    expect(apiFor(20000)).toBeUndefined();
    expect(apiFor(3)?.name).toBe('Metadata');
  });
});

describe('a request frame', () => {
  test('is the size, the header and the body, byte for byte', () => {
    const body = { clientSoftwareName: 'kiel', clientSoftwareVersion: '1' };
    const frame = encodeRequest({ message: ApiVersionsRequest, version: 3, correlationId: 7, clientId: 'me', body });
    expect(frame).toEqual(bytesOf('00000015 0012 0003 00000007 0002 6d65 00 05 6b69656c 02 31 00'));
    expect(decodeRequest(bodyOf(frame))).toMatchObject({
      apiKey: 18,
      apiVersion: 3,
      correlationId: 7,
      clientId: 'me',
      name: 'ApiVersionsRequest',
      body,
    });
  });

  test('has no client id where the header is from before client ids', () => {
    const frame = encodeRequest({
      message: ControlledShutdownRequest,
      version: 0,
      correlationId: 7,
      clientId: 'me',
      body: { brokerId: 1 },
    });
    expect(frame).toEqual(bytesOf('0000000c 0007 0000 00000007 00000001'));
  });

  test('in pieces is the same bytes, with records passed on by reference', () => {
    const records = new Uint8Array(5000).fill(3);
    const topicData = [
      {
        name: 'a',
        partitionData: [
          { index: 0, records },
          { index: 1, records: new Uint8Array(10) },
        ],
      },
    ];
    for (const version of [3, 9]) {
      const request = {
        message: ProduceRequest,
        version,
        correlationId: 1,
        clientId: null,
        body: { acks: 1, timeoutMs: 1, topicData },
      };
      const chunks = encodeRequestChunks(request);
      expect(chunks).toContain(records);
      expect(Buffer.concat(chunks)).toEqual(Buffer.from(encodeRequest(request)));
    }
  });

  test('of an unknown version still has a header that can be read', () => {
    const frame = encodeRequest({
      message: ApiVersionsRequest,
      version: 3,
      correlationId: 7,
      clientId: 'me',
      body: { clientSoftwareName: 'kiel', clientSoftwareVersion: '1' },
    });
    frame[7] = 99;
    expect(errorOf(() => decodeRequest(bodyOf(frame)))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      messageName: 'ApiVersionsRequest',
    });
    expect(readRequestHeader(new Reader(bodyOf(frame)))).toMatchObject({ apiKey: 18, apiVersion: 99, clientId: 'me' });
  });

  test('with bytes left over is refused, and so is an unknown API', () => {
    const frame = encodeRequest({ message: ApiVersionsRequest, version: 0, correlationId: 7, clientId: '', body: {} });
    expect(errorOf(() => decodeRequest(Uint8Array.from([...bodyOf(frame), 1]))).code).toBe('TRAILING_BYTES');
    const unknown = Uint8Array.from(bodyOf(frame));
    unknown[0] = 0x7f;
    expect(errorOf(() => decodeRequest(Uint8Array.from([...unknown, 0]))).code).toBe('UNKNOWN_API');
    expect(errorOf(() => requestFor(-1)).code).toBe('UNKNOWN_API');
    expect(errorOf(() => responseFor(1.5)).code).toBe('UNKNOWN_API');
    expect(errorOf(() => messageByName('Produce')).message).toContain('"Produce"');
  });
});

describe('an answer frame', () => {
  const body = { brokers: [{ nodeId: 1, host: 'h', port: 9092 }], topics: [] };

  test('is read with the header its version has, unknown header tags kept', () => {
    for (const version of [0, 8, 9, 13]) {
      const frame = bodyOf(encodeResponse({ message: MetadataResponse, version, correlationId: 5, body }));
      expect(correlationIdOf(frame)).toBe(5);
      expect(decodeResponseAs(MetadataResponse, frame, version)).toMatchObject({ correlationId: 5, body });
      expect(decodeResponse(frame, { apiKey: 3, version })).toMatchObject({ name: 'MetadataResponse', body });
    }
    const frame = bodyOf(encodeResponse({ message: MetadataResponse, version: 9, correlationId: 5, body }));
    const tagged = Uint8Array.from([...frame.subarray(0, 4), 1, 9, 1, 7, ...frame.subarray(5)]);
    expect(decodeResponseAs(MetadataResponse, tagged, 9)).toMatchObject({
      unknownTaggedFields: [{ tag: 9, data: Uint8Array.of(7) }],
      body,
    });
  });

  test('in pieces is the same bytes', () => {
    const response = { message: ProduceResponse, version: 9, correlationId: 1, body: { responses: [] } };
    expect(Buffer.concat(encodeResponseChunks(response))).toEqual(Buffer.from(encodeResponse(response)));
  });

  test('with bytes left over is refused', () => {
    const frame = bodyOf(encodeResponse({ message: MetadataResponse, version: 1, correlationId: 5, body }));
    expect(errorOf(() => decodeResponseAs(MetadataResponse, Uint8Array.from([...frame, 0]), 1)).code).toBe(
      'TRAILING_BYTES',
    );
  });
});

describe('C14: a broker that does not know the version of ApiVersions asked for', () => {
  test('answers in the form of version 0, with the versions it has', () => {
    const refusal = bytesOf('00000009 0023 00000001 0012 0000 0002');
    expect(decodeApiVersionsResponse(refusal, 4)).toMatchObject({
      correlationId: 9,
      body: { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 2 }] },
    });
    expect(decodeResponse(refusal, { apiKey: 18, version: 4 }).body).toMatchObject({ errorCode: 35 });
  });

  test('answers without any versions, as brokers before Kafka 2.4 do', () => {
    expect(decodeApiVersionsResponse(bytesOf('00000009 0023 00000000'), 4).body).toMatchObject({
      errorCode: 35,
      apiKeys: [],
    });
  });

  test('is read in the form asked for when it does know it', () => {
    const answer = bytesOf('00000009 0000 02 0012 0000 0004 00 00000000 00');
    expect(decodeApiVersionsResponse(answer, 4).body).toMatchObject({
      errorCode: 0,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    });
  });

  test('is an error when the answer is cut', () => {
    expect(errorOf(() => decodeApiVersionsResponse(bytesOf('00000009 00'), 4)).code).toBe('TRUNCATED');
  });
});
