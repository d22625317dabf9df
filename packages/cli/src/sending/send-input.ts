import { codeOf, messageOf } from '../failure.ts';
import type { Entry } from '../input/records.ts';
import { count } from '../terminal/quantity.ts';
import type { SendSession } from './send-session.ts';

/** Faults told one by one; the rest is only counted. */
const FAULTS_SHOWN = 20;

/** Tells which lines were not sent or not stored, and counts the former. */
export class RefusedLines {
  count = 0;
  #notStored = 0;
  readonly #unit: string;
  readonly #say: (text: string) => void;

  /** @param unit - what the numbers count: `line`, `block`. */
  constructor(unit: string, say: (text: string) => void) {
    this.#unit = unit;
    this.#say = say;
  }

  add(number: number, fault: string): void {
    this.count++;
    if (this.count <= FAULTS_SHOWN) this.#say(`${this.#unit} ${number}: ${fault}; it was not sent`);
    else if (this.count === FAULTS_SHOWN + 1)
      this.#say(`more ${this.#unit}s were not sent; from here on they are only counted`);
  }

  /** The brokers, or the producer on the way to them, would not have it. */
  notStored(number: number, reason: string): void {
    this.#notStored++;
    if (this.#notStored <= FAULTS_SHOWN) this.#say(`${this.#unit} ${number}: ${reason}; it was not stored`);
    else if (this.#notStored === FAULTS_SHOWN + 1) this.#say('from here on, what is not stored is only counted');
  }
}

/**
 * Sends what the input gives, waiting whenever the producer's buffer is full: so the input is read as fast as
 * the cluster takes it, and memory stays as it is.
 *
 * @param partitions - the topic's. A record for another one is refused at once: the producer would wait for it to appear.
 * @returns the last number seen.
 */
export async function sendInput(
  input: AsyncIterable<Entry[]>,
  session: SendSession,
  refused: RefusedLines,
  partitions: number,
  afterEach?: () => Promise<void> | undefined,
): Promise<number> {
  const { producer } = session;
  let last = 0;
  for await (const entries of input) {
    for (const entry of entries) {
      last = entry.number;
      if (entry.record === null) {
        refused.add(entry.number, entry.fault);
        continue;
      }
      const { partition } = entry.record;
      if (partition !== undefined && partition >= partitions) {
        refused.add(entry.number, `the topic has partitions 0 to ${partitions - 1}, and not ${partition}`);
        continue;
      }
      if (!producer.hasRoom) await producer.ready();
      try {
        session.send(entry.record, entry.number);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refused.add(entry.number, messageOf(error));
      }
      const pause = afterEach?.();
      if (pause !== undefined) await pause;
    }
    if (session.isOver) break;
  }
  return last;
}

/** What the producer says of a record that cannot be: a header that is no text, a timestamp out of range. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof TypeError || error instanceof RangeError || (error instanceof Error && codeOf(error) !== undefined)
  );
}

/** One line for each reason why records were not stored. */
export function failureLines(session: SendSession): string[] {
  return [...session.failures.values()].map(({ example, count: times, possiblyStored }) => {
    const possibly = possiblyStored > 0 ? ` (${count(possiblyStored)} of them may be stored all the same)` : '';
    return `${count(times)} ${times === 1 ? 'record was' : 'records were'} not stored${possibly}: ${example.message}`;
  });
}
