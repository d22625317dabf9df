export { EndlessSaslServer, HostileScramServer, type ScramHostility, scramHostilities } from './hostile-scram.ts';
export { signedTokens, type TokenValidator, type TokenVerdict, unsecuredTokens } from './oauthbearer-server.ts';
export {
  type SaslExchangeServer,
  SaslServer,
  type SaslServerOptions,
  type SaslStep,
  type SaslUser,
} from './sasl-server.ts';
