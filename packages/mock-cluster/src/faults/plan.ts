import { codeNumber } from '../codes.ts';
import type { Core } from '../core.ts';
import type { ClusterView } from '../state/cluster-state.ts';
import type { Action } from './action.ts';
import { RequestFaults } from './request-faults.ts';
import type { Rule, Touched } from './rule.ts';

/** How a connection ends instead of answering. */
export type Ending = 'close' | 'reset' | 'mute' | 'black-hole';

/** What happens to the bytes of a reply on their way out. */
export interface ReplyMangling {
  truncateAt: number | null;
  trickle: { readonly bytes: number; readonly everyMs: number } | null;
  splitAt: readonly number[] | null;
  garbageBytes: number | null;
  correlationId: number | null;
  isCorrupt: boolean;
  hold: 'merge' | 'swap' | null;
}

/** Everything that the rules which took a request do to it, in order of its way through the broker. */
export interface FaultPlan {
  readonly faults: RequestFaults;
  readonly sentences: readonly string[];
  /** Before it is handled. */
  delayMs: number;
  endsBefore: Ending | null;
  /** After it was handled. */
  delayReplyMs: number;
  endsAfter: Ending | null;
  reply: ReplyMangling | null;
}

/** Turns the rules that took a request into a plan; acts on the cluster are done here, before the request is. */
export function planFor(
  rules: readonly Rule[],
  core: Core,
  request: unknown,
  touched: readonly Touched[],
  staleViews: ReadonlyMap<Rule, ClusterView>,
): FaultPlan {
  const plan: FaultPlan = {
    faults: new RequestFaults(),
    sentences: rules.map(String),
    delayMs: 0,
    endsBefore: null,
    delayReplyMs: 0,
    endsAfter: null,
    reply: null,
  };
  for (const rule of rules) {
    // A topic id that means nothing any more has no name.
    const about = touched.filter((t) => t.topic !== '' && rule.isAbout(t.topic, t.partition));
    for (const action of rule.actions) {
      if (typeof action === 'string') named(plan, action, rule, core, request, about, staleViews);
      else withArguments(plan, action, rule, core, request, about);
    }
  }
  return plan;
}

function mangling(plan: FaultPlan): ReplyMangling {
  plan.reply ??= {
    truncateAt: null,
    trickle: null,
    splitAt: null,
    garbageBytes: null,
    correlationId: null,
    isCorrupt: false,
    hold: null,
  };
  return plan.reply;
}

type ActionObject = Exclude<Action, string>;

function withArguments(
  plan: FaultPlan,
  action: ActionObject,
  rule: Rule,
  core: Core,
  request: unknown,
  about: readonly Touched[],
): void {
  if ('error' in action) {
    plan.faults.errors.push({ rule, action });
    if (action.hint !== undefined) plan.faults.hint = action.hint;
    if (codeNumber(action.error) === undefined) throw new Error(`there is no error code called ${action.error}`);
  } else if ('delayMs' in action) plan.delayMs += action.delayMs;
  else if ('delayReplyMs' in action) plan.delayReplyMs += action.delayReplyMs;
  else if ('throttleMs' in action) plan.faults.throttleMs = Math.max(plan.faults.throttleMs, action.throttleMs);
  else if ('truncateAt' in action) mangling(plan).truncateAt = action.truncateAt;
  else if ('trickle' in action) mangling(plan).trickle = action.trickle;
  else if ('splitAt' in action) mangling(plan).splitAt = action.splitAt;
  else if ('garbageBytes' in action) mangling(plan).garbageBytes = action.garbageBytes;
  else if ('correlationId' in action) mangling(plan).correlationId = action.correlationId;
  else if ('addPartitions' in action)
    for (const topic of topicsOf(about)) core.acts.addPartitions(topic, action.addPartitions);
  else if ('killBroker' in action) core.acts.killBroker(action.killBroker);
  else action.call(request);
}

function named(
  plan: FaultPlan,
  action: Extract<Action, string>,
  rule: Rule,
  core: Core,
  request: unknown,
  about: readonly Touched[],
  staleViews: ReadonlyMap<Rule, ClusterView>,
): void {
  const { acts } = core;
  switch (action) {
    case 'append-then-drop-reply':
      plan.endsAfter = 'reset';
      return;
    case 'drop-before-append':
    case 'reset':
      plan.endsBefore = 'reset';
      return;
    case 'close':
    case 'refuse':
      plan.endsBefore = 'close';
      return;
    case 'mute':
      plan.endsBefore = 'mute';
      return;
    case 'append-then-mute':
      plan.endsAfter = 'mute';
      return;
    case 'black-hole':
      plan.endsBefore = 'black-hole';
      return;
    case 'merge-replies':
      mangling(plan).hold = 'merge';
      return;
    case 'swap-replies':
      mangling(plan).hold = 'swap';
      return;
    case 'corrupt-reply':
      mangling(plan).isCorrupt = true;
      return;
    case 'wrong-correlation-id':
      mangling(plan).correlationId = 0x7ead_beef;
      return;
    case 'move-leader':
    case 'move-leader-with-hint':
    case 'move-leader-without-hint':
      if (action !== 'move-leader') plan.faults.hint = action === 'move-leader-with-hint';
      for (const { topic, partition } of about) if (partition >= 0) acts.moveLeader(topic, partition);
      return;
    case 'stale-metadata':
      plan.faults.staleView = staleViews.get(rule) ?? null;
      return;
    case 'forget-producers':
      acts.forgetProducers();
      return;
    case 'move-coordinator': {
      const key = keyOf(request);
      if (key !== null) acts.moveCoordinator(key);
      return;
    }
    case 'expire-transaction': {
      const key = keyOf(request);
      if (key !== null) acts.expireTransaction(key);
      return;
    }
    case 'delete-topic':
      for (const topic of topicsOf(about)) acts.deleteTopic(topic);
      return;
    case 'recreate-topic':
      for (const topic of topicsOf(about)) acts.recreateTopic(topic);
      return;
    case 'kill-broker':
      plan.endsBefore = 'reset';
      plan.faults.killsBroker = true;
      return;
    case 'replace-all-brokers':
      plan.endsBefore = 'reset';
      acts.replaceAllBrokers();
      return;
  }
}

function topicsOf(touched: readonly Touched[]): Set<string> {
  return new Set(touched.map(({ topic }) => topic));
}

/** The transactional id or group that a request is about. */
function keyOf(request: unknown): string | null {
  const fields = request as Record<string, unknown>;
  for (const name of ['transactionalId', 'v3AndBelowTransactionalId', 'groupId', 'key']) {
    const value = fields[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  const many = fields['transactions'] as { transactionalId: string }[] | undefined;
  return many?.[0]?.transactionalId ?? (fields['coordinatorKeys'] as string[] | undefined)?.[0] ?? null;
}
