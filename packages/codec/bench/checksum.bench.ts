import { crc32, crc32c } from '@kiel/codec';
import { nodeCrc32 } from '@kiel/codec/node';
import { createWasmCodecs } from '@kiel/codec/wasm';
import { bench, do_not_optimize, group, run, summary } from 'mitata';
import { crc32Package, nodeRs } from './peers.ts';

const wasm = createWasmCodecs();
for (const size of [128, 16 << 10, 1 << 20]) {
  const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24));
  summary(() => {
    group(`CRC-32C of ${size} bytes`, () => {
      bench('@node-rs/crc32', () => do_not_optimize(nodeRs.crc32c(bytes))).baseline(true);
      bench('crc-32', () => do_not_optimize(crc32Package.buf(bytes)));
      bench('kiel, TypeScript', () => do_not_optimize(crc32c(bytes)));
      if (wasm) bench('kiel, WebAssembly', () => do_not_optimize(wasm.crc32c(bytes)));
    });
  });
  summary(() => {
    group(`CRC-32 of ${size} bytes`, () => {
      bench('node:zlib', () => do_not_optimize(nodeCrc32(bytes))).baseline(true);
      bench('kiel, TypeScript', () => do_not_optimize(crc32(bytes)));
    });
  });
}

await run();
