export {
  type AllowedBrokers,
  allowList,
  type BrokerRoute,
  notAllowedText,
  type ResolveBroker,
  type ResolvedBroker,
  resolveAddress,
  type SocketFactory,
  unreachableText,
} from './address-policy.ts';
export {
  authenticate,
  reauthenticateAfterMs,
  renewalFailure,
  type SaslExchange,
  type SaslSession,
} from './authenticate.ts';
export { AuthenticationError, type AuthenticationErrorCode } from './authentication-error.ts';
export { type AwsMskIamOptions, type AwsMskIamPayload, awsMskIam } from './aws-msk-iam.ts';
export { type GssapiOptions, gssapi, type KerberosClient, type KerberosModule } from './gssapi.ts';
export { type JwtAlgorithm, type JwtAssertionOptions, jwtAssertion } from './jwt.ts';
export type { SaslContext, SaslMechanism } from './mechanism.ts';
export { type AwsCredentials, type MskIamSignerOptions, mskIamSigner } from './msk-iam-signer.ts';
export { type OAuthBearerOptions, oauthBearer } from './oauthbearer.ts';
export { type ClientCredentialsOptions, clientCredentials, type JwtBearerOptions, jwtBearer } from './oidc.ts';
export { type PlainOptions, plain } from './plain.ts';
export { type SaslOptions, saslMechanism } from './sasl-options.ts';
export { type ScramOptions, scramSha256, scramSha512 } from './scram.ts';
export { type TlsBroker, type TlsConnector, type TlsMaterial, type TlsOptions, tlsConnector } from './tls.ts';
export {
  explainTlsError,
  isTlsRecord,
  peerSpeaksTls,
  TlsError,
  type TlsErrorCode,
  type TlsProgress,
} from './tls-errors.ts';
export type { OAuthToken, TokenProvider, TokenSourceOptions } from './token-source.ts';
