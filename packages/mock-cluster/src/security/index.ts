export type { AwsKeys } from './aws-msk-iam-server.ts';
export { HostilePeer, type Hostility, hostilities } from './hostile-peer.ts';
export { EndlessSaslServer, HostileScramServer, type ScramHostility, scramHostilities } from './hostile-scram.ts';
export { signedTokens, type TokenValidator, type TokenVerdict, unsecuredTokens } from './oauthbearer-server.ts';
export { SaslServer, type SaslServerOptions, type SaslUser } from './sasl-server.ts';
