import type { Output } from '../terminal/output.ts';
import type { Seen } from './conversation.ts';
import type { MessageFilter } from './filter.ts';
import { damageLines, faultLines, messageLine, treeLines } from './render.ts';
import { withoutSecrets } from './secrets.ts';
import { TopicNames } from './topic-names.ts';
import { faultJson, messageJson } from './wire-json.ts';
import type { WireMessage } from './wire-message.ts';

export interface PrintFlags {
  readonly tree?: boolean;
  readonly records?: boolean;
  readonly json?: boolean;
  readonly showSecrets?: boolean;
}

/** Prints messages as the flags ask, and counts. */
export class MessagePrinter {
  messages = 0;
  faults = 0;
  readonly #flags: PrintFlags;
  readonly #filter: MessageFilter;
  readonly #topicNames = new TopicNames();
  readonly #out: Output;

  constructor(flags: PrintFlags, filter: MessageFilter, out: Output) {
    this.#flags = flags;
    this.#filter = filter;
    this.#out = out;
  }

  /** Nobody reads any more. */
  get isClosed(): boolean {
    return this.#out.isClosed;
  }

  async print(seen: readonly Seen[]): Promise<void> {
    for (const each of seen) {
      if (each.kind === 'fault') {
        this.faults++;
        const lines = this.#flags.json === true ? [faultJson(each.fault)] : faultLines(each.fault, this.#out);
        for (const line of lines) await this.#out.push(line);
        continue;
      }
      this.#topicNames.learn(each.message);
      if (this.#filter(each.message, this.#topicNames)) {
        this.messages++;
        if (each.message.damage !== null) this.faults++;
        for (const line of this.#lines(each.message)) await this.#out.push(line);
      }
    }
    // Whoever follows a capture wants to see a message when it comes.
    if (seen.length > 0) await this.flush();
  }

  flush(): Promise<void> {
    return this.#out.flush();
  }

  #lines(original: WireMessage): string[] {
    const { json = false, tree = false, records = false, showSecrets = false } = this.#flags;
    const message = showSecrets ? original : { ...original, body: withoutSecrets(original.body) };
    if (json) return [messageJson(message, this.#topicNames, records)];
    const damage = message.damage === null ? [] : damageLines(message.damage);
    const body = tree || records ? treeLines(message.body, this.#out, records) : [];
    return [messageLine(message, this.#topicNames, this.#out), ...damage, ...body];
  }
}
