// Bytes to objects and back, in every record format: for Node and browsers alike. The result is text.
import {
  CodecError,
  crc32c,
  createLz4,
  createSnappy,
  encodeRequest,
  FrameDecoder,
  MetadataRequest,
  ProduceRequest,
  RecordBatchBuilder,
  readRecords,
} from '@kiel/codec';
import { apis, decodeRequest, messageByName } from '@kiel/codec/apis';
import { createWasmCodecs } from '@kiel/codec/wasm';

export function report() {
  const lines = [];
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

  for (const version of [0, 9, 13]) {
    const body = { topics: [{ name: 'orders' }] };
    const frame = encodeRequest({ message: MetadataRequest, version, correlationId: 7, clientId: 'c', body });
    lines.push(`metadata ${version} ${hex(frame)}`);
    const decoder = new FrameDecoder();
    for (const byte of frame) {
      for (const whole of decoder.push(Uint8Array.of(byte))) {
        lines.push(text(decodeRequest(whole)));
      }
    }
  }
  const attempt = (what, act) => {
    try {
      lines.push(`${what} ${act()}`);
    } catch (error) {
      lines.push(`${what} ${error.name} ${error.code} ${error instanceof CodecError} ${error.message}`);
    }
  };
  for (const { name, maxVersion } of apis) {
    const request = messageByName(`${name}Request`);
    attempt(name, () => {
      const bytes = request.encode({}, maxVersion);
      return `${maxVersion} ${hex(bytes)} ${text(request.decode(bytes, maxVersion))}`;
    });
  }
  attempt('cut short', () => ProduceRequest.decode(Uint8Array.of(1, 2, 3), 9));

  const builder = new RecordBatchBuilder({ limitBytes: 100_000 });
  for (let i = 0; i < 50; i++) builder.tryAppend(1_700_000_000_000 + i, `k${i}`, `value ${i}`, [['n', null]]);
  const batch = builder.seal({ producerId: 7n });
  lines.push(`batch ${hex(batch)}`);
  for (const record of readRecords(batch)) lines.push(text({ ...record, value: hex(record.value) }));

  const plain = new TextEncoder().encode('kiel '.repeat(20_000));
  const wasm = createWasmCodecs();
  lines.push(`wasm ${wasm !== null} ${crc32c(plain)} ${wasm?.crc32c(plain)}`);
  const compressors = { lz4: createLz4(), snappy: createSnappy(), wasmLz4: wasm?.lz4, wasmSnappy: wasm?.snappy };
  for (const [name, compressor] of Object.entries(compressors)) {
    const packed = compressor.compress(plain).slice();
    const again = compressor.decompress(packed, plain.length);
    lines.push(`${name} ${packed.length < plain.length / 10} ${crc32c(again) === crc32c(plain)}`);
  }
  return lines.join('\n');
}

function text(value) {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}n` : each));
}
