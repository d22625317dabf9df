import { crc32c } from '@kiel/codec';

/**
 * How fast this machine is just now: nanoseconds for a fixed piece of work of the kinds a producer does, byte loops,
 * small objects and copies. Baselines are kept in units of it, so that they mean something on another machine.
 */
export function calibrationNanos(): number {
  const bytes = new Uint8Array(64 * 1024).map((_, i) => i * 31);
  const target = new Uint8Array(bytes.length);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 12; round++) {
    const start = process.hrtime.bigint();
    let kept: { at: number; next: unknown } | null = null;
    let sum = crc32c(bytes);
    for (let i = 0; i < 20_000; i++) kept = { at: i ^ sum, next: (i & 15) === 0 ? null : kept };
    for (let at = 0; at + 128 <= bytes.length; at += 128) target.set(bytes.subarray(at, at + 128), at);
    sum ^= kept!.at ^ target[sum & 0xffff]!;
    const nanos = Number(process.hrtime.bigint() - start);
    if (nanos < best && sum !== 0.5) best = nanos;
  }
  return best;
}
