import { crc32 } from 'node:zlib';
import type { KafkaRecord } from '@kiel/codec';
import { plural } from '../terminal/quantity.ts';

interface KeyTrace {
  count: number;
  /** Depends on every value and on their order. */
  chain: number;
  /** Depends on every value only. */
  sum: number;
}

const NO_KEY = '\0no key';

/**
 * What went in, against what came out: every record once, and the records of one key in the order they were sent.
 * It keeps a few numbers a key and no record, so that any amount can be checked.
 */
export class RoundTripCheck {
  readonly #sent = new Map<string, KeyTrace>();
  readonly #read = new Map<string, KeyTrace>();
  readonly #placeOfKey = new Map<string, number>();
  readonly #faults: string[] = [];
  sentCount = 0;
  readCount = 0;
  readBytes = 0;

  sent(key: Uint8Array | string | null, value: Uint8Array | string | null): void {
    this.sentCount++;
    trace(this.#sent, keyText(key), value);
  }

  read(partition: number, { key, value }: KafkaRecord): void {
    this.readCount++;
    this.readBytes += (key?.length ?? 0) + (value?.length ?? 0);
    const name = keyText(key);
    trace(this.#read, name, value);
    if (name === NO_KEY) return;
    const place = this.#placeOfKey.get(name);
    if (place === undefined) this.#placeOfKey.set(name, partition);
    else if (place !== partition) this.#faults.push(`key ${name} is in partitions ${place} and ${partition}`);
  }

  /** What is not as it should be; empty if all is well. */
  faults(): string[] {
    const faults = [...this.#faults];
    if (this.sentCount !== this.readCount) {
      faults.push(`${plural(this.sentCount, 'record')} went in and ${plural(this.readCount, 'record')} came out`);
    }
    for (const [key, sent] of this.#sent) {
      const read = this.#read.get(key) ?? { count: 0, chain: 0, sum: 0 };
      const name = key === NO_KEY ? 'without a key' : `of key ${key}`;
      if (read.count !== sent.count) faults.push(`${name}: ${sent.count} sent, ${read.count} read`);
      else if (read.sum !== sent.sum) faults.push(`${name}: values differ`);
      // Without a key records go to any partition, and only each partition has an order.
      else if (key !== NO_KEY && read.chain !== sent.chain) faults.push(`${name}: the order differs`);
    }
    for (const key of this.#read.keys()) if (!this.#sent.has(key)) faults.push(`key ${key} was never sent`);
    return faults;
  }
}

function keyText(key: Uint8Array | string | null): string {
  if (key === null) return NO_KEY;
  return typeof key === 'string' ? key : Buffer.from(key.buffer, key.byteOffset, key.length).toString();
}

function trace(traces: Map<string, KeyTrace>, key: string, value: Uint8Array | string | null): void {
  const hash = value === null ? 0xffffffff : crc32(value);
  const before = traces.get(key);
  const word = Buffer.alloc(4);
  word.writeUInt32BE(hash);
  if (before === undefined) {
    traces.set(key, { count: 1, chain: crc32(word), sum: hash });
    return;
  }
  before.count++;
  before.chain = crc32(word, before.chain);
  before.sum = (before.sum + hash) % Number.MAX_SAFE_INTEGER;
}
