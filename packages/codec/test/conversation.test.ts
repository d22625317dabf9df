import {
  encodeRequest,
  encodeResponse,
  MetadataRequest,
  MetadataResponse,
  ProduceRequest,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '@kiel/codec';
import { Conversation, type ConversationEvent } from '@kiel/codec/apis';
import { describe, expect, test } from 'vitest';

const metadataRequest = (correlationId: number) =>
  encodeRequest({ message: MetadataRequest, version: 9, correlationId, clientId: 'c', body: { topics: null } });

const metadataResponse = (correlationId: number, nodeId: number) =>
  encodeResponse({
    message: MetadataResponse,
    version: 9,
    correlationId,
    body: { brokers: [{ nodeId, host: 'h', port: 1 }], topics: [] },
  });

const frameOf = (...bytes: number[]) => Uint8Array.from([0, 0, 0, bytes.length, ...bytes]);

const kinds = (events: readonly ConversationEvent[]) => events.map((event) => event.kind);

describe('a conversation', () => {
  test('of a direction without answers, only the newest requests are kept', () => {
    const conversation = new Conversation({ maxPendingRequests: 3 });
    for (let id = 1; id <= 50; id++) conversation.fromClient(metadataRequest(id));
    expect(conversation.pendingRequests).toBe(3);
    expect(conversation.fromServer(metadataResponse(47, 1))).toMatchObject([{ kind: 'response', request: null }]);
    expect(conversation.fromServer(metadataResponse(48, 1))).toMatchObject([{ name: 'MetadataResponse' }]);
    expect(conversation.pendingRequests).toBe(2);
  });

  test('pairs answers with requests by correlation id, whatever the order and the chunks', () => {
    const conversation = new Conversation();
    const asked = Buffer.concat([metadataRequest(1), metadataRequest(2)]);
    const requests = [...asked].flatMap((byte) => conversation.fromClient(Uint8Array.of(byte)));
    expect(requests).toMatchObject([
      { kind: 'request', name: 'MetadataRequest', header: { correlationId: 1, clientId: 'c' }, expectsAnswer: true },
      { kind: 'request', name: 'MetadataRequest', header: { correlationId: 2 } },
    ]);
    expect(conversation.pendingRequests).toBe(2);
    const responses = conversation.fromServer(Buffer.concat([metadataResponse(2, 22), metadataResponse(1, 11)]));
    expect(responses).toMatchObject([
      { kind: 'response', name: 'MetadataResponse', body: { brokers: [{ nodeId: 22 }] }, error: null },
      { kind: 'response', name: 'MetadataResponse', body: { brokers: [{ nodeId: 11 }] }, error: null },
    ]);
    expect(responses[0]).toMatchObject({ request: requests[1] });
    expect(conversation.pendingRequests).toBe(0);
  });

  test('expects no answer to a Produce request with acks 0', () => {
    const conversation = new Conversation();
    const body = { acks: 0, timeoutMs: 1, topicData: [] };
    const oneWay = encodeRequest({ message: ProduceRequest, version: 9, correlationId: 1, clientId: null, body });
    expect(conversation.fromClient(oneWay)).toMatchObject([{ name: 'ProduceRequest', expectsAnswer: false }]);
    expect(conversation.pendingRequests).toBe(0);
  });

  test('keeps an unknown API and its answer raw, and goes on', () => {
    const conversation = new Conversation();
    // Key 500, version 0, correlation id 3, no client id, no tags, one byte of body.
    const strange = frameOf(1, 0xf4, 0, 0, 0, 0, 0, 3, 255, 255, 0, 42);
    const [request] = conversation.fromClient(strange);
    expect(request).toMatchObject({ name: null, body: null, header: { apiKey: 500 }, error: { code: 'UNKNOWN_API' } });
    expect(conversation.fromServer(frameOf(0, 0, 0, 3, 0, 7))).toMatchObject([
      { request, body: null, error: { code: 'UNKNOWN_API' }, frame: Uint8Array.of(0, 0, 0, 3, 0, 7) },
    ]);
    conversation.fromClient(metadataRequest(4));
    expect(conversation.fromServer(metadataResponse(4, 1))).toMatchObject([{ name: 'MetadataResponse' }]);
  });

  test('gives an answer without its request when it began in the middle', () => {
    const [response] = new Conversation().fromServer(metadataResponse(9, 1));
    expect(response).toMatchObject({
      kind: 'response',
      correlationId: 9,
      request: null,
      error: { code: 'UNKNOWN_API' },
    });
  });

  test('takes the bare tokens after SaslHandshake v0 for what they are', () => {
    const conversation = new Conversation();
    const handshake = { version: 0, correlationId: 1, clientId: 'c' };
    conversation.fromClient(
      encodeRequest({ ...handshake, message: SaslHandshakeRequest, body: { mechanism: 'PLAIN' } }),
    );
    const agreed = { errorCode: 0, mechanisms: ['PLAIN'] };
    conversation.fromServer(encodeResponse({ ...handshake, message: SaslHandshakeResponse, body: agreed }));
    const token = [0, ...Buffer.from('user'), 0, ...Buffer.from('password')];
    expect(conversation.fromClient(frameOf(...token))).toMatchObject([{ kind: 'token', from: 'client' }]);
    expect(conversation.fromServer(frameOf())).toMatchObject([
      { kind: 'token', from: 'server', frame: new Uint8Array() },
    ]);
    expect(kinds(conversation.fromClient(metadataRequest(2)))).toEqual(['request']);
    expect(conversation.fromServer(metadataResponse(2, 5))).toMatchObject([{ body: { brokers: [{ nodeId: 5 }] } }]);
    // From here on a frame that cannot be read is a broken request again.
    expect(kinds(conversation.fromClient(frameOf(...token)))).toEqual(['request']);
  });

  test('takes requests for requests after SaslHandshake v1, which wraps its tokens', () => {
    const conversation = new Conversation();
    const handshake = { version: 1, correlationId: 1, clientId: 'c' };
    conversation.fromClient(
      encodeRequest({ ...handshake, message: SaslHandshakeRequest, body: { mechanism: 'PLAIN' } }),
    );
    const agreed = { errorCode: 0, mechanisms: [] };
    conversation.fromServer(encodeResponse({ ...handshake, message: SaslHandshakeResponse, body: agreed }));
    expect(kinds(conversation.fromClient(frameOf(1, 2, 3)))).toEqual(['request']);
  });

  test('answers a correlation id that is used twice in the order of the requests', () => {
    const conversation = new Conversation();
    const [first] = conversation.fromClient(metadataRequest(1));
    const [second] = conversation.fromClient(metadataRequest(1));
    expect(conversation.fromServer(metadataResponse(1, 1))[0]).toMatchObject({ request: first });
    expect(conversation.fromServer(metadataResponse(1, 1))[0]).toMatchObject({ request: second });
  });
});
