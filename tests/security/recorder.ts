import { inspect } from 'node:util';
import type { Logger, Producer, ProducerOptions } from '@kiel/producer';
import { secrets } from './secrets.ts';

/**
 * Listens to everything a producer lets out: log lines, events, inspector events, snapshots, errors. All of it is
 * searched for the secrets of the suite, plain and encoded.
 */
export class Recorder {
  #text: string[] = [];
  #inspections = 0;
  readonly lines: string[] = [];

  /** Spread into `createProducer`. */
  get options(): Pick<ProducerOptions, 'logger' | 'inspect'> {
    const write =
      (level: string): Logger['debug'] =>
      (details, message) => {
        const line = `${level} ${message} ${JSON.stringify(details)}`;
        this.lines.push(line);
        this.note(line);
      };
    const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
    return { logger, inspect: (event) => this.#inspected(event) };
  }

  watch(producer: Producer): void {
    const names = ['delivered', 'deliveryFailed', 'stateChanged', 'throttled', 'rebootstrapped', 'warning'] as const;
    for (const name of names) producer.on(name, (event) => this.note(event));
    this.note(producer);
    this.note(producer.actor.getPersistedSnapshot());
  }

  /** Keeps whatever a user could print of this value. */
  note(value: unknown): void {
    this.#text.push(inspect(value, { depth: 8, showHidden: true, maxStringLength: null, breakLength: Infinity }));
    try {
      this.#text.push(JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? String(each) : each)) ?? '');
    } catch {
      // Circular: the inspection above has it.
    }
    if (value instanceof Error) this.#text.push(value.stack ?? '', String(value));
  }

  /** The names of the secrets that came out, in whatever encoding. */
  found(more: readonly string[] = []): string[] {
    const all = this.#text.join('\n');
    return [...Object.values(secrets), ...more].filter((secret) => formsOf(secret).some((form) => all.includes(form)));
  }

  get size(): number {
    return this.#text.reduce((sum, text) => sum + text.length, 0);
  }

  /** An inspector gets actor references, which are large: the first ones in depth, then what changes. */
  #inspected(event: unknown): void {
    this.#inspections++;
    const { type, event: inner, snapshot } = event as { type?: string; event?: unknown; snapshot?: unknown };
    if (this.#inspections <= 4) this.#text.push(inspect(event, { depth: 4 }));
    else if (this.#inspections <= 2000) {
      const { value, context, status } = (snapshot ?? {}) as { value?: unknown; context?: unknown; status?: unknown };
      this.#text.push(inspect({ type, inner, value, status, context }, { depth: 3 }));
    }
  }
}

export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    encodeURIComponent(secret),
    // As Buffers show themselves.
    [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
  ];
}
