import { KafkaError } from '../errors.ts';

/** What can be wrong with an authentication. */
export type AuthenticationErrorCode =
  /** The broker, or the token endpoint, does not accept these credentials. */
  | 'SASL_AUTHENTICATION_FAILED'
  /** The broker does not offer the mechanism. */
  | 'UNSUPPORTED_SASL_MECHANISM'
  /** The listener expects no SASL, or not at this moment. */
  | 'ILLEGAL_SASL_STATE'
  /** The peer broke the rules of the mechanism: what it says cannot be trusted. */
  | 'SASL_PROTOCOL_VIOLATION'
  /** No token could be had for now. */
  | 'SASL_TOKEN_UNAVAILABLE'
  /** The mechanism needs a package that is not installed. */
  | 'SASL_MECHANISM_NOT_INSTALLED'
  | 'SASL_CANCELLED';

/** Who we are could not be proved. Never holds a password, token or key, nor server text that could. */
export class AuthenticationError extends KafkaError {
  override readonly name = 'AuthenticationError';
  declare readonly code: AuthenticationErrorCode;

  /** @param options - `retriable`: the same attempt may succeed later. Otherwise connections stop trying. */
  constructor(code: AuthenticationErrorCode, message: string, options: { retriable?: boolean; cause?: unknown } = {}) {
    super(code, message, options);
  }
}
