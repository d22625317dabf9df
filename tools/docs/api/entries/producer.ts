/**
 * The producer: what `@kiel/producer` exports.
 *
 * @module
 */

export * from '../../../../packages/producer/src/index.ts';
