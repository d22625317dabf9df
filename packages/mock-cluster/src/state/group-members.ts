import { Code } from '../codes.ts';
import type { Clock } from '../ports.ts';

export interface JoinAsk {
  readonly group: string;
  readonly memberId: string;
  readonly clientId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[];
  /** From JoinGroup v4 on, a first join is answered with an id to come back with. */
  readonly mustHaveId: boolean;
}

export interface Joined {
  readonly code: number;
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocol: string | null;
  readonly leader: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly metadata: Uint8Array }[];
}

export interface Synced {
  readonly code: number;
  readonly protocolType: string | null;
  readonly protocol: string | null;
  readonly assignment: Uint8Array;
}

interface Member {
  readonly id: string;
  sessionTimeoutMs: number;
  protocols: JoinAsk['protocols'];
  joining: ((joined: Joined) => void) | null;
  syncing: ((synced: Synced) => void) | null;
  assignment: Uint8Array;
  timer: unknown;
}

interface Group {
  readonly id: string;
  status: 'empty' | 'joining' | 'syncing' | 'stable';
  generation: number;
  protocolType: string | null;
  protocol: string | null;
  leader: string;
  readonly members: Map<string, Member>;
  timer: unknown;
}

const NOTHING = new Uint8Array(0);

/** Membership of classic consumer groups: join, sync, heartbeat, leave. */
export class GroupMembers {
  readonly #groups = new Map<string, Group>();
  #nextMember = 1;
  /** How long a new group waits for further members before its first generation. */
  initialDelayMs = 0;

