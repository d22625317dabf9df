/**
 * Lookups over all messages: `@kiel/codec/apis`.
 *
 * @module
 */

export * from '../../../../packages/codec/src/apis.ts';
