import {
  HeartbeatRequest,
  HeartbeatResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  type JoinGroupResponseInput,
  LeaveGroupRequest,
  LeaveGroupResponse,
  SyncGroupRequest,
  SyncGroupResponse,
  type SyncGroupResponseInput,
} from '@kiel/codec';
import { Code } from '../codes.ts';
import { defineApi, Later } from './api.ts';
import { notCoordinator } from './coordinator.ts';

const NOTHING = new Uint8Array(0);

export const joinGroup = defineApi('JoinGroup', 11, JoinGroupRequest, JoinGroupResponse, {
  handle(ctx, request) {
    const { groupId, memberId } = request;
    const throttleTimeMs = ctx.faults.throttleMs;
    const failed = (errorCode: number): JoinGroupResponseInput => joinFailed(ctx.version, errorCode, memberId);
    if (notCoordinator(ctx, groupId)) return failed(Code.NOT_COORDINATOR);
    if (groupId === '') return failed(Code.INVALID_GROUP_ID);
    return new Later<JoinGroupResponseInput>((answer) =>
      ctx.core.members.join(
        {
          group: groupId,
          memberId,
          clientId: ctx.client ?? 'client',
          sessionTimeoutMs: request.sessionTimeoutMs,
          rebalanceTimeoutMs: request.rebalanceTimeoutMs,
          protocolType: request.protocolType,
          protocols: request.protocols,
          mustHaveId: ctx.version >= 4,
        },
        ctx.clock,
        (joined) =>
          answer({
            throttleTimeMs,
            errorCode: joined.code,
            generationId: joined.generation,
            protocolType: joined.protocolType,
            protocolName: joined.protocol ?? (ctx.version >= 7 ? null : ''),
            leader: joined.leader,
            memberId: joined.memberId,
            members: joined.members.map((member) => ({ memberId: member.memberId, metadata: member.metadata })),
          }),
      ),
    );
  },
  fail: (request, errorCode, _message, ctx) => joinFailed(ctx.version, errorCode, request.memberId),
});

function joinFailed(version: number, errorCode: number, memberId: string): JoinGroupResponseInput {
  return { errorCode, generationId: -1, protocolName: version >= 7 ? null : '', leader: '', memberId, members: [] };
}

export const syncGroup = defineApi('SyncGroup', 14, SyncGroupRequest, SyncGroupResponse, {
  handle(ctx, request) {
    if (notCoordinator(ctx, request.groupId)) return { errorCode: Code.NOT_COORDINATOR, assignment: NOTHING };
    return new Later<SyncGroupResponseInput>((answer) =>
      ctx.core.members.sync(
        request.groupId,
        request.memberId,
        request.generationId,
        request.assignments,
        ctx.clock,
        (synced) =>
          answer({
            throttleTimeMs: ctx.faults.throttleMs,
            errorCode: synced.code,
            protocolType: synced.protocolType,
            protocolName: synced.protocol,
            assignment: synced.assignment,
          }),
      ),
    );
  },
  fail: (_request, errorCode) => ({ errorCode, assignment: NOTHING }),
});

export const heartbeat = defineApi('Heartbeat', 12, HeartbeatRequest, HeartbeatResponse, {
  handle(ctx, request) {
    const { groupId, memberId, generationId } = request;
    const throttleTimeMs = ctx.faults.throttleMs;
    if (notCoordinator(ctx, groupId)) return { throttleTimeMs, errorCode: Code.NOT_COORDINATOR };
    return { throttleTimeMs, errorCode: ctx.core.members.heartbeat(groupId, memberId, generationId, ctx.clock) };
  },
  fail: (_request, errorCode) => ({ errorCode }),
});

export const leaveGroup = defineApi('LeaveGroup', 13, LeaveGroupRequest, LeaveGroupResponse, {
  handle(ctx, request) {
    const { groupId } = request;
    const throttleTimeMs = ctx.faults.throttleMs;
    if (notCoordinator(ctx, groupId)) return { throttleTimeMs, errorCode: Code.NOT_COORDINATOR };
    if (ctx.version < 3) {
      return { throttleTimeMs, errorCode: ctx.core.members.leave(groupId, request.memberId, ctx.clock) };
    }
    const members = request.members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: ctx.core.members.leave(groupId, memberId, ctx.clock),
    }));
    return { throttleTimeMs, errorCode: Code.NONE, members };
  },
  fail: (_request, errorCode) => ({ errorCode }),
});
