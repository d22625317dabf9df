/**
 * What needs Node: `@kiel/codec/node`.
 *
 * @module
 */

export * from '../../../../packages/codec/src/node.ts';
