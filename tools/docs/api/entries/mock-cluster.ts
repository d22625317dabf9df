/**
 * The embedded cluster: what `@kiel/mock-cluster` exports.
 *
 * @module
 */

export * from '../../../../packages/mock-cluster/src/index.ts';
