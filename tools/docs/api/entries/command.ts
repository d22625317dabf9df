/**
 * The command as a function: what the package `kiel` exports.
 *
 * @module
 */

export * from '../../../../packages/cli/src/index.ts';
