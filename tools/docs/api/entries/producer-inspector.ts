/**
 * What a viewer of producers is made of: `@kiel/producer/inspector`.
 *
 * @module
 */

export * from '../../../../packages/producer/src/inspector/index.ts';