  join(ask: JoinAsk, clock: Clock, answer: (joined: Joined) => void): void {
    const group = this.#group(ask.group);
    const failed = (code: number, memberId = ask.memberId): Joined => ({
      code,
      generation: -1,
      protocolType: null,
      protocol: null,
      leader: '',
      memberId,
      members: [],
    });
    if (ask.memberId === '' && ask.mustHaveId) {
      answer(failed(Code.MEMBER_ID_REQUIRED, this.#newId(ask.clientId)));
      return;
    }
    const isOtherProtocol = group.members.size > 0 && group.protocolType !== ask.protocolType;
    if (isOtherProtocol || ask.protocols.length === 0) {
      answer(failed(Code.INCONSISTENT_GROUP_PROTOCOL));
      return;
    }
    const id = ask.memberId === '' ? this.#newId(ask.clientId) : ask.memberId;
    let member = group.members.get(id);
    if (member === undefined) {
      member = {
        id,
        sessionTimeoutMs: ask.sessionTimeoutMs,
        protocols: ask.protocols,
        joining: null,
        syncing: null,
        assignment: NOTHING,
        timer: null,
      };
      group.members.set(id, member);
    }
    member.protocols = ask.protocols;
    member.sessionTimeoutMs = ask.sessionTimeoutMs;
    member.joining = answer;
    group.protocolType = ask.protocolType;
    clock.clearTimeout(member.timer);
    this.#rebalance(group, clock, Math.max(ask.rebalanceTimeoutMs, ask.sessionTimeoutMs));
  }

  sync(
    groupId: string,
    memberId: string,
    generation: number,
    assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[],
    clock: Clock,
    answer: (synced: Synced) => void,
  ): void {
    const group = this.#group(groupId);
    const member = group.members.get(memberId);
    const failed = (code: number): Synced => ({ code, protocolType: null, protocol: null, assignment: NOTHING });
    if (member === undefined) {
      answer(failed(Code.UNKNOWN_MEMBER_ID));
      return;
    }
    if (generation !== group.generation) {
      answer(failed(Code.ILLEGAL_GENERATION));
      return;
    }
    if (group.status === 'joining') {
      answer(failed(Code.REBALANCE_IN_PROGRESS));
      return;
    }
    member.syncing = answer;
    if (memberId === group.leader && group.status === 'syncing') {
      for (const { memberId: to, assignment } of assignments) {
        const target = group.members.get(to);
        if (target !== undefined) target.assignment = assignment;
      }
      group.status = 'stable';
    }
    if (group.status !== 'stable') return;
    for (const each of group.members.values()) {
      if (each.syncing === null) continue;
      const { syncing, assignment } = each;
      each.syncing = null;
      this.#watch(group, each, clock);
      syncing({ code: 0, protocolType: group.protocolType, protocol: group.protocol, assignment });
    }
  }

  heartbeat(groupId: string, memberId: string, generation: number, clock: Clock): number {
    const group = this.#group(groupId);
    const member = group.members.get(memberId);
    if (member === undefined) return Code.UNKNOWN_MEMBER_ID;
    if (generation !== group.generation) return Code.ILLEGAL_GENERATION;
    this.#watch(group, member, clock);
    return group.status === 'joining' ? Code.REBALANCE_IN_PROGRESS : Code.NONE;
  }

  leave(groupId: string, memberId: string, clock: Clock): number {
    const group = this.#group(groupId);
    const member = group.members.get(memberId);
    if (member === undefined) return Code.UNKNOWN_MEMBER_ID;
    this.#remove(group, member, clock);
    return Code.NONE;
  }

  /** Whether a commit comes from a present member, or from somebody outside of all generations. */
  checkCommit(groupId: string, memberId: string, generation: number, hasOffsets: boolean): number {
    const group = this.#groups.get(groupId);
    const isSimple = generation < 0 && memberId === '';
    if (group === undefined || group.members.size === 0) {
      if (isSimple || generation < 0) return Code.NONE;
      return group !== undefined || hasOffsets ? Code.UNKNOWN_MEMBER_ID : Code.ILLEGAL_GENERATION;
    }
    if (!group.members.has(memberId)) return Code.UNKNOWN_MEMBER_ID;
    if (generation !== group.generation) return Code.ILLEGAL_GENERATION;
    return group.status === 'joining' ? Code.REBALANCE_IN_PROGRESS : Code.NONE;
  }

  #newId(clientId: string): string {
    return `${clientId}-${this.#nextMember++}`;
  }

  #group(id: string): Group {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = {
        id,
        status: 'empty',
        generation: 0,
        protocolType: null,
        protocol: null,
        leader: '',
        members: new Map(),
        timer: null,
      };
      this.#groups.set(id, group);
    }
    return group;
  }

  #rebalance(group: Group, clock: Clock, timeoutMs: number): void {
    if (group.status !== 'joining') {
      group.status = 'joining';
      clock.clearTimeout(group.timer);
      group.timer = clock.setTimeout(() => this.#dropAbsent(group, clock), timeoutMs);
      for (const member of group.members.values()) {
        member.syncing?.({ code: Code.REBALANCE_IN_PROGRESS, protocolType: null, protocol: null, assignment: NOTHING });
        member.syncing = null;
      }
    }
    if ([...group.members.values()].every((member) => member.joining !== null)) this.#complete(group, clock);
  }

  #dropAbsent(group: Group, clock: Clock): void {
    for (const member of [...group.members.values()]) if (member.joining === null) group.members.delete(member.id);
    if (group.members.size > 0) this.#complete(group, clock);
    else group.status = 'empty';
  }

  #complete(group: Group, clock: Clock): void {
    clock.clearTimeout(group.timer);
    const members = [...group.members.values()];
    const offered = members[0]!.protocols.map(({ name }) => name);
    group.protocol =
      offered.find((name) => members.every((m) => m.protocols.some((p) => p.name === name))) ?? offered[0]!;
    group.generation++;
    group.status = 'syncing';
    if (!group.members.has(group.leader)) group.leader = members[0]!.id;
    const list = members.map((m) => ({
      memberId: m.id,
      metadata: m.protocols.find((p) => p.name === group.protocol)?.metadata ?? NOTHING,
    }));
    for (const member of members) {
      const answer = member.joining!;
      member.joining = null;
      this.#watch(group, member, clock);
      answer({
        code: 0,
        generation: group.generation,
        protocolType: group.protocolType,
        protocol: group.protocol,
        leader: group.leader,
        memberId: member.id,
        members: member.id === group.leader ? list : [],
      });
    }
  }

  #watch(group: Group, member: Member, clock: Clock): void {
    clock.clearTimeout(member.timer);
    member.timer = clock.setTimeout(() => {
      if (member.joining === null) this.#remove(group, member, clock);
    }, member.sessionTimeoutMs);
    (member.timer as { unref?: () => void }).unref?.();
  }

  #remove(group: Group, member: Member, clock: Clock): void {
    clock.clearTimeout(member.timer);
    if (!group.members.delete(member.id)) return;
    if (group.members.size === 0) group.status = 'empty';
    else this.#rebalance(group, clock, 60_000);
  }
}
