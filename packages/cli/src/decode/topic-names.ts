const namers = new Set(['Metadata', 'CreateTopics']);

/** Names of topics by their ids, learned from the answers that tell both: newer requests give ids only. */
export class TopicNames {
  readonly #names = new Map<string, string>();

  learn({ direction, api, body }: { direction: 'request' | 'response'; api: string; body: unknown }): void {
    if (direction !== 'response' || !namers.has(api) || typeof body !== 'object' || body === null) return;
    const { topics } = body as { topics?: { name?: unknown; topicId?: unknown }[] };
    for (const { name, topicId } of topics ?? []) {
      if (typeof name === 'string' && typeof topicId === 'string') this.#names.set(topicId, name);
    }
  }

  /** The name, or the id itself. */
  nameOf(nameOrId: string): string {
    return this.#names.get(nameOrId) ?? nameOrId;
  }
}
