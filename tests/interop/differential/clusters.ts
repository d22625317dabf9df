import {
  ApiVersionsRequest,
  ApiVersionsResponse,
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  CreateTopicsRequest,
  CreateTopicsResponse,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  MetadataRequest,
  MetadataResponse,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '@kiel/codec';
import { Steps } from './steps.ts';

/** What there is to ask of a cluster, groups, and its administration. */
export class ClusterScript extends Steps {
  async run(): Promise<void> {
    await this.versionsAndMetadata();
    await this.groups();
    await this.admin();
  }

  async versionsAndMetadata(): Promise<void> {
    for (let version = 0; version <= this.newest.apiVersions; version++) {
      const named = version >= 3 ? { clientSoftwareName: 'kiel', clientSoftwareVersion: '1.0' } : {};
      await this.target.ask('versions', ApiVersionsRequest, ApiVersionsResponse, version, named);
    }
    const bad = { clientSoftwareName: 'no spaces', clientSoftwareVersion: '1' };
    await this.target.ask('versions with a bad name', ApiVersionsRequest, ApiVersionsResponse, 3, bad);
    if (this.newest.apiVersions >= 5) {
      const misled = { clientSoftwareName: 'kiel', clientSoftwareVersion: '1', clusterId: 'another', nodeId: -1 };
      await this.target.ask('versions of another cluster', ApiVersionsRequest, ApiVersionsResponse, 5, misled);
      const both = { ...misled, nodeId: 4711 };
      await this.target.ask(
        'versions of another broker of another cluster',
        ApiVersionsRequest,
        ApiVersionsResponse,
        5,
        both,
      );
      const nobody = { clientSoftwareName: 'kiel', clientSoftwareVersion: '1', nodeId: 4711 };
      await this.target.ask('versions of another broker', ApiVersionsRequest, ApiVersionsResponse, 5, nobody);
    }
    const names = { 'one topic': 'main', 'an unknown topic': 'nowhere' };
    for (let version = 0; version <= this.newest.metadata; version++) {
      const flags = version >= 4 ? { allowAutoTopicCreation: false } : {};
      for (const [what, name] of Object.entries(names)) {
        const topics = [{ name: this.name(name) }];
        await this.target.ask(`metadata of ${what}`, MetadataRequest, MetadataResponse, version, { topics, ...flags });
      }
      for (const name of ['a b', '', '..', 'x'.repeat(250)]) {
        const body = { topics: [{ name }], ...flags };
        await this.target.ask(`metadata of "${name.slice(0, 5)}"`, MetadataRequest, MetadataResponse, version, body);
      }
      if (version >= 1) {
        await this.target.ask('metadata of no topic', MetadataRequest, MetadataResponse, version, {
          topics: [],
          ...flags,
        });
      }
    }
    if (this.newest.metadata >= 12) {
      for (const topicId of [this.ids.get('main')!, 'AAAAAAAAAAAAAAAAAAAAEQ']) {
        const topics = [{ name: null, topicId }];
        await this.target.ask('metadata by id', MetadataRequest, MetadataResponse, 12, {
          topics,
          allowAutoTopicCreation: false,
        });
      }
    }
    const operations = { topics: [{ name: this.name('main') }], includeTopicAuthorizedOperations: true };
    await this.target.ask('metadata with operations', MetadataRequest, MetadataResponse, 9, operations);
  }

  async groups(): Promise<void> {
    for (const version of [0, 1, 2, 3]) {
      for (const keyType of version >= 1 ? [0, 1, 9] : [0]) {
        const body = version >= 1 ? { key: 'g', keyType } : { key: 'g' };
        await this.target.ask(
          `coordinator of type ${keyType}`,
          FindCoordinatorRequest,
          FindCoordinatorResponse,
          version,
          body,
        );
      }
    }
    for (const keyType of [0, 1, 9]) {
      const body = { keyType, coordinatorKeys: ['g', 'h'] };
      await this.target.ask(
        `coordinators of type ${keyType}`,
        FindCoordinatorRequest,
        FindCoordinatorResponse,
        4,
        body,
      );
    }
    const group = this.name('plain-group');
    for (let version = 2; version <= this.newest.offsetCommit; version++) {
      const partition = (partitionIndex: number) => ({
        partitionIndex,
        committedOffset: BigInt(version),
        committedMetadata: null,
      });
      const topics = [
        { name: this.name('main'), partitions: [partition(0), partition(7)] },
        { name: this.name('nowhere'), partitions: [partition(0)] },
      ];
      const body = { groupId: group, topics };
      await this.target.ask('commit', OffsetCommitRequest, OffsetCommitResponse, version, body);
      const member = { ...body, memberId: 'nobody', generationIdOrMemberEpoch: 3 };
      await this.target.ask('commit of a stranger', OffsetCommitRequest, OffsetCommitResponse, version, member);
    }
    for (let version = 1; version <= 7; version++) {
      const topics = [{ name: this.name('main'), partitionIndexes: [0, 1] }];
      await this.target.ask('committed', OffsetFetchRequest, OffsetFetchResponse, version, { groupId: group, topics });
      if (version >= 2) {
        await this.target.ask('all committed', OffsetFetchRequest, OffsetFetchResponse, version, {
          groupId: group,
          topics: null,
        });
      }
    }
    for (let version = 8; version <= this.newest.offsetFetch; version++) {
      const topics = [{ name: this.name('main'), partitionIndexes: [0, 1] }];
      const groups = [
        { groupId: group, topics },
        { groupId: this.name('none'), topics },
      ];
      await this.target.ask('committed', OffsetFetchRequest, OffsetFetchResponse, version, { groups });
    }
    await this.target.ask('sasl on a plain port', SaslHandshakeRequest, SaslHandshakeResponse, 1, {
      mechanism: 'PLAIN',
    });
  }

  async admin(): Promise<void> {
    const create = (step: string, topics: readonly object[], version = 4, validateOnly = false) =>
      this.target.ask(`create: ${step}`, CreateTopicsRequest, CreateTopicsResponse, version, {
        topics: topics.map((topic) => ({
          name: this.name('made'),
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [],
          ...topic,
        })),
        validateOnly,
      });
    await create('exists', [{ name: this.name('main') }]);
    await create('bad name', [{ name: 'a b' }]);
    await create('empty name', [{ name: '' }]);
    await create('0 partitions', [{ numPartitions: 0 }]);
    await create('-2 partitions', [{ numPartitions: -2 }]);
    await create('9 replicas', [{ replicationFactor: 9 }]);
    await create('0 replicas', [{ replicationFactor: 0 }]);
    await create('twice', [{}, {}]);
    await create('an unknown config', [{ configs: [{ name: 'no.such.config', value: '1' }] }]);
    await create('a bad config', [{ configs: [{ name: 'max.message.bytes', value: 'many' }] }]);
    await create('validated only', [{ numPartitions: 3 }], 4, true);
    await create('by default', [{ numPartitions: -1, replicationFactor: -1 }]);
    const grow = (step: string, name: string, count: number) =>
      this.target.ask(`grow: ${step}`, CreatePartitionsRequest, CreatePartitionsResponse, 2, {
        topics: [{ name: this.name(name), count, assignments: null }],
        timeoutMs: 1_000,
        validateOnly: false,
      });
    await grow('to 3', 'made', 3);
    await grow('to as many', 'made', 3);
    await grow('to fewer', 'made', 1);
    await grow('unknown', 'nowhere', 4);
    await this.waitForPartitions('made', 3);
    if (this.target.version.startsWith('4')) {
      for (const cursor of [null, { topicName: this.name('made'), partitionIndex: 1 }]) {
        await this.target.ask('partitions', DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, 0, {
          topics: [{ name: this.name('made') }, { name: this.name('nowhere') }],
          responsePartitionLimit: 2,
          cursor,
        });
      }
    }
    const remove = (step: string, name: string, version = 5) =>
      this.target.ask(`delete: ${step}`, DeleteTopicsRequest, DeleteTopicsResponse, version, {
        topicNames: [this.name(name)],
        timeoutMs: 1_000,
      });
    for (const version of [1, 3, 4, 5]) await remove('unknown', 'nowhere', version);
    await remove('one', 'made');
    const nobody = { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAEQ' };
    const byId = { topics: [nobody], timeoutMs: 1_000 };
    await this.target.ask('delete: by an unknown id', DeleteTopicsRequest, DeleteTopicsResponse, 6, byId);
  }
}
