/**
 * Codecs in WebAssembly: `@kiel/codec/wasm`.
 *
 * @module
 */

export * from '../../../../packages/codec/src/wasm.ts';
