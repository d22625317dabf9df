import type { Target } from './targets.ts';

export interface Failure {
  readonly target: string;
  readonly input: Uint8Array;
  readonly problem: string;
}

export interface FuzzReport {
  readonly inputs: number;
  /** Distinct kinds of outcome, over all targets. */
  readonly kinds: number;
  readonly failures: readonly Failure[];
}

export interface FuzzOptions {
  readonly seed: number;
  /** Asked before each round of inputs. */
  readonly goOn: (inputs: number) => boolean;
  readonly onRound?: (report: FuzzReport) => void;
  /** An input that takes longer is a failure. Generous: machines are shared. */
  readonly maxInputMs?: number;
}

const ROUND = 2_000;
const MAX_INPUT_BYTES = 16 * 1024;
const MAX_CORPUS = 4_000;

/**
 * Mutates inputs that brought a new kind of outcome: an error code at a new place, or a value of a new message. That
 * serves as the feedback that instrumented fuzzers take from branches. The same seed makes the same inputs.
 */
export function fuzz(targets: readonly Target[], options: FuzzOptions): FuzzReport {
  const random = mulberry(options.seed);
  const maxInputMs = options.maxInputMs ?? 2_000;
  const failures: Failure[] = [];
  const corpora = targets.map((target) => [...target.seeds]);
  const seen = targets.map(() => new Set<string>());
  let inputs = 0;

  const tryInput = (index: number, input: Uint8Array): void => {
    const target = targets[index]!;
    inputs++;
    const startedAt = performance.now();
    try {
      const kind = target.run(input);
      if (!seen[index]!.has(kind)) {
        seen[index]!.add(kind);
        if (corpora[index]!.length < MAX_CORPUS) corpora[index]!.push(input);
      }
    } catch (error) {
      const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
      failures.push({ target: target.name, input, problem });
    }
    const tookMs = performance.now() - startedAt;
    if (tookMs > maxInputMs) {
      failures.push({ target: target.name, input, problem: `${input.length} bytes took ${Math.round(tookMs)} ms` });
    }
  };

  for (const [index, target] of targets.entries()) for (const seed of target.seeds) tryInput(index, seed);
  while (failures.length < 10 && options.goOn(inputs)) {
    for (let i = 0; i < ROUND; i++) {
      const index = i % targets.length;
      const corpus = corpora[index]!;
      // The newest finds are bred from more often
      const from = corpus[Math.floor(corpus.length * Math.sqrt(random()))]!;
      const other = corpus[Math.floor(corpus.length * random())]!;
      tryInput(index, mutate(from, other, random));
    }
    options.onRound?.(report());
  }
  return report();

  function report(): FuzzReport {
    return { inputs, kinds: seen.reduce((sum, set) => sum + set.size, 0), failures };
  }
}

const telling = [0, 1, 2, 3, 0x0f, 0x10, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const tellingInts = [
  0, 1, -1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, -0x80000000, 1_000_000, 1_000_001,
];

function mutate(from: Uint8Array, other: Uint8Array, random: () => number): Uint8Array {
  let bytes: Uint8Array = from.slice();
  const below = (n: number): number => Math.floor(random() * n);
  for (let times = 1 + below(4); times > 0; times--) {
    const at = below(bytes.length + 1);
    switch (below(9)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << below(8);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = telling[below(telling.length)]!;
        break;
      case 2:
        if (at + 4 <= bytes.length)
          new DataView(bytes.buffer, bytes.byteOffset).setInt32(at, tellingInts[below(tellingInts.length)]!);
        break;
      case 3:
        if (at + 2 <= bytes.length)
          new DataView(bytes.buffer, bytes.byteOffset).setInt16(at, tellingInts[below(tellingInts.length)]!);
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      case 5:
        bytes = join(
          bytes.subarray(0, at),
          Uint8Array.from({ length: 1 + below(8) }, () => below(256)),
          bytes.subarray(at),
        );
        break;
      case 6: {
        const end = at + below(bytes.length - at + 1);
        bytes = join(bytes.subarray(0, end), bytes.subarray(at, end), bytes.subarray(end));
        break;
      }
      case 7: {
        const end = at + below(Math.min(16, bytes.length - at) + 1);
        bytes = join(bytes.subarray(0, at), bytes.subarray(end));
        break;
      }
      default: {
        const start = below(other.length + 1);
        bytes = join(bytes.subarray(0, at), other.subarray(start));
      }
    }
  }
  return bytes.length > MAX_INPUT_BYTES ? bytes.slice(0, MAX_INPUT_BYTES) : bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
