import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { CaptureDecoder } from '../src/decode/capture-decoder.ts';
import type { Seen } from '../src/decode/conversation.ts';
import { ByteReader } from '../src/input/byte-reader.ts';

/** Java's console tools, librdkafka's kcat and kiel at a real broker, on a port of its own. */
const capture = readFileSync(fileURLToPath(new URL('captures/three-clients.pcap', import.meta.url)));
const fileHeader = capture.subarray(0, 24);

function packetsOf(file: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 24; at < file.length; at += packets.at(-1)!.length) {
    packets.push(file.subarray(at, at + 16 + file.readUInt32LE(at + 8)));
  }
  return packets;
}

async function decoded(packets: readonly Buffer[]): Promise<string[]> {
  async function* one() {
    yield Buffer.concat([fileHeader, ...packets]);
  }
  const decoder = new CaptureDecoder(new Set([9092]));
  const all: Seen[] = [];
  for await (const seen of decoder.decode(new ByteReader(one()))) all.push(...seen);
  for (const seen of decoder.end()) all.push(...seen);
  return all.map((seen) => {
    if (seen.kind === 'fault') return `fault: ${seen.fault.fault}`;
    const { direction, api, version, correlationId, sizeBytes, damage } = seen.message;
    return `${direction} ${api} v${version} ${correlationId} ${sizeBytes} ${damage?.problem ?? ''}`;
  });
}

test('a capture that begins anywhere shows what the whole one shows from there on, and invents nothing', async () => {
  const packets = packetsOf(capture);
  const whole = await decoded(packets);
  expect(whole).toHaveLength(159);
  const known = new Set(whole);
  for (let cut = 0; cut < packets.length; cut += 6) {
    const seen = await decoded(packets.slice(cut));
    expect(
      seen.filter((each) => !known.has(each)),
      `from packet ${cut + 1} on`,
    ).toEqual([]);
    // Of each connection what was asked before is lost, its answer with it, and no more.
    expect(seen.length).toBeGreaterThan(whole.length * (1 - cut / packets.length) - 30);
  }
});
