import { inject } from 'vitest';
import { type KafkaAccess, type KafkaPlace, openKafka } from '../../tools/kafka/index.ts';

/** The one-broker cluster of that release that all test files use: give topics names of your own, and change no settings. */
export async function sharedKafka(version: string): Promise<KafkaAccess> {
  const response = await fetch(inject('kafkaDesk') + version);
  if (!response.ok) throw new Error(await response.text());
  return openKafka((await response.json()) as KafkaPlace);
}
