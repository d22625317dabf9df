/** The records that Kafka keeps in its own topics and logs. */
export * from './internal-topics/generated/index.ts';
