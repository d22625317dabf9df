/**
 * Records of Kafka's own topics: `@kiel/codec/internal-topics`, but for the generated messages.
 *
 * @module
 */

export * from '../../../../packages/codec/src/internal-topics.ts';
