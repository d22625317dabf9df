import { apis } from '@kiel/codec/apis';
import { splitList } from '../config/java-settings.ts';
import { usage } from '../failure.ts';
import type { TopicNames } from './topic-names.ts';
import { gistOf } from './walk.ts';
import type { WireMessage } from './wire-message.ts';

export interface FilterFlags {
  api?: string;
  topic?: string;
  correlation?: string;
}

export type MessageFilter = (message: WireMessage, topicNames: TopicNames) => boolean;

/** @throws Failure for an API that does not exist. */
export function messageFilter(flags: FilterFlags): MessageFilter {
  const names = flags.api === undefined ? null : new Set(splitList(flags.api).map((name) => apiByName(name).name));
  const topics = flags.topic === undefined ? null : new Set(splitList(flags.topic));
  const ids = flags.correlation === undefined ? null : new Set(splitList(flags.correlation).map(correlationId));
  return (message, topicNames) =>
    (names === null || names.has(message.api)) &&
    (ids === null || (message.correlationId !== null && ids.has(message.correlationId))) &&
    (topics === null || [...gistOf(message.body).topics.keys()].some((topic) => topics.has(topicNames.nameOf(topic))));
}

/** By Kafka's name, in any case, with or without `Request` and `Response`; or by its number. @throws Failure */
export function apiByName(text: string): (typeof apis)[number] {
  const wanted = text.toLowerCase().replace(/(request|response)$/, '');
  const api = apis.find(({ name, apiKey }) => name.toLowerCase() === wanted || String(apiKey) === wanted);
  if (api !== undefined) return api;
  const near = apis.map(({ name }) => name).filter((name) => name.toLowerCase().includes(wanted.slice(0, 5)));
  throw usage(
    `There is no API ${text}.`,
    near.length > 0 ? `There is ${near.slice(0, 6).join(', ')}.` : 'kiel meta --versions lists them.',
  );
}

function correlationId(text: string): number {
  const id = Number(text);
  if (!Number.isInteger(id)) throw usage(`--correlation ${text} is not a whole number.`);
  return id;
}
