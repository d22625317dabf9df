import type { Attributes } from '@opentelemetry/api';
import type { RequestTrace } from '../channels.ts';

/** Kafka's name of the error where it has one: few values, as `error.type` wants it. */
export function errorType(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : '_OTHER';
}

export function requestAttributes({ apiName, clientId, content, error }: RequestTrace): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': apiName,
    'messaging.client.id': clientId,
    ...(content === undefined
      ? {}
      : { 'messaging.operation.type': 'send', 'messaging.batch.message_count': content.records }),
    // A request carries several topics, and then none is its destination.
    ...(content?.topics.length === 1 ? { 'messaging.destination.name': content.topics[0]! } : {}),
    ...(error === undefined ? {} : { 'error.type': errorType(error) }),
  };
}

export function serverAttributes({ host, port }: RequestTrace): Attributes {
  return { 'server.address': host, 'server.port': port };
}
