/**
 * The codec without the messages themselves: what `@kiel/codec` exports beside `ProduceRequest` and all the others.
 *
 * @module
 */

export * from '../../../../packages/codec/src/core.ts';
