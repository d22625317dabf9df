export interface CommittedOffset {
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

/** Committed offsets of consumer groups, and those that wait for a transaction to end. */
export class Groups {
  readonly #committed = new Map<string, Map<string, CommittedOffset>>();
  readonly #pending = new Map<string, Map<bigint, Map<string, CommittedOffset>>>();

  names(): IterableIterator<string> {
    return this.#committed.keys();
  }

  has(group: string): boolean {
    return this.#committed.has(group);
  }

  commit(group: string, topic: string, partition: number, offset: CommittedOffset): void {
    this.#offsets(group).set(`${topic}/${partition}`, offset);
  }

  commitInTransaction(
    group: string,
    producerId: bigint,
    topic: string,
    partition: number,
    offset: CommittedOffset,
  ): void {
    let producers = this.#pending.get(group);
    if (producers === undefined) {
      producers = new Map();
      this.#pending.set(group, producers);
    }
    let offsets = producers.get(producerId);
    if (offsets === undefined) {
      offsets = new Map();
      producers.set(producerId, offsets);
    }
    offsets.set(`${topic}/${partition}`, offset);
  }

  /** Takes back what a transaction has committed so far to that partition. */
  dropPending(group: string, producerId: bigint, topic: string, partition: number): void {
    const producers = this.#pending.get(group);
    const offsets = producers?.get(producerId);
    offsets?.delete(`${topic}/${partition}`);
    if (offsets?.size === 0) producers!.delete(producerId);
  }

  endTransaction(group: string, producerId: bigint, commit: boolean): void {
    const offsets = this.#pending.get(group)?.get(producerId);
    if (offsets === undefined) return;
    this.#pending.get(group)!.delete(producerId);
    if (commit) for (const [key, offset] of offsets) this.#offsets(group).set(key, offset);
  }

  fetch(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(group)?.get(`${topic}/${partition}`);
  }

  /** Whether a transaction that is still open committed this offset: such are unstable. */
  isPending(group: string, topic: string, partition: number): boolean {
    for (const offsets of this.#pending.get(group)?.values() ?? []) {
      if (offsets.has(`${topic}/${partition}`)) return true;
    }
    return false;
  }

  /** Every committed offset of a group as [topic, partition, offset]. */
  *all(group: string): Generator<[string, number, CommittedOffset]> {
    for (const [key, offset] of this.#committed.get(group) ?? []) {
      const slash = key.lastIndexOf('/');
      yield [key.slice(0, slash), Number(key.slice(slash + 1)), offset];
    }
  }

  #offsets(group: string): Map<string, CommittedOffset> {
    let offsets = this.#committed.get(group);
    if (offsets === undefined) {
      offsets = new Map();
      this.#committed.set(group, offsets);
    }
    return offsets;
  }
}
