import { FindCoordinatorRequest, FindCoordinatorResponse } from '@kiel/codec';
import { Code } from '../codes.ts';
import { addressFor } from '../core.ts';
import { type Context, defineApi } from './api.ts';

/** Whether a request about this group or transactional id came to the wrong broker. */
export function notCoordinator(ctx: Context, key: string): boolean {
  return ctx.core.coordinators.of(key) !== ctx.broker.id;
}

interface Found {
  key: string;
  nodeId: number;
  host: string;
  port: number;
  errorCode: number;
  errorMessage: string | null;
}

export const findCoordinator = defineApi('FindCoordinator', 10, FindCoordinatorRequest, FindCoordinatorResponse, {
  handle(ctx, request) {
    const throttleTimeMs = ctx.faults.throttleMs;
    if (ctx.version >= 4) {
      return { throttleTimeMs, coordinators: request.coordinatorKeys.map((key) => find(ctx, key, request.keyType)) };
    }
    const { key: _, errorMessage, ...named } = find(ctx, request.key, request.keyType);
    const found = ctx.version >= 1 ? { ...named, errorMessage } : named;
    return { throttleTimeMs, ...found };
  },

  fail(request, errorCode, errorMessage, ctx) {
    const nowhere = { nodeId: -1, host: '', port: -1, errorCode, errorMessage };
    if (ctx.version < 4) return nowhere;
    return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...nowhere })) };
  },
});

function find(ctx: Context, key: string, keyType: number): Found {
  const nowhere = { key, nodeId: -1, host: '', port: -1, errorMessage: null };
  if (keyType < 0 || keyType > 1) {
    return { ...nowhere, errorCode: Code.INVALID_REQUEST, errorMessage: `there is no key type ${keyType}` };
  }
  const node = ctx.core.state.nodes.get(ctx.core.coordinators.of(key));
  if (node === undefined) return { ...nowhere, errorCode: Code.COORDINATOR_NOT_AVAILABLE };
  return { key, nodeId: node.id, ...addressFor(node, ctx.kind), errorCode: Code.NONE, errorMessage: 'NONE' };
}
