import {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '@kiel/codec';
import { Code } from '../codes.ts';
import { defineApi } from './api.ts';

const NOTHING = new Uint8Array(0);

export const saslHandshake = defineApi('SaslHandshake', 17, SaslHandshakeRequest, SaslHandshakeResponse, {
  handle(ctx, request) {
    const { sasl } = ctx.core;
    if (sasl === null) return { errorCode: Code.ILLEGAL_SASL_STATE, mechanisms: [] };
    const mechanisms = [...sasl.mechanisms];
    if (!mechanisms.includes(request.mechanism)) return { errorCode: Code.UNSUPPORTED_SASL_MECHANISM, mechanisms };
    const { principal, mechanism } = ctx.session;
    if (principal !== null && mechanism !== request.mechanism) {
      ctx.session.lastRefusal = `re-authentication by ${request.mechanism} after ${mechanism}`;
      return { errorCode: Code.UNSUPPORTED_SASL_MECHANISM, mechanisms };
    }
    ctx.session.mechanism = request.mechanism;
    ctx.session.exchange = sasl.begin(request.mechanism);
    ctx.session.expectsRawToken = ctx.version === 0;
    return { errorCode: Code.NONE, mechanisms };
  },
  fail: (_request, errorCode, _message, ctx) => ({ errorCode, mechanisms: [...(ctx.core.sasl?.mechanisms ?? [])] }),
});

export const saslAuthenticate = defineApi('SaslAuthenticate', 36, SaslAuthenticateRequest, SaslAuthenticateResponse, {
  handle(ctx, request) {
    const { session } = ctx;
    if (session.exchange === null) {
      const errorMessage = 'SaslAuthenticate came before SaslHandshake';
      return { errorCode: Code.ILLEGAL_SASL_STATE, errorMessage, authBytes: NOTHING };
    }
    const step = session.exchange.next(request.authBytes);
    if (step.kind === 'continue') return { errorCode: 0, errorMessage: null, authBytes: step.token };
    session.exchange = null;
    if (step.kind === 'failed') {
      session.lastRefusal = step.reason;
      const authBytes = step.token ?? NOTHING;
      return { errorCode: Code.SASL_AUTHENTICATION_FAILED, errorMessage: step.reason, authBytes };
    }
    if (session.principal !== null && session.principal !== step.principal) {
      session.lastRefusal = `re-authentication as ${step.principal} after ${session.principal}`;
      return { errorCode: Code.SASL_AUTHENTICATION_FAILED, errorMessage: session.lastRefusal, authBytes: NOTHING };
    }
    session.principal = step.principal;
    session.expiresAtMs = step.lifetimeMs > 0 ? ctx.clock.now() + step.lifetimeMs : Number.POSITIVE_INFINITY;
    return { errorCode: 0, errorMessage: null, authBytes: step.token, sessionLifetimeMs: BigInt(step.lifetimeMs) };
  },
  fail: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage, authBytes: NOTHING }),
});
