import { alterConfigs, incrementalAlterConfigs } from './alter-configs.ts';
import type { Api } from './api.ts';
import { apiVersions } from './api-versions.ts';
import { findCoordinator } from './coordinator.ts';
import { describeCluster, describeConfigs, describeTopicPartitions, offsetForLeaderEpoch } from './describe.ts';
import { fetch } from './fetch.ts';
import { heartbeat, joinGroup, leaveGroup, syncGroup } from './groups.ts';
import { initProducerId } from './init-producer-id.ts';
import { listOffsets } from './list-offsets.ts';
import { metadata } from './metadata.ts';
import { offsetCommit, offsetFetch, txnOffsetCommit } from './offsets.ts';
import { produce } from './produce.ts';
import { saslAuthenticate, saslHandshake } from './sasl.ts';
import { getTelemetrySubscriptions, pushTelemetry } from './telemetry.ts';
import { createPartitions, createTopics, deleteRecords, deleteTopics } from './topics.ts';
import { addOffsetsToTxn, addPartitionsToTxn, endTxn } from './transactions.ts';

/** Every API that the brokers serve, by key. */
export const servedApis: ReadonlyMap<number, Api> = new Map(
  [
    produce,
    fetch,
    listOffsets,
    metadata,
    offsetCommit,
    offsetFetch,
    findCoordinator,
    joinGroup,
    heartbeat,
    leaveGroup,
    syncGroup,
    saslHandshake,
    apiVersions,
    createTopics,
    deleteTopics,
    deleteRecords,
    initProducerId,
    offsetForLeaderEpoch,
    addPartitionsToTxn,
    addOffsetsToTxn,
    endTxn,
    txnOffsetCommit,
    describeConfigs,
    alterConfigs,
    incrementalAlterConfigs,
    saslAuthenticate,
    createPartitions,
    describeCluster,
    getTelemetrySubscriptions,
    pushTelemetry,
    describeTopicPartitions,
  ].map((api) => [api.key, api]),
);
