import { createLz4, createSnappy, RecordBatchBuilder } from '@kiel/codec';
import { createWasmCodecs } from '@kiel/codec/wasm';
import { bench, do_not_optimize, group, run, summary } from 'mitata';
import { nativeLz4, nativeSnappy } from './peers.ts';
import { orderLines } from './sample.ts';

/** The body of a batch of orders, 256 KiB: 262.1 divided by a figure in µs is GB/s. */
const builder = new RecordBatchBuilder({ limitBytes: 61 + (1 << 18) });
for (const [i, line] of orderLines(5000).entries()) {
  if (!builder.tryAppend(1_700_000_000_000 + i, `key-${i % 997}`, line)) break;
}
const body = Buffer.from(builder.body());
const maxBytes = 1 << 24;
const [lz4, snappy, raw, wasm] = [createLz4(), createSnappy(), createSnappy({ framing: 'raw' }), createWasmCodecs()];

const frame = Buffer.from(nativeLz4.compressFrameSync(body));
const ownFrame = lz4.compress(body).slice();
const block = Buffer.from(nativeSnappy.compressSync(body));
const framed = snappy.compress(body).slice();
const wasmFrame = wasm?.lz4.compress(body).slice();
console.log(
  `${body.length} bytes; LZ4: own ${ownFrame.length}, native ${frame.length}; snappy: own ${framed.length}, native ${block.length}`,
);

summary(() => {
  group('LZ4, decompress', () => {
    bench('lz4-napi', () => do_not_optimize(nativeLz4.decompressFrameSync(frame))).baseline(true);
    bench('kiel, TypeScript, frame of lz4-napi', () => do_not_optimize(lz4.decompress(frame, maxBytes)));
    bench('kiel, TypeScript, own frame', () => do_not_optimize(lz4.decompress(ownFrame, maxBytes)));
    if (wasm)
      bench('kiel, WebAssembly, blocks of 64 KiB', () => do_not_optimize(wasm.lz4.decompress(wasmFrame!, maxBytes)));
  });
});
summary(() => {
  group('snappy, decompress', () => {
    bench('snappy', () => do_not_optimize(nativeSnappy.uncompressSync(block, { asBuffer: true }))).baseline(true);
    bench('kiel, TypeScript, raw', () => do_not_optimize(raw.decompress(block, maxBytes)));
    bench('kiel, TypeScript, xerial', () => do_not_optimize(snappy.decompress(framed, maxBytes)));
    if (wasm) bench('kiel, WebAssembly, xerial', () => do_not_optimize(wasm.snappy.decompress(framed, maxBytes)));
  });
});
summary(() => {
  group('LZ4, compress', () => {
    bench('lz4-napi', () => do_not_optimize(nativeLz4.compressFrameSync(body))).baseline(true);
    bench('kiel, TypeScript', () => do_not_optimize(lz4.compress(body)));
    if (wasm) bench('kiel, WebAssembly', () => do_not_optimize(wasm.lz4.compress(body)));
  });
});
summary(() => {
  group('snappy, compress', () => {
    bench('snappy', () => do_not_optimize(nativeSnappy.compressSync(body))).baseline(true);
    bench('kiel, TypeScript', () => do_not_optimize(snappy.compress(body)));
    if (wasm) bench('kiel, WebAssembly', () => do_not_optimize(wasm.snappy.compress(body)));
  });
});

await run();
