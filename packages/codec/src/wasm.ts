export { createWasmCodecs, type WasmCodecs } from './wasm/wasm-codecs.ts';
