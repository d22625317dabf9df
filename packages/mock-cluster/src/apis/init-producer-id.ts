import { InitProducerIdRequest, InitProducerIdResponse } from '@kiel/codec';
import { Code } from '../codes.ts';
import { defineApi } from './api.ts';
import { notCoordinator } from './coordinator.ts';

export const initProducerId = defineApi('InitProducerId', 22, InitProducerIdRequest, InitProducerIdResponse, {
  handle(ctx, request) {
    const { transactionalId, producerId, producerEpoch } = request;
    const throttleTimeMs = ctx.faults.throttleMs;
    const failed = (errorCode: number) => ({ throttleTimeMs, errorCode, producerId: -1n, producerEpoch: -1 });
    if (transactionalId !== null && transactionalId !== '' && notCoordinator(ctx, transactionalId)) {
      return failed(Code.NOT_COORDINATOR);
    }
    // No released broker keeps what was prepared: whoever asks for it is told so
    if (request.keepPreparedTxn) return failed(Code.UNSUPPORTED_VERSION);
    if ((producerId === -1n) !== (producerEpoch === -1)) return failed(Code.INVALID_REQUEST);
    const current = { producerId, epoch: producerEpoch };
    const result = ctx.core.transactions.initProducerId(
      transactionalId,
      request.transactionTimeoutMs,
      current,
      ctx.clock,
      request.enable2Pc,
    );
    if (!('producerId' in result)) return failed(fencedCode(result.code, ctx.version < 4));
    return { throttleTimeMs, errorCode: 0, producerId: result.producerId, producerEpoch: result.epoch };
  },
  fail: (_request, errorCode) => ({ errorCode, producerId: -1n, producerEpoch: -1 }),
});

/** PRODUCER_FENCED is younger than some versions; those say INVALID_PRODUCER_EPOCH. */
export function fencedCode(code: number, isOldVersion: boolean): number {
  return code === Code.PRODUCER_FENCED && isOldVersion ? Code.INVALID_PRODUCER_EPOCH : code;
}
