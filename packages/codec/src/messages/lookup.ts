import { CodecError, describeValue } from '../errors.ts';
import { formerNames, messages } from './generated/registry.ts';
import type { Message, RequestMessage, ResponseMessage } from './message.ts';

/**
 * A message whose type is not known when the program is written. Its input is checked when it is encoded, as ever.
 */
export type AnyMessage = Message<unknown, unknown>;

/** Built on first use, so that importing costs nothing, and never changed after. */
let tables: {
  byName: Map<string, AnyMessage>;
  requests: Map<number, AnyMessage>;
  responses: Map<number, AnyMessage>;
} | null = null;

function lookup(): NonNullable<typeof tables> {
  if (tables !== null) return tables;
  const byName = new Map<string, AnyMessage>();
  const requests = new Map<number, AnyMessage>();
  const responses = new Map<number, AnyMessage>();
  for (const each of messages) {
    const message = each as AnyMessage;
    byName.set(message.name, message);
    if (message.type === 'request') requests.set(message.apiKey!, message);
    if (message.type === 'response') responses.set(message.apiKey!, message);
  }
  for (const [former, name] of Object.entries(formerNames)) byName.set(former, byName.get(name)!);
  tables = { byName, requests, responses };
  return tables;
}

/**
 * The message with Kafka's name for it, `ProduceRequest`, in this or an older release.
 *
 * @throws CodecError `UNKNOWN_API`
 */
export function messageByName(name: string): AnyMessage {
  const message = lookup().byName.get(name);
  if (message === undefined) throw new CodecError('UNKNOWN_API', `no message is named ${describeValue(name)}`);
  return message;
}

/** @throws CodecError `UNKNOWN_API` */
export function requestFor(apiKey: number): RequestMessage<unknown, unknown> {
  const message = lookup().requests.get(apiKey);
  if (message === undefined) throw new CodecError('UNKNOWN_API', `no API has the key ${apiKey}`);
  return message as RequestMessage<unknown, unknown>;
}

/** @throws CodecError `UNKNOWN_API` */
export function responseFor(apiKey: number): ResponseMessage<unknown, unknown> {
  const message = lookup().responses.get(apiKey);
  if (message === undefined) throw new CodecError('UNKNOWN_API', `no API has the key ${apiKey}`);
  return message as ResponseMessage<unknown, unknown>;
}
