/**
 * What a producer needs: everything but most messages. Importing all two hundred of them takes a quarter of a second.
 */
export * from './core.ts';
export * from './messages/generated/add-offsets-to-txn-request.ts';
export * from './messages/generated/add-offsets-to-txn-response.ts';
export * from './messages/generated/add-partitions-to-txn-request.ts';
export * from './messages/generated/add-partitions-to-txn-response.ts';
export * from './messages/generated/api-versions-request.ts';
export * from './messages/generated/api-versions-response.ts';
export * from './messages/generated/end-txn-request.ts';
export * from './messages/generated/end-txn-response.ts';
export * from './messages/generated/find-coordinator-request.ts';
export * from './messages/generated/find-coordinator-response.ts';
export * from './messages/generated/init-producer-id-request.ts';
export * from './messages/generated/init-producer-id-response.ts';
export * from './messages/generated/metadata-request.ts';
export * from './messages/generated/metadata-response.ts';
export * from './messages/generated/produce-request.ts';
export * from './messages/generated/produce-response.ts';
export * from './messages/generated/sasl-authenticate-request.ts';
export * from './messages/generated/sasl-authenticate-response.ts';
export * from './messages/generated/sasl-handshake-request.ts';
export * from './messages/generated/sasl-handshake-response.ts';
export * from './messages/generated/txn-offset-commit-request.ts';
export * from './messages/generated/txn-offset-commit-response.ts';
