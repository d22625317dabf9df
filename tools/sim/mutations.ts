/** A fault to plant: a piece of the producer's source, and what is put in its place. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly put: string;
  /** Where it is looked for: `hard` unless given. */
  readonly profile?: string;
}

/** Faults that clients had, or nearly had. Each must be seen by the simulation. */
export const mutations: readonly Mutation[] = [
  {
    name: 'any batch may be sent again first',
    file: 'partition-queue.ts',
    find: 'return oldest.isInFlight || (this.needsRestart && !this.isOpenBeforeBreak) ? null : oldest;',
    put: 'return unsettled.findLast((batch) => !batch.isInFlight) ?? null;',
  },
  {
    name: 'the first-contact rule is dropped',
    file: 'partition-queue.ts',
    find: 'if (this.contact !== this.leader && this.inFlight > 0) return null;',
    put: '',
  },
  {
    name: 'the epoch is raised without waiting for what is in flight',
    file: 'sequences.ts',
    find: '    if (queue.inFlight > 0 || queue.isOpenBeforeBreak) return;\n',
    put: '',
  },
  {
    name: 'a new epoch does not wait for an older batch that may be stored',
    file: 'partition-queue.ts',
    find: 'return oldest?.isUncertain === true && oldest.ordinal < this.brokenFrom && this.forgottenBy === null;',
    put: 'void oldest; return false;',
  },
  {
    name: 'a new epoch begins as soon as the fate of a batch is open',
    file: 'sequences.ts',
    find: 'if (queue.gapAt >= 0 && queue.unsettled.length === 0) queue.brokenFrom = queue.numbered;',
    put: 'if (queue.gapAt >= 0) queue.brokenFrom = 0;',
  },
  {
    name: 'what a leader refuses after it lost its place counts as not stored',
    file: 'error-treatment.ts',
    find: 'new Set([-1, 3, 6, 7, 20, 56])',
    put: 'new Set([7, 20])',
  },
  {
    name: '46 is success always',
    file: 'verdict.ts',
    find: 'if (batch.isUncertain) settlement.stored(',
    put: 'if (errorCode === 46) settlement.stored(',
  },
  {
    name: 'what a broker may have stored is sent under new numbers once it has forgotten the producer',
    file: 'verdict.ts',
    find: 'if (errorCode !== 45 && batch.isUncertain) {',
    put: 'if (errorCode < 0 && batch.isUncertain) {',
  },
  {
    name: 'a batch that may be stored as a whole is split',
    file: 'verdict.ts',
    find: 'batch.isSettled || (sequences.isIdempotent && batch.isUncertain)) {\n      settlement.refuse(batch, error);',
    put: 'batch.isSettled) {\n      settlement.refuse(batch, error);',
  },
  {
    name: 'what is in flight when its time runs out counts as not stored',
    file: 'batch.ts',
    find: "this.isUncertain || this.isInFlight ? 'possibly' : 'no'",
    put: "this.isUncertain ? 'possibly' : 'no'",
  },
  {
    name: 'records that were taken back are sent all the same',
    file: 'settlement.ts',
    find: 'if (batch.attempts > 0) return false;',
    put: 'if (batch.attempts >= 0) return false;',
  },
  {
    name: 'a topic made anew is taken for one that knows the producer',
    file: 'partition-queue.ts',
    find: '    this.leaderEpoch = -1;\n    this.contact = null;',
    put: '    this.leaderEpoch = -1;',
  },
  {
    name: 'close leaves a timer behind',
    file: 'pump.ts',
    find: '    this.#alarm.stop();\n',
    put: '',
  },
  {
    name: 'records that wait for a broker which moves are forgotten',
    file: 'cluster.ts',
    find: '      for (const queue of waiting) this.#events.leaderFound(queue);\n',
    put: '      void waiting;\n',
  },
  {
    name: 'new numbers go on behind a batch whose fate is unknown',
    file: 'partition-queue.ts',
    find: 'if (identity === null || this.needsRestart || this.gapAt >= 0) return null;',
    put: 'if (identity === null) return null;',
  },
  {
    name: 'numbers of a batch that was given up are used again',
    file: 'sequences.ts',
    find: '    if (!batch.isUncertain) queue.breakAt(batch);\n',
    put: '    if (!batch.isUncertain) queue.nextSequence = batch.sequence;\n',
  },
  {
    name: 'another epoch begins while batches of the former one are open',
    file: 'partition-queue.ts',
    find: 'if (this.identity !== identity) return unsettled.length === 0 ? batch : null;',
    put: '',
  },
  {
    name: 'without idempotence, which the brokers do not have, a partition sends on before its answer',
    file: 'partition-queue.ts',
    find: 'if (isMuting) return unsettled.length === 0 ? batch : null;',
    put: 'if (isMuting) return batch;',
    profile: 'old-brokers',
  },
  {
    name: 'a batch that was sent gets fresh numbers when it is sent again',
    file: 'partition-queue.ts',
    find: '    batch.isInFlight = true;\n    batch.attempts++;',
    put: '    if (batch.attempts > 0 && identity !== null) this.#number(batch, identity);\n    batch.isInFlight = true;\n    batch.attempts++;',
  },
  {
    name: 'records of an idle topic begin at 0 again',
    file: 'metadata-refresh.ts',
    find: 'topic.isIdle = true;',
    put: 'accumulator.topics.delete(topic.name);',
  },
  {
    name: 'a lost answer counts as not stored',
    file: 'sender.ts',
    find: 'this.#settlement.takeBack(batch, error, true, true);\n    this.#events.metadataStale();',
    put: 'this.#settlement.takeBack(batch, error, false, true);\n    this.#events.metadataStale();',
  },
  {
    name: 'a lost answer counts as stored',
    file: 'sender.ts',
    find: 'this.#settlement.takeBack(batch, error, true, true);\n    this.#events.metadataStale();',
    put: 'this.#settlement.stored(batch, shipment.link, 0n, -1n);\n    this.#events.metadataStale();',
  },
  {
    name: 'offsets are counted from one too high',
    file: 'settlement.ts',
    find: 'batch.succeed(baseOffset, appendTimeMs);',
    put: 'batch.succeed(baseOffset + 1n, appendTimeMs);',
  },
  {
    name: 'close forgets what waits',
    file: 'sender.ts',
    find: 'for (const batch of [...this.#parts.accumulator.batches()]) this.#settlement.giveUp(batch, errorFor(batch));',
    put: 'void errorFor;',
  },
  {
    name: 'deadlines are not minded',
    file: 'sender.ts',
    find: 'if (deadlineMs > nowMs) return deadlineMs;',
    put: 'if (deadlineMs + 60_000 > nowMs) return deadlineMs + 60_000;',
  },
  {
    name: 'halves of a split batch change places',
    file: 'verdict.ts',
    find: 'accumulator.divide(batch, parts);',
    put: 'accumulator.divide(batch, parts.reverse());',
  },
  {
    name: 'flush does not wait for the oldest group',
    file: 'flush-group.ts',
    find: 'this.#unsettled[0]!.open === 0',
    put: 'this.#unsettled[0]!.open <= 1',
  },
  {
    name: 'requests are repeated without a pause',
    file: 'backoff.ts',
    find: 'export function backoffMs(',
    put: 'export function backoffMs(..._: unknown[]): number {\n  return 0;\n}\n\nexport function formerBackoffMs(',
  },
  {
    name: 'five batches more are open than a broker remembers',
    file: 'partition-queue.ts',
    find: 'export const mostUnsettledBatches = 5;',
    put: 'export const mostUnsettledBatches = 10;',
  },
  {
    name: 'transactions: a commit does not wait for the records',
    file: 'transactions.ts',
    find: '      await this.#parts.flush();\n',
    put: '',
    profile: 'transactions',
  },
  {
    name: 'transactions: a commit with a hole',
    file: 'transactions.ts',
    find: '      if (this.#failure !== null) {\n        this.#parts.tell(',
    put: '      if (this.#failure?.code === "NEVER") {\n        this.#parts.tell(',
    profile: 'transactions',
  },
  {
    name: 'transactions: the epoch that EndTxn gives is ignored',
    file: 'transaction-coordinator.ts',
    find: 'value: version >= 5 && producerId >= 0n ? { producerId, epoch } : identity',
    put: 'value: version >= 5 && producerId >= 0n && epoch > 99 ? { producerId, epoch } : identity',
    profile: 'transactions',
  },
  {
    name: 'transactions: records leave before their partition is added',
    file: 'transactions.ts',
    find: 'if (produceVersion > lastProduceOfV1 || this.#contents.has(queue)) return true;',
    put: 'if (produceVersion >= 0 || this.#contents.has(queue)) return true;',
    profile: 'transactions',
  },
  {
    name: 'transactions: the end overtakes partitions that are being added',
    file: 'transaction-contents.ts',
    find: '    await this.#adding;\n',
    put: '',
    profile: 'transactions',
  },
  {
    name: 'transactions: the end overtakes offsets that are under way',
    file: 'transaction-contents.ts',
    find: '    await Promise.allSettled([...this.#offsetCalls]);\n',
    put: '',
    profile: 'transactions',
  },
  {
    name: 'transactions: a commit without answer counts as none',
    file: 'transactions.ts',
    find: '    if (this.#isCommitInDoubt) throw unknownOutcome(error);\n',
    put: '',
    profile: 'transactions',
  },
  {
    name: 'transactions: a commit that was refused after one without answer counts as none',
    file: 'transactions.ts',
    find: "isExcluded && !this.#isCommitInDoubt ? 'aborted' : 'unknown'",
    put: "isExcluded ? 'aborted' : 'unknown'",
    profile: 'transactions',
  },
  {
    name: 'transactions: lost sequence numbers go on under the same epoch',
    file: 'transactions.ts',
    find: '(this.#wantsRestart || isLateOneAbout)',
    put: 'isLateOneAbout',
    profile: 'transactions',
  },
  {
    name: 'transactions: an abort does not wait for the answers that are missing',
    file: 'transactions.ts',
    find: 'if (!this.#parts.isQuiet()) await',
    put: 'if (Math.random() > 1) await',
    profile: 'transactions',
  },
  {
    name: 'transactions: the next one begins under the epoch of an EndTxn that may come late',
    file: 'transactions.ts',
    find: 'const isLateOneAbout = coordinator.unanswered > 0 && coordinator.canRenew;',
    put: 'const isLateOneAbout = coordinator.unanswered > 99;',
    profile: 'transactions',
  },
  {
    name: 'transactions: a fenced producer takes its name back',
    file: 'transactions.ts',
    find: '  #doom(error: KafkaError, outcome: TransactionOutcome): TransactionError {\n',
    put: "  #doom(error: KafkaError, outcome: TransactionOutcome): TransactionError {\n    if (error.code === 'PRODUCER_FENCED' || error.code === 'INVALID_PRODUCER_EPOCH') {\n      this.#identity = null;\n      this.#needsNewEpoch = true;\n      this.#parts.tell({ type: 'ended', producerId: '0', epoch: 0 });\n      return abortedTransaction('another had its name');\n    }\n",
    profile: 'transactions',
  },
];
